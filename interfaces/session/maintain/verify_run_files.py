"""Read the small files of a run and report damage: settings, metadata, checkpoints, weights."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from configs.errors import BadInput
from configs.reading.bounded_file import MissingFile, UnreadableFile, read_bytes
from configs.reading.json_document import OBJECT, read_json
from interfaces.ipc.tensor_file import MAX_TENSOR_BYTES, check_tensors
from interfaces.journal import read_layout
from interfaces.runtime.plugin_folders import FOLDERS
from interfaces.runtime.run_folder import RunFolder
from interfaces.runtime.run_lock import PIDS
from interfaces.session.format.run_info import SOURCES
from interfaces.session.maintain.prune import PRUNED, PRUNED_STEPS
from interfaces.session.maintain.start_time import START_TIME
from interfaces.vrchat.endpoints import ENDPOINTS
from interfaces.weights.checkpoint_files import checkpoint_files, read_checkpoint
from interfaces.weights.versions import PIN, PINNED, version_files


def damaged_files(run: RunFolder) -> Iterator[tuple[Path, str]]:
    """Each small file of a run that cannot be read, or has a wrong checksum, and why.

    A file that does not exist is no damage: most are optional, and a live run deletes some. Files
    of older versions have no checksum; only their form is checked.
    """
    for path, read in _readers(run):
        try:
            read()
        except MissingFile as error:
            if error.place != path:  # a part of it, as the tensors of a checkpoint
                yield path, f"{error.place} is missing"
        except UnreadableFile as error:
            yield path, error.cause if error.place == path else str(error)
        except BadInput as error:  # a configuration; its message has several lines
            yield path, " ".join(str(error).split())


def _readers(run: RunFolder) -> Iterator[tuple[Path, Callable[[], object]]]:
    """Every path with the function that reads and checks it."""
    yield run.config_file, lambda: run.config
    shapes: list[tuple[Path, Any]] = [
        (run.meta, OBJECT),
        (run.summary, OBJECT),
        (run.processes, PIDS),
        (run.plugin_folders, FOLDERS),
        (run.endpoints, ENDPOINTS),
        (run.start_time_file, START_TIME),
        (run.sources, SOURCES),
        (run.session / PRUNED, PRUNED_STEPS),
        (run.weights / PIN, PINNED),
    ]
    for path, shape in shapes:
        yield path, lambda path=path, shape=shape: read_json(path, shape)
    yield run.journal / "layout.json", lambda: read_layout(run.journal)
    for path in checkpoint_files(run.checkpoints):
        yield path, lambda path=path: _check_checkpoint(path)
    for path in version_files(run.weights):
        yield path, lambda path=path: check_tensors(read_bytes(path, MAX_TENSOR_BYTES), path)


def _check_checkpoint(path: Path) -> None:
    _, content = read_checkpoint(path)
    check_tensors(content, path.with_suffix(".safetensors"))
