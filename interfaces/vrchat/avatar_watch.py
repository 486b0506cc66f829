"""Asks the client what its avatar has, after each change of avatar."""

import threading
from http.client import HTTPException

from interfaces.vrchat.avatar_parameters import AvatarParameters
from interfaces.vrchat.client_finder import read_avatar

_EVERY_S, _AFTER_ERROR_S = 0.25, 2.0


class AvatarWatch:
    """A thread that asks by OSCQuery until the client has listed the current avatar.

    The tick never waits for it: until the answer, what was not heard is unknown.
    """

    def __init__(self, parameters: AvatarParameters, host: str, http_port: int) -> None:
        self._parameters = parameters
        self._address = host, http_port
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="avatar watch", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread. Safe to call more than once."""
        self._closed.set()
        self._thread.join(timeout=2.0)

    def _watch(self) -> None:
        parameters, pause_s = self._parameters, _EVERY_S
        while not self._closed.wait(pause_s):
            pause_s = _EVERY_S
            if parameters.listed:
                continue
            number = parameters.avatar_changes
            try:
                avatar = read_avatar(*self._address)
            except (OSError, ValueError, HTTPException):
                pause_s = _AFTER_ERROR_S
                continue
            heard_id = parameters.avatar_id
            # While an avatar loads, the client lists none, or the one before.
            if avatar.values and (not heard_id or avatar.id == heard_id):
                parameters.set_listing(avatar, number)
