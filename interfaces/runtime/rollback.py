"""`rollback`: pin the body of a run to an earlier version of its weights."""

from interfaces.ipc.atomic_files import shell_quoted
from interfaces.runtime.run_folder import RunFolder
from interfaces.weights import pin, unpin
from interfaces.weights.slots import WeightsError
from interfaces.weights.versions import read_pin, stored_versions


def roll_back(run: RunFolder, version: int | None, *, release: bool) -> str:
    """Pin the body to a version, or release the pin. Returns a message for the user.

    Without a version: the one before the pinned version, or before the newest stored one. A running
    body follows within 20 ms and one tick. Raises WeightsError for a version that is not stored.
    """
    if release:
        unpin(run.weights)
        return "pin released: the body uses the newest weights again"
    if version is None:
        pinned = read_pin(run.weights)
        versions = [v for v in stored_versions(run.weights) if pinned is None or v < pinned]
        previous = versions[-2:-1] if pinned is None else versions[-1:]
        if not previous:
            raise WeightsError(f"{run.path}: no earlier version is stored")
        version = previous[0]
    pin(run.weights, version)
    command = f"rollback {shell_quoted(run.path)} --release"
    return f"pinned to version {version}; `{command}` returns to the newest"
