"""The folder of a run: the paths of its files, and how it is created and opened."""

import itertools
import platform
import subprocess
import sys
from datetime import datetime
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from configs.errors import BadInput
from interfaces.ipc.atomic_files import shell_quoted, write_checked_json
from interfaces.ipc.no_links import LinkRefused, refuse_links
from interfaces.runtime.known_runs import ID_FILE, list_run, require_known, require_known_place
from interfaces.runtime.system.folder_place import folder_problem

if TYPE_CHECKING:  # half a second, for which the command `stop` does not wait
    from configs.schema import Config

_LIBRARIES = ("torch", "numpy", "python-osc", "opencv-python", "panda3d", "pydantic", "safetensors")


class RunError(BadInput, ValueError):
    """The given folder is not a run, or cannot be used for one."""


class RunFolder:
    """The paths of a run. Creates nothing.

    `log_old_keys`: the first read of `config` logs keys of config.yaml with old names. Commands log
    them; the processes of a run do not.
    """

    def __init__(self, path: Path, *, log_old_keys: bool = False) -> None:
        self.path = path
        self._log_old_keys = log_old_keys
        self.config_file = path / "config.yaml"
        self.meta = path / "meta.json"
        self.plugin_folders = path / "plugins.json"  # only if the configuration names a plugin
        self.processes = path / "processes.json"
        self.endpoints = path / "endpoints.json"
        self.board = path / "board.mmap"
        self.journal = path / "journal"
        self.latent_snapshots = path / "keyframes.bin"
        self.session = path / "session"
        self.start_time_file = path / "began.json"  # written when the first Steps are deleted
        self.exports = path / "exports"
        self.replays = path / "replays"
        self.sources = path / "sessions.json"  # the recordings at the start of the journal
        self.weights = path / "weights"
        self.checkpoints = path / "checkpoints"
        self.metrics = path / "metrics.jsonl"
        self.tensorboard = path / "tensorboard"
        self.view = path / "view.png"
        self.summary = path / "summary.json"
        self.logs = path / "logs"
        self.supervisor_log = self.logs / "supervisor.log"
        self.lock = path / "run.lock"
        self.stop_file = path / "STOP"  # while it exists, the guard keeps every input released
        self.standin_token = path / "standin.token"  # for faults and events of its stand-in
        self.id_file = path / ID_FILE  # see known_runs.py

    @property
    def name(self) -> str:
        """The folder's name as text that can be drawn and encoded; a name may be other bytes."""
        return self.path.name.encode(errors="replace").decode()

    @property
    def config(self) -> "Config":
        """Read the settings from config.yaml. Raises ConfigError."""
        return self._load_config()

    @property
    def edited_config(self) -> "Config":
        """Like `config`, also where the checksum of config.yaml is wrong."""
        return self._load_config(edited=True)

    def _load_config(self, *, edited: bool = False) -> "Config":
        from configs.load import load_config

        log_old_keys, self._log_old_keys = self._log_old_keys, False
        return load_config(self.config_file, log_old_keys=log_old_keys, of_run=True, edited=edited)

    def refuse_links(self) -> None:
        """Raises LinkRefused if a link stands where the run writes or deletes files."""
        paths = (each for each in vars(self).values() if isinstance(each, Path))
        refuse_links(each for each in paths if each != self.path)


def create_run(out: Path | None, config: "Config", name: str, code: Path) -> RunFolder:
    """Create a folder with config.yaml and meta.json: `out`, or runs/TIME-NAME.

    `code`: the folder of the git repository, for meta.json. The run is listed as known. Raises
    RunError if `out` already holds a run or files of another run, cannot be written, or cannot
    hold a run on Windows. Raises LinkRefused for a link in it, and UnknownRun for a folder inside
    an unknown run.
    """
    from configs.load import write_config

    path = out or fresh_folder(name)
    try:
        run = RunFolder(path.resolve())
        if problem := folder_problem(run.path):
            raise RunError(f"--out {path}: {problem}")
        if run.config_file.exists():
            raise RunError(
                f"--out {path} already holds a run; continue it with --resume {shell_quoted(path)}"
            )
        steps = (run.journal.glob("*.seg"), run.session.glob("*.mcap"), run.session.glob("*.live"))
        if any(itertools.chain(*steps)):
            raise RunError(f"--out {path} holds Steps of another run: choose a new folder")
        parts = (run.id_file, run.plugin_folders, run.checkpoints, run.weights, run.sources)
        if left := next(filter(Path.exists, parts), None):
            raise RunError(f"--out {path} holds {left.name} of another run: choose a new folder")
        require_known_place(run.path, f"--out {path}")
        run.refuse_links()
        run.logs.mkdir(parents=True, exist_ok=True)
        write_config(config, run.config_file)
        write_checked_json(run.meta, _meta(config, code))
        list_run(run.path)
    except LinkRefused:
        raise
    except OSError as error:
        raise RunError(f"--out {path}: {error.strerror or error}") from error
    return run


def open_run(path: Path) -> RunFolder:
    """Open an existing run to read it. Raises RunError if there is none."""
    run = RunFolder(path.resolve(), log_old_keys=True)
    if not run.config_file.is_file():
        known = [p.parent.name for p in sorted(Path("runs").glob("*/config.yaml"))][-3:]
        hint = f"; the newest in runs/: {', '.join(known)}" if known else ""
        raise RunError(f"{path} is not a run (no config.yaml in it){hint}")
    return run


def open_known_run(path: Path, what: str) -> RunFolder:
    """Open a run that may execute code, send to hosts and be written. `what`: for the message.

    Raises RunError if there is none, UnknownRun if it is not known, and LinkRefused.
    """
    run = open_run(path)
    require_known(run.path, what)
    run.refuse_links()
    return run


def run_of(path: Path) -> RunFolder | None:
    """The run of a run folder, a session folder or a file in it. None: not part of a run."""
    path = path.resolve()
    for folder in (path, path.parent, path.parent.parent):
        run = RunFolder(folder)
        if run.config_file.is_file() and (path == folder or path.is_relative_to(run.session)):
            return run
    return None


def fresh_folder(name: str) -> Path:
    """A folder of runs/ that does not exist, named after the time and `name`."""
    parent = Path("runs")
    stamp = datetime.now().strftime("%Y-%m-%d_%H-%M-%S")
    path, i = parent / f"{stamp}_{name}", 2
    while path.exists():
        path, i = parent / f"{stamp}_{name}_{i}", i + 1
    return path


def _meta(config: "Config", code: Path) -> dict[str, object]:
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
    """The output of a git command; "" without git or a repository."""
    try:
        result = subprocess.run(
            ["git", "-C", str(code), *words], capture_output=True, text=True, timeout=5, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return result.stdout.strip() if result.returncode == 0 else ""
