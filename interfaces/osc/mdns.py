"""mDNS: advertising the OSCQuery and OSC services of a program, in a thread of its own."""

import asyncio
import contextlib
import socket
import sys
import threading
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from typing import Any

from loguru import logger
from zeroconf import InterfaceChoice, NonUniqueNameException, ServiceInfo
from zeroconf.asyncio import AsyncZeroconf

OSCJSON, OSC = "_oscjson._tcp.local.", "_osc._udp.local."
LOOPBACK = ("127.0.0.1",)

_LABEL_BYTES = 63
_CLOSE_S = 2.0
# The goodbye of an earlier advertiser of the same name may still be on its way.
_NAME_TRIES, _NAME_PAUSE_S = 5, 1.0
# The usual loop of Windows closes a socket only after its last write has been reported, and a loop
# that ends at once leaves it open.
_LOOP = asyncio.SelectorEventLoop if sys.platform == "win32" else None
# Of Linux, which Python does not name. 0: only the interfaces that the socket itself has joined.
# Otherwise a socket for loopback also hears the network, as soon as another program listens there.
_IP_MULTICAST_ALL = 49


class BackgroundTask:
    """Runs one coroutine in its own thread until `close`. An exception ends it and is logged."""

    def __init__(self, name: str, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._work = work
        self._lock = threading.Lock()
        self._closed = False
        self._cancel: Callable[[], object] | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def close(self, timeout_s: float = _CLOSE_S) -> None:
        """Cancel the coroutine and wait at most `timeout_s` for the thread."""
        with self._lock:
            closing, self._closed = not self._closed, True
            if closing and self._cancel is not None:
                self._cancel()
        if threading.current_thread() is not self._thread:
            self._thread.join(timeout_s)

    def _run(self) -> None:
        try:
            # The event loop is created in this thread. On Windows a loop created in the main thread
            # takes over its signals and does not give them back.
            with asyncio.Runner(loop_factory=_LOOP) as runner:
                runner.run(self._main())
        except asyncio.CancelledError:
            pass
        except Exception as error:
            logger.warning("{}: {!r}", self._thread.name, error)

    async def _main(self) -> None:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None
        with self._lock:
            if self._closed:
                return
            self._cancel = lambda: loop.call_soon_threadsafe(task.cancel)
        try:
            await self._work()
        finally:
            with self._lock:
                self._cancel = None


class Advertiser:
    """Advertises the ports of OSCQuery and OSC by mDNS until closed.

    Registration takes seconds and runs in the background.

    `interfaces`: the addresses of the network interfaces to use; None uses all. VRChat's library
    leaves out loopback when another interface exists.
    `address`: the advertised IPv4 address.

    Raises ValueError for a name that mDNS cannot carry. Later errors are logged.
    """

    def __init__(
        self,
        name: str,
        http_port: int,
        osc_port: int,
        interfaces: Sequence[str] | None = LOOPBACK,
        address: str = "127.0.0.1",
    ) -> None:
        if "." in name:
            raise ValueError(f"{name!r}: an OSCQuery name must not contain a dot")
        if not 0 < len(name.encode()) <= _LABEL_BYTES or not name.isprintable():
            raise ValueError(f"{name!r}: an OSCQuery name is 1 to 63 printable bytes of UTF-8")
        text = {"txtvers": "1"}
        self._infos = [
            ServiceInfo(kind, f"{name}.{kind}", port, properties=text, parsed_addresses=[address])
            for kind, port in ((OSCJSON, http_port), (OSC, osc_port))
        ]
        self._interfaces = interfaces
        self._background = BackgroundTask(f"oscquery: advertising {name}", self._advertise)

    def close(self) -> None:
        """Unregister the services. Waits at most two seconds."""
        self._background.close()

    async def _advertise(self) -> None:
        async with open_mdns(self._interfaces) as mdns:
            await asyncio.gather(*(_register(mdns, info) for info in self._infos))
            await asyncio.Event().wait()  # until cancelled; leaving the block unregisters


async def _register(mdns: AsyncZeroconf, info: ServiceInfo) -> None:
    """Register a service. Raises NonUniqueNameException if the name stays taken for seconds."""
    for tries_left in reversed(range(_NAME_TRIES)):
        try:
            await (await mdns.async_register_service(info))
            return
        except NonUniqueNameException:
            if not tries_left:
                raise
            await asyncio.sleep(_NAME_PAUSE_S)


@contextlib.asynccontextmanager
async def open_mdns(interfaces: Sequence[str] | None) -> AsyncGenerator[AsyncZeroconf]:
    """mDNS on the interfaces with these addresses; None uses all. Raises OSError without any."""
    mdns = AsyncZeroconf(interfaces=InterfaceChoice.All if interfaces is None else list(interfaces))
    try:
        await mdns.zeroconf.async_wait_for_start()
        if interfaces is not None and sys.platform == "linux":
            for reader in mdns.zeroconf.engine.readers:
                udp = reader.transport.get_extra_info("socket")
                udp.setsockopt(socket.IPPROTO_IP, _IP_MULTICAST_ALL, 0)
        yield mdns
    finally:
        # In its own task: in a cancelled task the close stops half-way and leaves sockets open.
        await asyncio.create_task(mdns.async_close())
