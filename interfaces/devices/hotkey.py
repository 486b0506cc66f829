"""The stop key: a key of the keyboard that works in every window (extra `hotkey`)."""

from collections.abc import Callable

from configs.errors import BadInput


class Hotkey:
    """Calls `on_press` in its own thread each time `key` is pressed, for example `<ctrl>+<alt>+y`.

    Raises BadInput without the extra, for an invalid key, and without a desktop.
    """

    def __init__(self, key: str, on_press: Callable[[], None]) -> None:
        where = f"world.control.stop_key {key}"
        try:
            from pynput import keyboard
        except ModuleNotFoundError as error:
            raise BadInput(f'{where} needs pynput: pip install -e ".[hotkey]"') from error
        except Exception as error:  # the import connects to the desktop; Xlib's errors vary
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise BadInput(f"{where}: no desktop to read keys from ({reason})") from error
        try:
            self._listener = keyboard.GlobalHotKeys({key: on_press})
        except ValueError as error:
            raise BadInput(f"{where}: not a key, such as <f9> or <ctrl>+<alt>+y") from error
        self._listener.daemon = True
        self._listener.start()
        self._listener.wait()  # until it listens

    def close(self) -> None:
        self._listener.stop()
