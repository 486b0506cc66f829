"""`rollback`: pin the body of a run to an earlier version of its weights."""

from interfaces.ipc.atomic_files import quoted
from interfaces.runtime.run_folder import RunFolder
from interfaces.weights import pin, unpin
from interfaces.weights.slots import WeightsError
from interfaces.weights.versions import kept_versions, read_pin


def roll_back(run: RunFolder, version: int | None, *, release: bool) -> str:
    """Pin, or release; what was done, for people. A living body follows within 20 ms and a beat.

    Without a version: the one before the newest kept, or before the pinned one. Raises
    WeightsError.
    """
    if release:
        unpin(run.weights)
        return "released: the body follows the newest weights again"
    if version is None:
        pinned = read_pin(run.weights)
        kept = [v for v in kept_versions(run.weights) if pinned is None or v < pinned]
        before = kept[-2:-1] if pinned is None else kept[-1:]
        if not before:
            raise WeightsError(f"{run.path}: no earlier version is kept to go back to")
        version = before[0]
    pin(run.weights, version)
    again = f"rollback {quoted(run.path)} --release"
    return f"pinned to version {version}; `{again}` follows the newest again"
