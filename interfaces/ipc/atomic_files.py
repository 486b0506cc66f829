"""Files that a crash cannot leave half written."""

import json
import os
from pathlib import Path


def write_bytes(path: Path, content: bytes) -> None:
    """Write a temporary file, fsync, rename: a reader sees the old content or the new."""
    temporary = path.with_name(path.name + ".tmp")
    with temporary.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def quoted(path: Path) -> str:
    """As a shell takes it, any that people have."""
    return f'"{path}"' if " " in str(path) else str(path)


def workshop(out: Path) -> Path:
    """Where `out` is made before it takes its place: beside it, under a name that nobody else
    gives, for what lies there is taken for what a killed one has left."""
    return out.with_name(f".{out.name}.yume-part")


def write_json(path: Path, content: object) -> None:
    """Like write_bytes, as indented JSON in UTF-8."""
    text = json.dumps(content, indent=2, ensure_ascii=False)
    write_bytes(path, (text + "\n").encode())
