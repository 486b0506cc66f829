"""A key that stops the avatar whatever window has the focus (extra `hotkey`)."""

from collections.abc import Callable

from configs.errors import BadInput


class Hotkey:
    """Calls `pressed`, from a thread of its own, each time `key` is pressed: `<ctrl>+<alt>+y`.

    Raises BadInput without the extra, for a key that is none, and where there is no desktop.
    """

    def __init__(self, key: str, pressed: Callable[[], None]) -> None:
        where = f"world.control.stop_key {key}"
        try:
            from pynput import keyboard
        except ModuleNotFoundError as error:
            raise BadInput(f'{where} needs pynput: pip install -e ".[hotkey]"') from error
        except Exception as error:  # it looks for the desktop when imported; Xlib's errors vary
            why = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise BadInput(f"{where}: no desktop to hear keys from ({why})") from error
        try:
            self._listener = keyboard.GlobalHotKeys({key: pressed})
        except ValueError as error:
            raise BadInput(f"{where}: not a key, such as <ctrl>+<alt>+y or <f9>") from error
        self._listener.daemon = True
        self._listener.start()
        self._listener.wait()  # from here on no press is missed

    def close(self) -> None:
        self._listener.stop()
