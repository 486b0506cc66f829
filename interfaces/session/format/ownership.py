"""Whether a file was written as part of a session. Only such a file is repaired or deleted."""

import contextlib
import io
import re
from pathlib import Path

from mcap.writer import MCAP0_MAGIC

from interfaces.ipc.regular_file import is_nearly, open_regular
from interfaces.session.format.segment_writer import DONE, LIBRARY, LIVE, SPACES, SessionError

_LOOK = 64 * 2**10  # bytes at the start and at the end of a file
_NUMBERED = re.compile(rf"\d{{12,19}}(\{DONE}|\{LIVE})")


def is_ours(path: Path) -> bool:
    """Whether the content shows a segment of a session, also a damaged one.

    The start or the end of such a file is that of an MCAP file, and names what every session
    states. A power cut can leave a file empty or full of zeros: then the name of a segment is
    enough. Raises OSError.
    """
    with open_regular(path) as file:
        head = file.read(_LOOK)
        size = file.seek(0, io.SEEK_END)
        file.seek(max(0, size - _LOOK))
        tail = file.read(_LOOK)
    if not any(head) and not any(tail):
        return bool(_NUMBERED.fullmatch(path.name))
    if not is_nearly(head, MCAP0_MAGIC) and not tail.endswith(MCAP0_MAGIC):
        return False
    if SPACES.encode() in head or SPACES.encode() in tail:
        return True
    # A crash before the first metadata: there is only the beginning of a header.
    return size < _LOOK and bool(_NUMBERED.fullmatch(path.name)) and LIBRARY.encode() in head


def check_ours(path: Path) -> None:
    """Raises SessionError for a file that is no segment, and for what is not a regular file."""
    try:
        ours = is_ours(path)
    except OSError as error:
        text = str(error) if error.strerror is None else f"{path}: {error.strerror}"
        raise SessionError(f"{text}; nothing was changed") from error
    if not ours:
        raise SessionError(f"{path} is not part of a Yume session; nothing was changed")


def remove_staging(folder: Path) -> None:
    """Delete the segments in a folder of a killed process, and the folder if nothing else is in it.

    They may hold what a person asked to forget, so their names are enough. A link in the place of
    the folder is left alone. What cannot be deleted stays.
    """
    if folder.is_symlink() or not folder.is_dir():
        return
    for path in folder.iterdir():
        if _NUMBERED.fullmatch(path.name):
            with contextlib.suppress(OSError):
                path.unlink()
    with contextlib.suppress(OSError):
        folder.rmdir()
