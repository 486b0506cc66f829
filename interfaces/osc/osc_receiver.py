"""Receives OSC from the client alone, in a thread of its own."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable

from interfaces.core.limited_log import LimitedLog
from interfaces.osc.ports import LOOPBACK

_BUFFER_BYTES = 65536  # of the largest datagram


class OscReceiver:
    """Calls `receive` with each datagram of the client until `close`.

    `listener`: a socket of listen_at(), which `close` closes. `client`: the IPv4 address of the
    client's machine. A listener on loopback accepts the programs of this machine, and no other
    sender. A datagram of another sender is counted and dropped before it is read.
    """

    def __init__(
        self, listener: socket.socket, client: str, receive: Callable[[bytes], None]
    ) -> None:
        self._socket, self._receive, self._closed = listener, receive, False
        self._local = str(listener.getsockname()[0]).startswith("127.")
        self._client = LOOPBACK if self._local else client
        self.foreign = 0  # datagrams of other senders
        self._log = LimitedLog(time.perf_counter, in_background=True)
        self._thread = threading.Thread(target=self._run, name="osc-in", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Free the port. Waits at most one second for the thread. Safe to call more than once."""
        self._closed = True
        with contextlib.suppress(OSError):
            address = self._socket.getsockname()
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as waker:
                waker.sendto(b"", address)  # the thread waits for a datagram
        self._thread.join(timeout=1.0)
        self._socket.close()

    def _run(self) -> None:
        receive, receive_from, client = self._receive, self._socket.recvfrom, self._client
        while True:
            try:
                datagram, sender = receive_from(_BUFFER_BYTES)
            except (TimeoutError, BlockingIOError, ConnectionResetError):
                # Nothing arrived. On Windows also: the receiver of an earlier datagram was gone.
                if self._closed:
                    return
                continue
            except OSError:
                return
            if self._closed:
                return
            if sender[0] == client or (self._local and sender[0].startswith("127.")):
                receive(datagram)
            else:
                self._refuse(sender[0])

    def _refuse(self, sender: str) -> None:
        self.foreign += 1
        self._log.warn(
            f"OSC from {sender} is ignored: only {self._client} may send it ({self.foreign} "
            "datagrams so far)"
        )
