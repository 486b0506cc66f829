"""Every version the body applied, kept on disk within a byte budget, and the pin of a rollback."""

import contextlib
import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from interfaces.ipc.atomic_files import write_bytes, write_json
from interfaces.weights.slots import LIVE_FILES, Manifest, WeightsError


def keep(folder: Path, version: int, flat: NDArray[np.float32], manifest: Manifest) -> Path:
    """Write an applied version, atomically. Raises OSError."""
    path = _path(folder, version)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(path, save({"flat": flat}, metadata={"manifest": manifest.hash}))
    return path


def prune(folder: Path, keep_bytes: int) -> None:
    """Delete the oldest kept versions beyond the budget; the newest two always stay, so that there
    is one to go back to. A pinned one stays too."""
    paths = _paths(folder)
    pinned = read_pin(folder)
    total = sum(path.stat().st_size for path in paths)
    for path in paths[:-2]:
        if total <= keep_bytes:
            return
        if int(path.stem) != pinned:
            total -= path.stat().st_size
            with contextlib.suppress(OSError):  # Windows: somebody reads it; the next round
                path.unlink()


def go_back(folder: Path, version: int) -> None:
    """Be as before `version` was published: what is live or pinned goes, and what was kept since.
    For a run nobody lives. Raises WeightsError where another program holds a file."""
    kept = [path for path in _paths(folder) if int(path.stem) >= version]
    for path in (*folder.glob(LIVE_FILES), *kept, folder / "pin.json"):
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise WeightsError(
                f"{path} cannot be deleted; does another program read it? ({error})"
            ) from error


def load_kept(folder: Path, version: int, manifest: Manifest) -> NDArray[np.float32]:
    """A kept version. Raises WeightsError when it is not kept, damaged, or of another network."""
    path = _path(folder, version)
    if not path.exists():
        raise WeightsError(f"version {version} is not kept; kept are: {_listed(folder)}")
    content = path.read_bytes()
    try:
        flat = load(content)["flat"]
        # The header: its length in eight bytes, then JSON. safetensors reads it from files only.
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
        of = header["__metadata__"]["manifest"]
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise WeightsError(f"{path} is damaged: {error}") from error
    if of != manifest.hash or flat.shape != (manifest.size,) or flat.dtype != np.float32:
        raise WeightsError(f"{path} holds weights of another network")
    if not np.isfinite(flat).all():
        raise WeightsError(f"{path} has numbers that are not finite")
    return flat


def kept_versions(folder: Path) -> list[int]:
    """Oldest first."""
    return [int(path.stem) for path in _paths(folder)]


def newest_applied(folder: Path) -> int | None:
    """The last version a body applied; None when there is none."""
    return max(kept_versions(folder), default=None)


def pin(folder: Path, version: int) -> None:
    """Have the body use a kept version until unpinned. Raises WeightsError when it is not kept."""
    if version not in kept_versions(folder):
        raise WeightsError(f"version {version} is not kept; kept are: {_listed(folder)}")
    write_json(folder / "pin.json", {"version": version})


def unpin(folder: Path) -> None:
    (folder / "pin.json").unlink(missing_ok=True)


def read_pin(folder: Path, *, unreadable: int | None = None) -> int | None:
    """The pinned version; None when there is none; `unreadable` when the file cannot be read, as on
    Windows while it is being replaced: a body must not run ahead in that moment."""
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


def _listed(folder: Path) -> str:
    versions = kept_versions(folder)
    shown = [str(version) for version in versions[-8:]]
    return ", ".join((["…"] if len(versions) > 8 else []) + shown) or "none"
