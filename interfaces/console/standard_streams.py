"""Standard input and output that may be missing, go away, be full or stall: no command ends by it.

`main.py` calls `set_up_streams` before all other imports, so this file imports little.
"""

import codecs
import contextlib
import errno
import io
import os
import signal
import stat
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TextIO

from interfaces.console.early_interrupt import INTERRUPTED

if TYPE_CHECKING:
    from typing_extensions import Buffer

_STALLED_S = 2.0  # at the end a terminal gets this long to show the last lines
_MAX_WAITING = 1 << 20  # characters; a terminal that shows nothing loses later ones
# The next text may be written: the disk can be freed, a pipe can be read again.
_PASSING = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EAGAIN, errno.ENOMEM))
# The reader has gone on purpose: `| head`, a closed window, a lost ssh.
_NO_READER = frozenset((errno.EPIPE, errno.EIO, errno.EBADF, errno.ENXIO))


class OutputStream(io.TextIOBase):
    """A text stream whose errors are kept in `lost` and never raised.

    After an error that cannot pass, what is written is dropped. With a queue, `write` does not wait
    for the terminal either.
    """

    def __init__(self, inner: TextIO) -> None:
        self._inner = inner
        self._gone = False
        self.lost: OSError | ValueError | None = None
        self.queue: _OutputQueue | None = None

    @property
    def buffer(self) -> io.RawIOBase:
        """The stream for bytes."""
        return _BytesOutput(self)

    @property
    def encoding(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]
        """The encoding of the wrapped stream."""
        return self._inner.encoding

    @property
    def errors(self) -> str | None:  # pyright: ignore[reportIncompatibleVariableOverride]
        """How the wrapped stream encodes what its encoding lacks."""
        return self._inner.errors

    def write(self, text: str, /) -> int:
        """Write, or drop the text. Returns its length."""
        return self.put(text)

    def put(self, content: str | bytes) -> int:
        """Write, or drop, text or bytes. Returns the length."""
        if self.queue is not None:
            self.queue.put(self, content)
        else:
            self.write_now(content)
        return len(content)

    def flush(self) -> None:
        """Write what is buffered, or drop it."""
        if self.queue is None:
            self.write_now("", flush=True)

    def write_now(self, content: str | bytes, *, flush: bool = False) -> None:
        """Write in this thread, which waits as long as the terminal does."""
        if self._gone:
            return
        try:
            if isinstance(content, str):
                self._inner.write(content)
            else:
                self._inner.flush()
                self._inner.buffer.write(content)
            if flush:
                self._inner.flush()
        except (OSError, ValueError) as error:  # ValueError: closed elsewhere
            self.lost = error
            if not (isinstance(error, OSError) and error.errno in _PASSING):
                self._give_up()

    def _give_up(self) -> None:
        """Drop everything from now on, also what libraries write to the descriptor."""
        self._gone = True
        with contextlib.suppress(OSError, ValueError):
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, self._inner.fileno())
            os.close(null)
            self._inner.flush()  # what is buffered goes there, and not into an error at the exit

    def writable(self) -> bool:
        """True."""
        return True

    def isatty(self) -> bool:
        """Whether the wrapped stream is a terminal. False once it is gone."""
        with contextlib.suppress(OSError, ValueError):
            return not self._gone and self._inner.isatty()
        return False

    def fileno(self) -> int:
        """The descriptor of the wrapped stream. Raises OSError if it has none."""
        return self._inner.fileno()


class _BytesOutput(io.RawIOBase):
    """Bytes to an OutputStream."""

    def __init__(self, stream: OutputStream) -> None:
        self._stream = stream

    def write(self, content: "Buffer", /) -> int:
        return self._stream.put(bytes(content))

    def flush(self) -> None:
        self._stream.flush()

    def writable(self) -> bool:
        return True


