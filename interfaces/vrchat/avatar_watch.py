"""Asks the client which contacts and rays its avatar has, after each change of avatar."""

import threading
from http.client import HTTPException

from interfaces.vrchat.avatar_parameters import AvatarParameters
from interfaces.vrchat.avatar_senses import AvatarSenses
from interfaces.vrchat.client_finder import read_avatar

_EVERY_S, _AFTER_ERROR_S = 0.25, 2.0


class AvatarWatch:
    """A thread that asks by OSCQuery until the client has listed the current avatar.

    The tick never waits for it: until the answer, what was not heard is unknown.
    """

    def __init__(
        self, senses: AvatarSenses, parameters: AvatarParameters, host: str, http_port: int
    ) -> None:
        self._senses, self._parameters = senses, parameters
        self._address = host, http_port
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="avatar watch", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread. Safe to call more than once."""
        self._closed.set()
        self._thread.join(timeout=2.0)

    def _watch(self) -> None:
        pause_s = _EVERY_S
        while not self._closed.wait(pause_s):
            pause_s = _EVERY_S
            if self._senses.listed:
                continue
            number = self._senses.avatar
            try:
                avatar = read_avatar(*self._address)
            except (OSError, ValueError, HTTPException):
                pause_s = _AFTER_ERROR_S
                continue
            heard_id = self._parameters.avatar_id
            # While an avatar loads, the client lists none, or the one before.
            if avatar.values and (not heard_id or avatar.id == heard_id):
                self._senses.set_listing(avatar, number)
