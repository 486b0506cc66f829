"""Modules and installed packages of plugins, for one test."""

import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from interfaces.journal import JournalReader
from tests.conftest import ROOT

EXAMPLES = ROOT / "examples" / "plugins"
SMALL = (
    *("model.deter=8", "model.units=8", "model.stoch=2", "dream.starts=4", "dream.horizon=3"),
    *("trainer.batch=2", "trainer.length=8", "trainer.prefill=30", "trainer.train_ratio=2"),
)


def write_module(
    monkeypatch: pytest.MonkeyPatch, folder: Path, name: str, source: str, *, on_path: bool = True
) -> None:
    """Write NAME.py. Python finds it during the test, or not without `on_path`."""
    (folder / f"{name}.py").write_text(textwrap.dedent(source), encoding="utf-8")
    forget_afterwards(monkeypatch, name)
    monkeypatch.setattr(sys, "path", [*sys.path, *([str(folder)] if on_path else [])])


def forget_afterwards(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """After the test, `name` is not imported, and sys.path is as before."""
    monkeypatch.setitem(sys.modules, name, None)
    del sys.modules[name]
    monkeypatch.setattr(sys, "path", [*sys.path])


def install(folder: Path, package: str, group: str, **entry_points: str) -> None:
    """What pip writes about an installed package with entry points."""
    info = folder / f"{package}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    lines = [f"{name} = {value}" for name, value in entry_points.items()]
    (info / "entry_points.txt").write_text("\n".join([f"[{group}]", *lines]) + "\n")


def steps_of(run: Path) -> NDArray[np.void]:
    """All Steps of a run, with checked checksums."""
    reader = JournalReader(run / "journal")
    return reader.read(0, reader.end, verify=True)
