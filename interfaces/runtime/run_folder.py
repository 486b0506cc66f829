"""A run's folder: where everything a life leaves behind is kept."""

import contextlib
import itertools
import platform
import subprocess
import sys
from datetime import datetime
from importlib import metadata
from pathlib import Path

from configs.errors import BadInput
from configs.load import load_config, write_config
from configs.schema import Config
from interfaces.ipc.atomic_files import quoted, write_json

_LIBRARIES = ("torch", "numpy", "python-osc", "opencv-python", "panda3d", "pydantic", "safetensors")


class RunError(BadInput, ValueError):
    """The folder given is not a run, or may not be used for one."""


class RunFolder:
    """Paths of a run. Nothing is created until asked for."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config_file = path / "config.yaml"
        self.meta = path / "meta.json"
        self.processes = path / "processes.json"
        self.endpoints = path / "endpoints.json"
        self.board = path / "board.mmap"
        self.journal = path / "journal"
        self.keyframes = path / "keyframes.bin"
        self.session = path / "session"
        self.began = path / "began.json"  # when life began, once its beginning was deleted
        self.exports = path / "exports"
        self.replays = path / "replays"
        self.sources = path / "sessions.json"  # whose Steps its journal began with, and how many
        self.weights = path / "weights"
        self.checkpoints = path / "checkpoints"
        self.metrics = path / "metrics.jsonl"
        self.tensorboard = path / "tensorboard"
        self.view = path / "view.png"
        self.summary = path / "summary.json"
        self.logs = path / "logs"
        self.lock = path / "run.lock"
        self.looks = path / "looks"  # locks of those who look at it
        self.stop_file = path / "STOP"  # while it is there, the guard holds every input at rest

    @property
    def config(self) -> Config:
        return load_config(self.config_file)


def create_run(out: Path | None, config: Config, name: str, code: Path) -> RunFolder:
    """A new folder with config.yaml and meta.json; `out`, or runs/TIME-NAME.

    Raises RunError when `out` already holds a run, or what another has lived, or is not a folder
    that can be written.
    """
    path = out or _fresh_name(Path("runs"), name)
    run = RunFolder(path.resolve())
    if run.config_file.exists():
        raise RunError(
            f"--out {path} already holds a run; continue it with --resume {quoted(path)}"
        )
    lived = (run.journal.glob("*.seg"), run.session.glob("*.mcap"), run.session.glob("*.live"))
    if any(itertools.chain(*lived)):
        raise RunError(f"--out {path} holds Steps of another life: name a new folder")
    try:
        run.logs.mkdir(parents=True, exist_ok=True)
        write_config(config, run.config_file)
        write_json(run.meta, _meta(config, code))
    except OSError as error:
        raise RunError(f"--out {path}: {error.strerror or error}") from error
    return run


def open_run(path: Path) -> RunFolder:
    """An existing run. Raises RunError when there is none."""
    run = RunFolder(path.resolve())
    if not run.config_file.is_file():
        known = [p.parent.name for p in sorted(Path("runs").glob("*/config.yaml"))][-3:]
        hint = f"; the newest in runs/: {', '.join(known)}" if known else ""
        raise RunError(f"{path} is not a run (no config.yaml in it){hint}")
    with contextlib.suppress(OSError):  # who only reads needs none; who writes hears of it there
        run.logs.mkdir(parents=True, exist_ok=True)
    return run


def run_of(path: Path) -> RunFolder | None:
    """The run that this is, or lies in: a run's folder, its session's, or a file there."""
    path = path.resolve()
    for folder in (path, path.parent, path.parent.parent):
        run = RunFolder(folder)
        if run.config_file.is_file() and (path == folder or path.is_relative_to(run.session)):
            return run
    return None


def _fresh_name(parent: Path, name: str) -> Path:
    stamp = datetime.now().strftime("%Y-%m-%d_%H-%M-%S")
    path, i = parent / f"{stamp}_{name}", 2
    while path.exists():
        path, i = parent / f"{stamp}_{name}_{i}", i + 1
    return path


def _meta(config: Config, code: Path) -> dict[str, object]:
    versions: dict[str, str] = {}
    for library in _LIBRARIES:
        try:
            versions[library] = metadata.version(library)
        except metadata.PackageNotFoundError:
            versions[library] = "not installed"
    return {
        "seed": config.seed,
        "git_commit": _git(code, "rev-parse", "HEAD"),
        "git_dirty": bool(_git(code, "status", "--porcelain", "--untracked-files=no")),
        "created": datetime.now().astimezone().isoformat(timespec="seconds"),
        "command": sys.argv,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "versions": versions,
    }


def _git(code: Path, *words: str) -> str:
    """Empty when there is no git, or no repository."""
    try:
        done = subprocess.run(
            ["git", "-C", str(code), *words], capture_output=True, text=True, timeout=5, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
