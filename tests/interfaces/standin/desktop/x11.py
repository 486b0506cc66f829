"""A minimal X11 client for tests: reads pixels, types keys, resizes and closes a window."""

import socket
import struct

import numpy as np
import pytest

KEYSYMS = {"shift": 0xFFE1, "escape": 0xFF1B, "arrow_up": 0xFF52, "tab": 0xFF09, "space": 0x20}
# Request codes of the X protocol.
_CONFIGURE_WINDOW, _GET_GEOMETRY, _QUERY_TREE, _INTERN_ATOM = 12, 14, 15, 16
_SEND_EVENT, _SET_INPUT_FOCUS, _GET_IMAGE = 25, 42, 73
_QUERY_EXTENSION, _GET_KEYBOARD_MAPPING = 98, 101


class X11Client:
    """Acts as a person and as a window manager on a display that has one window."""

    def __init__(self, display: int) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(f"\0/tmp/.X11-unix/X{display}")
        self._socket.sendall(struct.pack("<BxHHHHxx", ord("l"), 11, 0, 0, 0))
        accepted, words = struct.unpack("<B5xH", self._receive(8))
        assert accepted == 1
        setup = self._receive(4 * words)
        vendor, formats = struct.unpack_from("<H", setup, 16)[0], setup[21]
        self.root = struct.unpack_from("<I", setup, 32 + -(-vendor // 4) * 4 + 8 * formats)[0]
        first, count = setup[26], setup[27] - setup[26] + 1
        mapping = struct.pack("<BBxx", first, count)
        head, keysyms = self._request(_GET_KEYBOARD_MAPPING, 0, mapping)
        self._codes = {
            keysym: first + i // head[1]
            for i, (keysym,) in reversed(list(enumerate(struct.iter_unpack("<I", keysyms))))
        }
        head, _ = self._request(_QUERY_EXTENSION, 0, struct.pack("<Hxx8s", 5, b"XTEST"))
        self._xtest = head[9]

    def close(self) -> None:
        self._socket.close()

    def window(self) -> int:
        """The id of the topmost window."""
        _, children = self._request(_QUERY_TREE, 0, struct.pack("<I", self.root))
        return struct.unpack_from("<I", children, len(children) - 4)[0]

    def pixels(self) -> np.ndarray:
        """What the screen shows where the window is: uint8 (height, width, 3), RGB."""
        head, _ = self._request(_GET_GEOMETRY, 0, struct.pack("<I", self.window()))
        x, y, width, height = struct.unpack_from("<hhHH", head, 12)
        area = struct.pack("<IhhHHI", self.root, x, y, width, height, 0xFFFFFFFF)
        _, pixels = self._request(_GET_IMAGE, 2, area)
        return np.frombuffer(pixels, np.uint8).reshape(height, width, 4)[..., 2::-1]

    def type(self, key: str, *, down: bool) -> None:
        """Press or release a key of the X server's keyboard (XTEST)."""
        code = self._codes[KEYSYMS.get(key) or ord(key)]
        self._send(self._xtest, 2, struct.pack("<BB30x", 2 if down else 3, code))

    def tap(self, key: str) -> None:
        self.type(key, down=True)
        self.type(key, down=False)

    def focus(self, window: int) -> None:
        self._send(_SET_INPUT_FOCUS, 1, struct.pack("<II", window, 0))

    def resize(self, width: int, height: int) -> None:
        values = struct.pack("<IHxxII", self.window(), 4 | 8, width, height)
        self._send(_CONFIGURE_WINDOW, 0, values)

    def request_close(self) -> None:
        """Send what a window manager sends for the close button."""
        window, (kind, wish) = self.window(), map(self._atom, ("WM_PROTOCOLS", "WM_DELETE_WINDOW"))
        event = struct.pack("<BBHIIIIIII", 33, 32, 0, window, kind, wish, 0, 0, 0, 0)
        self._send(_SEND_EVENT, 0, struct.pack("<II", window, 0) + event)

    def _atom(self, name: str) -> int:
        size = -(-len(name) // 4) * 4
        body = struct.pack(f"<Hxx{size}s", len(name), name.encode())
        head, _ = self._request(_INTERN_ATOM, 0, body)
        return struct.unpack_from("<I", head, 8)[0]

    def _send(self, opcode: int, detail: int, body: bytes) -> None:
        self._socket.sendall(struct.pack("<BBH", opcode, detail, 1 + len(body) // 4) + body)

    def _request(self, opcode: int, detail: int, body: bytes) -> tuple[bytes, bytes]:
        self._send(opcode, detail, body)
        while (head := self._receive(32))[0] != 1:
            assert head[0] != 0, f"X error {head[1]} for request {head[10]}"
        return head, self._receive(4 * struct.unpack_from("<I", head, 4)[0])

    def _receive(self, size: int) -> bytes:
        received = b""
        while len(received) < size:
            part = self._socket.recv(size - len(received))
            received += part or pytest.fail("the X server has ended")
        return received
