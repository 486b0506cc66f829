"""Tokens for addresses on loopback, which every user of the machine can reach.

A random token is printed for its user, and kept for programs in a file that only this user reads.
"""

import contextlib
import hmac
import secrets
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from interfaces.ipc.atomic_files import write_bytes


def new_token() -> str:
    """A random token of 128 bits, which can stand in a URL."""
    return secrets.token_hex(16)


def is_token(token: str, given: str) -> bool:
    """Whether `given` is the token. The time does not depend on how much of it is right."""
    return hmac.compare_digest(token.encode(), given.encode("utf-8", "replace"))


@contextmanager
def token_file(path: Path, token: str) -> Generator[None]:
    """Keep the token in a file as long as its address is served.

    Where it cannot be written there is none: the command has printed the token.
    """
    with contextlib.suppress(OSError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_bytes(path, f"{token}\n".encode())
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            path.unlink()
