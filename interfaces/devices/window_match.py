"""Which windows `window:NAME` means: those of a program, else those with a title."""

import contextlib
from collections.abc import Iterable
from pathlib import PureWindowsPath

import psutil

_BY_TITLE = "title:"
# A browser tab can have any title, so VRChat's window is found by its program only. Steam names the
# windows of a game under Proton after the game's number.
_PROGRAMS = {"vrchat": frozenset(("vrchat", "steam_app_438100"))}
BY_PROGRAM, BY_TITLE = 2, 1


class WindowMatch:
    """What the text behind `window:` asks for. Case and `.exe` are ignored.

    `title:TEXT`: a window whose title contains TEXT. Otherwise the name of a program, such as
    VRChat; without a window of that program, a part of a title, except for VRChat.
    """

    def __init__(self, wanted: str) -> None:
        self._by_title = wanted.startswith(_BY_TITLE)
        self._text = wanted.removeprefix(_BY_TITLE).strip()
        self._key = _program_key(self._text)

    @property
    def by_program_only(self) -> bool:
        """Whether a title does not count."""
        return not self._by_title and self._key in _PROGRAMS

    def rank(self, title: str, programs: Iterable[str]) -> int:
        """BY_PROGRAM, BY_TITLE, or 0 for a window that is not meant.

        `programs`: names of its program, with or without folders.
        """
        if not self._by_title:
            names = _PROGRAMS.get(self._key, (self._key,))
            if any(_program_key(program) in names for program in programs):
                return BY_PROGRAM
        return (
            BY_TITLE
            if not self.by_program_only and self._text.casefold() in title.casefold()
            else 0
        )

    def nothing_found(self) -> str:
        """Why there is no window, for the user."""
        if self.by_program_only:
            return (
                f"no window belongs to the program {self._text}; "
                "window:title:TEXT finds a window by its title"
            )
        return f"no window has {self._text} in its title"


def program_names(pid: int) -> tuple[str, ...]:
    """The names of a process; none if it has ended or is another user's.

    Under Proton the process may have the name of Wine's loader, with its program as first argument.
    """
    names: list[str] = []
    with contextlib.suppress(psutil.Error, OSError):
        process = psutil.Process(pid)
        with contextlib.suppress(psutil.Error, OSError):
            names.append(process.name())
        names += process.cmdline()[:2]  # a protected game does not give it
    return tuple(names)


def _program_key(name: str) -> str:
    return PureWindowsPath(name).name.casefold().removesuffix(".exe")
