"""The weight versions that the body applied, stored within a byte budget, and the rollback pin."""

import contextlib
import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from interfaces.ipc.atomic_files import write_bytes, write_json
from interfaces.weights.slots import LIVE_FILES, Manifest, WeightsError


def save_version(folder: Path, version: int, flat: NDArray[np.float32], manifest: Manifest) -> Path:
    """Write an applied version atomically and return its path. Raises OSError."""
    path = _path(folder, version)
    for each in (folder, path.parent):  # not their parents: a deleted run is not made again
        each.mkdir(exist_ok=True)
    write_bytes(path, save({"flat": flat}, metadata={"manifest": manifest.hash}))
    return path


def prune_versions(folder: Path, keep_bytes: int) -> None:
    """Delete the oldest stored versions until the total is at most `keep_bytes`.

    The two newest always stay, so that a rollback is possible. A pinned version stays too.
    """
    paths = _paths(folder)
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
    newer = [path for path in _paths(folder) if int(path.stem) >= version]
    for path in (*folder.glob(LIVE_FILES), *newer, folder / "pin.json"):
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise WeightsError(
                f"{path} cannot be deleted. Does another program read it? ({error})"
            ) from error


def load_version(folder: Path, version: int, manifest: Manifest) -> NDArray[np.float32]:
    """Read a stored version, float32 (size,).

    Raises WeightsError when it is missing, damaged, not finite, or of another network.
    """
    path = _path(folder, version)
    if not path.exists():
        raise _not_stored(folder, version)
    content = path.read_bytes()
    try:
        flat = load(content)["flat"]
        # The header is its length in eight bytes, then JSON. safetensors reads metadata only from
        # files.
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
        manifest_hash = header["__metadata__"]["manifest"]
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise WeightsError(f"{path} is damaged: {error}") from error
    if manifest_hash != manifest.hash or flat.shape != (manifest.size,) or flat.dtype != np.float32:
        raise WeightsError(f"{path} contains weights of another network")
    if not np.isfinite(flat).all():
        raise WeightsError(f"{path} contains numbers that are not finite")
    return flat


def stored_versions(folder: Path) -> list[int]:
    """All stored versions, oldest first."""
    return [int(path.stem) for path in _paths(folder)]


def newest_applied(folder: Path) -> int | None:
    """The last version that a body applied; None when there is none."""
    return max(stored_versions(folder), default=None)


def pin(folder: Path, version: int) -> None:
    """Make the body use a stored version until it is unpinned. Raises WeightsError if missing."""
    if version not in stored_versions(folder):
        raise _not_stored(folder, version)
    write_json(folder / "pin.json", {"version": version})


def unpin(folder: Path) -> None:
    """Remove the pin, so that the body follows the newest version again."""
    (folder / "pin.json").unlink(missing_ok=True)


def read_pin(folder: Path, *, unreadable: int | None = None) -> int | None:
    """The pinned version, or None without a pin.

    Returns `unreadable` when the file cannot be read, as on Windows while it is being replaced. At
    that moment the body must not switch to a newer version.
    """
    try:
        return int(json.loads((folder / "pin.json").read_text(encoding="utf-8"))["version"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError):
        return unreadable


def _path(folder: Path, version: int) -> Path:
    return folder / "applied" / f"{version:012d}.safetensors"


def _paths(folder: Path) -> list[Path]:
    return sorted((folder / "applied").glob("[0-9]*.safetensors"))


def _not_stored(folder: Path, version: int) -> WeightsError:
    """The error lists the eight newest stored versions."""
    versions = stored_versions(folder)
    shown = [str(version) for version in versions[-8:]]
    listed = ", ".join((["…"] if len(versions) > 8 else []) + shown) or "none"
    return WeightsError(f"version {version} is not stored. Stored versions: {listed}")
