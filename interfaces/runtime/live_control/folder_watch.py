"""Whether a live run still has its folder, which a person may delete, replace or lock."""

import os
from pathlib import Path


class FolderWatch:
    """Compares the folder with the one at the start. `problem`: the first loss seen, or "".

    A loss is not forgotten: a folder that comes back lacks what was written meanwhile.
    """

    def __init__(self, folder: Path, needed: Path) -> None:
        """`needed`: a file that the folder always has. Raises OSError."""
        self._folder, self._needed = folder, needed
        self._identity = _identity(folder)
        self.problem = ""

    def check(self) -> bool:
        """Look once. Returns whether this look was the first to find a loss."""
        if self.problem:
            return False
        self.problem = self._find_problem()
        return bool(self.problem)

    def _find_problem(self) -> str:
        folder = self._folder
        try:
            if _identity(folder) != self._identity:
                return f"{folder} was replaced by another folder while the run used it"
            os.stat(self._needed)
        except (FileNotFoundError, NotADirectoryError):
            return f"{folder} was deleted or moved while the run used it"
        except OSError as error:
            return f"{folder} cannot be read any more: {error.strerror or error}"
        if not os.access(folder, os.W_OK | os.X_OK):
            return f"{folder} cannot be written any more: no permission"
        return ""


def _identity(folder: Path) -> tuple[int, int]:
    state = os.stat(folder)
    return state.st_dev, state.st_ino
