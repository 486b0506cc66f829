"""The weight versions that the body applied, stored within a byte budget, and the rollback pin."""

import contextlib
import re
from pathlib import Path
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field, TypeAdapter

from configs.reading.bounded_file import MissingFile, UnreadableFile
from configs.reading.busy_files import delete_file
from configs.reading.json_document import read_json
from interfaces.ipc.atomic_files import write_bytes, write_checked_json
from interfaces.ipc.tensor_file import pack_array, read_arrays
from interfaces.weights.slots import LIVE_FILES, Manifest, WeightsError

PIN = "pin.json"
_NAME = re.compile(r"[0-9]{12,18}")
_MAX_HEADER_BYTES = 2**20


class PinnedVersion(BaseModel):
    """The content of pin.json."""

    version: Annotated[int, Field(ge=0, lt=2**63, strict=True)]


PINNED = TypeAdapter(PinnedVersion)


def save_version(folder: Path, version: int, flat: NDArray[np.float32], manifest: Manifest) -> Path:
    """Write an applied version atomically and return its path. Raises OSError."""
    path = _path(folder, version)
    for each in (folder, path.parent):  # not their parents: a deleted run is not made again
        each.mkdir(exist_ok=True)
    write_bytes(path, pack_array("flat", np.ascontiguousarray(flat), {"manifest": manifest.hash}))
    return path


def prune_versions(folder: Path, keep_bytes: int) -> None:
    """Delete the oldest stored versions until the total is at most `keep_bytes`.

    The two newest always stay, so that a rollback is possible. A pinned version stays too.
    """
    paths = version_files(folder)
    pinned = read_pin(folder)
    total = sum(path.stat().st_size for path in paths)
    for path in paths[:-2]:
        if total <= keep_bytes:
            return
        if int(path.stem) != pinned:
            total -= path.stat().st_size
            with contextlib.suppress(OSError):  # Windows: being read; the next round tries again
                path.unlink()


def discard_versions_from(folder: Path, version: int) -> None:
    """Delete the stored versions >= `version`, the live file and the pin.

    The run must be stopped. Raises WeightsError when another program has a file open.
    """
    newer = [path for path in version_files(folder) if int(path.stem) >= version]
    for path in (*folder.glob(LIVE_FILES), *newer, folder / PIN):
        try:
            delete_file(path, missing_ok=True)
        except OSError as error:
            raise WeightsError(f"{path} cannot be deleted: {error.strerror or error}") from error


def load_version(folder: Path, version: int, manifest: Manifest) -> NDArray[np.float32]:
    """Read a stored version, float32 (size,).

    Raises WeightsError when it is missing, damaged, not finite, or of another network.
    """
    path = _path(folder, version)
    if not path.exists():
        raise _not_stored(folder, version)
    try:
        arrays, metadata = read_arrays(path, 4 * manifest.size + _MAX_HEADER_BYTES)
    except UnreadableFile as error:
        raise WeightsError(f"{path} is damaged: {error.cause}") from error
    flat = arrays.get("flat")
    is_own = flat is not None and flat.shape == (manifest.size,) and flat.dtype == np.float32
    if flat is None or not is_own or metadata.get("manifest") != manifest.hash:
        raise WeightsError(f"{path} contains weights of another network")
    if not np.isfinite(flat).all():
        raise WeightsError(f"{path} contains numbers that are not finite")
    return flat


def stored_versions(folder: Path) -> list[int]:
    """All stored versions, oldest first."""
    return [int(path.stem) for path in version_files(folder)]


def newest_applied(folder: Path) -> int | None:
    """The last version that a body applied; None when there is none."""
    return max(stored_versions(folder), default=None)


def pin(folder: Path, version: int) -> None:
    """Make the body use a stored version until it is unpinned. Raises WeightsError if missing."""
    if version not in stored_versions(folder):
        raise _not_stored(folder, version)
    write_checked_json(folder / PIN, {"version": version})


def unpin(folder: Path) -> None:
    """Remove the pin, so that the body follows the newest version again."""
    delete_file(folder / PIN, missing_ok=True)


def read_pin(folder: Path, *, unreadable: int | None = None) -> int | None:
    """The pinned version, or None without a pin.

    Returns `unreadable` when the file cannot be read, as on Windows while it is being replaced. At
    that moment the body must not switch to a newer version.
    """
    try:
        return read_json(folder / PIN, PINNED).version
    except MissingFile:
        return None
    except UnreadableFile:
        return unreadable


def _path(folder: Path, version: int) -> Path:
    return folder / "applied" / f"{version:012d}.safetensors"


def version_files(folder: Path) -> list[Path]:
    """The stored versions, oldest first. Files with other names are not ours."""
    found = (folder / "applied").glob("*.safetensors")
    return sorted(path for path in found if _NAME.fullmatch(path.stem))


def _not_stored(folder: Path, version: int) -> WeightsError:
    """The error lists the eight newest stored versions."""
    versions = stored_versions(folder)
    shown = [str(version) for version in versions[-8:]]
    listed = ", ".join((["…"] if len(versions) > 8 else []) + shown) or "none"
    return WeightsError(f"version {version} is not stored. Stored versions: {listed}")
