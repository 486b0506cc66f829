"""The window on a real X screen: what is seen there, and what is typed there.

The screen is an Xvfb of its own, looked at and typed on as any other X client would: pixels are
those of the X server, keys come out of its keyboard (XTEST).
"""

import os
import socket
import struct
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from configs.errors import BadInput
from configs.standin import StandinConfig
from interfaces.standin.core import StandinCore
from interfaces.standin.desktop.desktop_player import Desk
from interfaces.standin.desktop.window import NoDisplay, Window, compose
from tests import xvfb
from tests.conftest import ROOT

PATIENCE_S = 10.0
KEYSYMS = {"shift": 0xFFE1, "escape": 0xFF1B, "arrow_up": 0xFF52, "tab": 0xFF09, "space": 0x20}
ROOM = StandinConfig(width=64, height=64, people=1)


class Screen:
    """As much of the X protocol as it takes to look, to type, to resize and to close."""

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
        head, keysyms = self._ask(101, 0, struct.pack("<BBxx", first, count))
        self._codes = {
            keysym: first + i // head[1]
            for i, (keysym,) in reversed(list(enumerate(struct.iter_unpack("<I", keysyms))))
        }
        head, _ = self._ask(98, 0, struct.pack("<Hxx8s", 5, b"XTEST"))
        self._xtest = head[9]

    def close(self) -> None:
        self._socket.close()

    def window(self) -> int:
        """The topmost one."""
        _, children = self._ask(15, 0, struct.pack("<I", self.root))
        return struct.unpack_from("<I", children, len(children) - 4)[0]

    def seen(self) -> np.ndarray:
        """The pixels where the window is, RGB."""
        head, _ = self._ask(14, 0, struct.pack("<I", self.window()))
        x, y, width, height = struct.unpack_from("<hhHH", head, 12)
        area = struct.pack("<IhhHHI", self.root, x, y, width, height, 0xFFFFFFFF)
        _, pixels = self._ask(73, 2, area)
        return np.frombuffer(pixels, np.uint8).reshape(height, width, 4)[..., 2::-1]

    def type(self, key: str, *, down: bool) -> None:
        code = self._codes[KEYSYMS.get(key) or ord(key)]
        self._tell(self._xtest, 2, struct.pack("<BB30x", 2 if down else 3, code))

    def tap(self, key: str) -> None:
        self.type(key, down=True)
        self.type(key, down=False)

    def focus(self, window: int) -> None:
        self._tell(42, 1, struct.pack("<II", window, 0))

    def resize(self, width: int, height: int) -> None:
        self._tell(12, 0, struct.pack("<IHxxII", self.window(), 4 | 8, width, height))

    def ask_to_close(self) -> None:
        """What a window manager does for the cross in the corner."""
        window, (kind, wish) = self.window(), map(self._atom, ("WM_PROTOCOLS", "WM_DELETE_WINDOW"))
        event = struct.pack("<BBHIIIIIII", 33, 32, 0, window, kind, wish, 0, 0, 0, 0)
        self._tell(25, 0, struct.pack("<II", window, 0) + event)

    def _atom(self, name: str) -> int:
        size = -(-len(name) // 4) * 4
        head, _ = self._ask(16, 0, struct.pack(f"<Hxx{size}s", len(name), name.encode()))
        return struct.unpack_from("<I", head, 8)[0]

    def _tell(self, opcode: int, detail: int, body: bytes) -> None:
        self._socket.sendall(struct.pack("<BBH", opcode, detail, 1 + len(body) // 4) + body)

    def _ask(self, opcode: int, detail: int, body: bytes) -> tuple[bytes, bytes]:
        self._tell(opcode, detail, body)
        while (head := self._receive(32))[0] != 1:
            assert head[0] != 0, f"X error {head[1]} for request {head[10]}"
        return head, self._receive(4 * struct.unpack_from("<I", head, 4)[0])

    def _receive(self, size: int) -> bytes:
        found = b""
        while len(found) < size:
            found += self._socket.recv(size - len(found)) or pytest.fail("the X server is gone")
        return found


@pytest.fixture(scope="module")
def screen() -> Iterator[Screen]:
    with xvfb.running("1280x1024") as name:
        screen = Screen(int(name[1:]))
        yield screen
        screen.close()


@pytest.fixture
def window(screen: Screen) -> Iterator[Window]:
    window = Window(320, 240, "Yume 夢")
    yield window
    window.close()


def noise(width: int, height: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def show_until(window: Window, picture: np.ndarray, wanted: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not wanted():
        assert time.monotonic() < deadline
        window.show(picture)
        time.sleep(0.005)  # for the X server, a process of its own


def keys_become(window: Window, *wanted: str) -> None:
    show_until(window, noise(8, 8), lambda: window.keys() - {"lshift"} == set(wanted))


@pytest.mark.parametrize(
    ("width", "height"), [(640, 480), (333, 777), (129, 65), (1024, 1000), (2, 2)]
)
def test_the_screen_shows_the_picture_pixel_by_pixel(
    screen: Screen, width: int, height: int
) -> None:
    window, picture = Window(width, height, "Yume 夢"), noise(width, height)
    try:
        for _ in range(2):  # one frame is drawn while the one before is shown
            window.show(picture)
        show_until(window, picture, lambda: np.array_equal(screen.seen(), picture))
        assert window.size == (width, height)
    finally:
        window.close()


def test_picture_and_map_fill_a_window_that_is_resized(screen: Screen, window: Window) -> None:
    picture, minimap = noise(64, 64), noise(160, 160, seed=1)
    for width, height in ((320, 240), (700, 300), (301, 499)):
        screen.resize(width, height)
        wanted = compose(picture, minimap, width, height)
        deadline = time.monotonic() + PATIENCE_S
        while not np.array_equal(screen.seen(), wanted):
            assert time.monotonic() < deadline
            window.show(picture, minimap)
        assert window.size == (width, height)


def test_without_its_map_the_desk_shows_the_picture_and_nothing_else(screen: Screen) -> None:
    core = StandinCore(ROOM, 0)
    core.step(6, [])
    picture = core.frame()
    for with_map in (False, True):
        desk = Desk(ROOM, "Yume", with_map=with_map)
        try:
            wanted = picture.repeat(8, axis=0).repeat(8, axis=1)  # 480 // 64, rounded
            deadline = time.monotonic() + PATIENCE_S
            while True:
                desk.show(picture, core)
                seen = screen.seen()
                if with_map and seen.shape[1] > 600 and len(np.unique(seen[:, -200:])) > 10:
                    break  # the map, beside the picture
                if not with_map and np.array_equal(seen, wanted):
                    break
                assert time.monotonic() < deadline
        finally:
            desk.close()


def test_no_map_without_a_window_is_bad_input() -> None:
    done = subprocess.run(
        [sys.executable, "main.py", "standin", "--no-map"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, "--no-map goes with --window" in done.stderr) == (2, True)


def test_keys_are_held_until_let_go(screen: Screen, window: Window) -> None:
    window.show(noise(8, 8))
    screen.focus(screen.window())
    assert window.keys() == frozenset()
    screen.type("w", down=True)
    keys_become(window, "w")
    screen.type("shift", down=True)
    screen.type("arrow_up", down=True)
    keys_become(window, "w", "shift", "arrow_up")
    screen.type("w", down=False)
    keys_become(window, "shift", "arrow_up")
    screen.type("shift", down=False)
    screen.type("arrow_up", down=False)
    keys_become(window)


def test_a_key_tapped_between_two_pictures_is_not_lost(screen: Screen, window: Window) -> None:
    window.show(noise(8, 8))
    screen.focus(screen.window())
    screen.tap("space")
    keys_become(window, "space")
    keys_become(window)


def test_without_the_focus_no_key_is_held(screen: Screen, window: Window) -> None:
    window.show(noise(8, 8))
    screen.focus(screen.window())
    screen.type("d", down=True)
    keys_become(window, "d")
    screen.focus(screen.root)
    keys_become(window)
    screen.type("d", down=False)
    screen.focus(screen.window())
    screen.tap("a")
    keys_become(window, "a")


def test_the_user_closes_it(screen: Screen, window: Window) -> None:
    window.show(noise(8, 8))
    screen.focus(screen.window())
    screen.type("w", down=True)
    keys_become(window, "w")
    assert not window.closed
    screen.ask_to_close()
    show_until(window, noise(8, 8), lambda: window.closed)
    screen.type("w", down=False)
    window.show(noise(8, 8))
    assert window.keys() == frozenset()


def test_escape_closes_it(screen: Screen, window: Window) -> None:
    window.show(noise(8, 8))
    screen.focus(screen.window())
    screen.tap("escape")
    show_until(window, noise(8, 8), lambda: window.closed)
    assert window.keys() == frozenset()


def test_closed_twice_and_opened_again(screen: Screen) -> None:
    picture = noise(64, 64)
    windows = []
    for _ in range(3):
        window = Window(64, 64, "Yume")
        windows = [window]  # the one before ends after the next has begun
        window.show(picture)
        show_until(window, picture, lambda: np.array_equal(screen.seen(), picture))
        window.close()
        window.close()
        assert window.closed
        window.show(picture)
    assert windows


def frames_of(core: StandinCore, beside: Callable[[np.ndarray], None]) -> int:
    checksum = 0
    for _ in range(20):
        core.step(6, [])
        picture = core.frame()
        checksum = zlib.crc32(picture.tobytes(), checksum)
        beside(picture)
    return checksum


def test_the_renderer_draws_the_same_with_a_window_beside_it(window: Window) -> None:
    together = frames_of(StandinCore(ROOM, 0), window.show)
    code = (
        "import sys, zlib\n"
        "from configs.standin import StandinConfig\n"
        "from interfaces.standin.core import StandinCore\n"
        f"core = StandinCore(StandinConfig(**{ROOM.model_dump()!r}), 0)\n"
        "checksum = 0\n"
        "for _ in range(20):\n"
        "    core.step(6, [])\n"
        "    checksum = zlib.crc32(core.frame().tobytes(), checksum)\n"
        "assert 'interfaces.standin.desktop.window' not in sys.modules\n"
        "print(checksum)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert together == int(done.stdout)


def test_without_a_display_the_message_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    if not sys.platform.startswith("linux"):
        pytest.skip("Linux alone finds its screen by DISPLAY")
    monkeypatch.setenv("DISPLAY", ":9999")
    with pytest.raises(NoDisplay, match=r"DISPLAY is :9999.*Set DISPLAY.*camera\.mjpg") as caught:
        Window(64, 64, "Yume")
    assert isinstance(caught.value, BadInput)


def test_only_who_opens_a_window_loads_panda3d() -> None:
    code = (
        "import sys, interfaces.standin.desktop.keyboard, interfaces.standin.desktop.minimap\n"
        "assert not [name for name in sys.modules if name.startswith('panda3d')]"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, env=dict(os.environ))


def test_the_picture_is_as_large_as_its_shape_allows() -> None:
    picture = np.full((30, 40, 3), 255, np.uint8)
    for width, height, left, top, wide, high in (
        (400, 300, 0, 0, 400, 300),
        (400, 400, 0, 50, 400, 300),
        (500, 300, 50, 0, 400, 300),
        (20, 15, 0, 0, 20, 15),
    ):
        canvas = compose(picture, None, width, height)
        assert canvas.shape == (height, width, 3)
        bright = (canvas == 255).all(-1)
        assert bright.sum() == wide * high
        assert bright[top : top + high, left : left + wide].all()


def test_a_whole_multiple_keeps_every_pixel() -> None:
    picture = noise(16, 12)
    assert np.array_equal(compose(picture, None, 80, 60)[2::5, 2::5], picture)
    assert np.array_equal(compose(picture, None, 80, 60)[::5, ::5], picture)


@pytest.mark.parametrize("side", [96, 160, 400])
@pytest.mark.parametrize(
    ("width", "height"), [(900, 640), (640, 640), (640, 900), (1400, 500), (160, 120), (20, 20)]
)
def test_the_map_is_whole_and_never_enlarged(side: int, width: int, height: int) -> None:
    picture = np.zeros((48, 64, 3), np.uint8)
    minimap = np.full((side, side, 3), 255, np.uint8)
    bright = (compose(picture, minimap, width, height) == 255).all(-1)
    rows, columns = np.flatnonzero(bright.any(1)), np.flatnonzero(bright.any(0))
    if min(width, height) < 100:
        assert len(rows) <= 20  # no room for a map that could be read
        return
    assert len(rows) == len(columns) <= side
    assert bright.sum() == len(rows) ** 2
    assert columns[0] > width // 2 or width < height


def test_any_shape_of_window_will_do() -> None:
    rng = np.random.default_rng(0)
    for width, height, side in rng.integers((2, 2, 96), (400, 400, 300), (300, 3)).tolist():
        canvas = compose(noise(32, 24), noise(side, side), width, height)
        assert canvas.shape == (height, width, 3)


def test_the_map_lies_beside_the_picture_where_there_is_room() -> None:
    picture, minimap = np.full((64, 64, 3), 90, np.uint8), np.full((256, 256, 3), 255, np.uint8)
    beside = compose(picture, minimap, 960, 640)
    assert (beside[:, :640] == 90).all()
    assert (beside == 255).all(-1).sum() == 256 * 256
    upon = compose(picture, minimap, 640, 640)
    assert (upon[300:] == 90).all()
    assert (upon[20, 600] == 255).all()
