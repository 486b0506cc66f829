"""Ctrl-C while a command still imports its modules.

`main.py` imports this first, so it imports only what Python has loaded already.
"""

import os
import signal

INTERRUPTED = 130  # exit code of a command that Ctrl-C ended, as shells use it


def end_at_once_on_interrupt() -> None:
    """Until the first command starts, Ctrl-C prints one line and exits with code 130."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:

        def end(*_: object) -> None:
            try:
                os.write(2, b"interrupted\n")
            finally:
                os._exit(INTERRUPTED)

        signal.signal(signal.SIGINT, end)