class _OutputQueue:
    """Writes in a thread: a terminal may stall for hours (Ctrl-S, a pager, text being selected)."""

    def __init__(self) -> None:
        self._contents: deque[tuple[OutputStream, str | bytes]] = deque()
        self._waiting = 0  # characters and bytes, with those that are being written
        self._changed = threading.Condition()
        threading.Thread(target=self._run, name="output", daemon=True).start()

    def put(self, stream: OutputStream, content: str | bytes) -> None:
        with self._changed:
            if self._waiting < _MAX_WAITING:
                self._contents.append((stream, content))
                self._waiting += len(content)
                self._changed.notify_all()

    def is_drained(self, timeout_s: float) -> bool:
        """Wait until everything is written. False: the terminal stalls."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._waiting, timeout_s)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: bool(self._contents))
                stream, content = self._contents.popleft()
            stream.write_now(content, flush=True)
            with self._changed:
                self._waiting -= len(content)
                self._changed.notify_all()


def set_up_streams() -> None:
    """Give this process three open descriptors and output streams that never raise.

    Without it, a file opened later gets descriptor 2, and error messages are written into it.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            with contextlib.suppress(OSError):
                os.open(os.devnull, os.O_RDWR)  # the lowest free descriptor: this one
    if sys.stdin is None:
        sys.stdin = os.fdopen(os.open(os.devnull, os.O_RDONLY), encoding="utf-8")
    sys.stdout, sys.stderr = _output(sys.stdout), _output(sys.stderr)


def _output(stream: TextIO | None) -> OutputStream:
    """What the encoding lacks becomes "?": 夢, or a path that is no text."""
    if stream is None:  # no console: pythonw, a service, a closed descriptor
        null = os.open(os.devnull, os.O_WRONLY)
        stream = os.fdopen(null, "w", encoding="utf-8", errors="replace")
    elif isinstance(stream, io.TextIOWrapper):
        encoding = "utf-8"
        if sys.platform == "win32":
            import ctypes

            with contextlib.suppress(OSError, ValueError):
                is_pipe = stat.S_ISFIFO(os.fstat(stream.fileno()).st_mode)
                code_page = ctypes.WinDLL("kernel32").GetConsoleOutputCP()
                encoding = windows_encoding(stream.encoding, os.environ, code_page, is_pipe=is_pipe)
        stream.reconfigure(encoding=encoding, errors="replace")
    return OutputStream(stream)


def windows_encoding(
    now: str, environment: Mapping[str, str], code_page: int, *, is_pipe: bool
) -> str:
    """The encoding of an output on Windows: UTF-8 for a console and a file.

    A pipe is read by PowerShell (also for `> file`) or by `more`, which expect the code page of the
    console. Another program that reads it sets PYTHONUTF8=1 or PYTHONIOENCODING. `now`: the
    encoding that Python chose. `code_page`: 0 without a console.
    """
    if environment.get("PYTHONIOENCODING"):
        return now
    if not is_pipe or not code_page or environment.get("PYTHONUTF8") == "1":
        return "utf-8"
    try:
        return codecs.lookup(f"cp{code_page}").name
    except LookupError:
        return "utf-8"


def write_in_background() -> None:
    """From now on no write waits for the terminal; a process that watches others needs this."""
    queue = _OutputQueue()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, OutputStream) and stream.queue is None:
            stream.flush()
            stream.queue = queue


def run_to_exit(command: Callable[[], object]) -> None:
    """Run the command line and exit with its code. Ctrl-C is a KeyboardInterrupt in it.

    The code is 1 if the output of a successful command is lost, unless its reader has gone.
    """
    if callable(signal.getsignal(signal.SIGINT)):
        signal.signal(signal.SIGINT, signal.default_int_handler)
    code: int | str | None = 0
    try:
        command()
    except SystemExit as end:
        code = end.code
    except KeyboardInterrupt:
        code = INTERRUPTED
    except Exception:
        import traceback

        traceback.print_exc()
        code = 1
    if code == INTERRUPTED:
        print("interrupted", file=sys.stderr)
    _finish(1 if isinstance(code, str) else code or 0)


def _finish(code: int) -> None:
    """Write what waits, then exit. A stalled terminal does not keep the process."""
    queue = None
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, OutputStream):
            queue = queue or stream.queue
            stream.flush()
    if queue is not None and not queue.is_drained(_STALLED_S):
        os._exit(code)  # at a normal exit Python would wait for the stream
    lost = getattr(sys.stdout, "lost", None)
    if not code and isinstance(lost, OSError) and lost.errno not in _NO_READER:
        print(f"the output could not be written: {lost.strerror}", file=sys.stderr)
        code = 1
    sys.exit(code)
