"""A stop key that does not work is a problem with a remedy."""

import importlib.util
import subprocess
import sys

import pytest

from interfaces.doctor.check_stop_key import stop_key_findings
from tests import xvfb
from tests.conftest import ROOT
from tests.interfaces.doctor.settings import vrchat_world


def test_without_pynput_a_stop_key_is_a_problem(monkeypatch):
    assert stop_key_findings(vrchat_world().control) == []
    control = vrchat_world("world.control.stop_key=<ctrl>+<alt>+y").control
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    (finding,) = stop_key_findings(control)
    assert (finding.level, "pynput is not installed" in finding.text) == ("problem", True)
    assert finding.remedy.startswith('pip install -e ".[hotkey]"')


@pytest.mark.parametrize(("key", "level"), [("<ctrl>+<alt>+y", "ok"), ("<nonsense>", "problem")])
def test_the_stop_key_is_registered_to_try_it(key, level):
    pytest.importorskip("Xlib", reason="the extra hotkey")
    if importlib.util.find_spec("pynput") is None:
        pytest.skip("pynput is not installed")
    with xvfb.running("64x64"):
        code = (
            "from interfaces.doctor.check_stop_key import stop_key_findings\n"
            "from configs.vrchat import ControlConfig\n"
            f"print(*[f.level for f in stop_key_findings(ControlConfig(stop_key={key!r}))])"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
        )
    assert done.stdout.split() == [level]
