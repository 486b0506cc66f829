"""Writing files so that a crash never leaves one half written."""

import contextlib
import json
import os
from pathlib import Path
from typing import Any

from configs.reading.busy_files import replace_file
from configs.reading.json_document import with_checksum
from interfaces.ipc.no_links import LinkRefused, open_here


def write_bytes(path: Path, content: bytes) -> None:
    """Write a temporary file, fsync it and rename it: readers see the old content or the new.

    Raises LinkRefused where a link stands in the way, and OSError. It then leaves no temporary
    file, which would take space on a full disk.
    """
    temporary = path.with_name(path.name + ".tmp")
    try:
        with open_here(temporary, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        replace_file(temporary, path)
    except LinkRefused:
        raise
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise


def write_json(path: Path, content: object) -> None:
    """Like write_bytes, as indented JSON in UTF-8."""
    text = json.dumps(content, indent=2, ensure_ascii=False)
    # A path can hold bytes that are no text; Python keeps them as lone surrogates.
    write_bytes(path, (text + "\n").encode(errors="backslashreplace"))


def write_checked_json(path: Path, content: dict[str, Any]) -> None:
    """Like write_json, with a checksum that read_json checks."""
    write_json(path, with_checksum(content))


def shell_quoted(path: Path) -> str:
    """The path as an argument of any common shell."""
    return f'"{path}"' if " " in str(path) else str(path)


def staging_path(out: Path) -> Path:
    """The path beside `out` where it is built before it is renamed to `out`.

    The name is reserved: a file found there is the remains of a process that was killed.
    """
    return out.with_name(f".{out.name}.yume-part")
