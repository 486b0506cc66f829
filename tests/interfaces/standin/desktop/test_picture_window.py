"""The window on a real X server: the pixels on its screen, and the keys of its keyboard."""

import os
import subprocess
import sys
import zlib
from collections.abc import Callable

import numpy as np
import pytest

from configs.errors import BadInput
from configs.standin import StandinConfig
from interfaces.standin.core import StandinCore
from interfaces.standin.desktop.composition import compose
from interfaces.standin.desktop.picture_window import NoDisplay, PictureWindow
from tests.conftest import ROOT
from tests.interfaces.standin.desktop.x11 import X11Client
from tests.polling import wait_until

ROOM = StandinConfig(width=64, height=64, people=1)


def noise(width: int, height: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def show_until(
    window: PictureWindow, picture: np.ndarray, wanted: Callable[[], bool], what: str = "the window"
) -> None:
    """Show the picture again and again until `wanted` holds: the X server is another process."""

    def show_and_check() -> bool:
        if wanted():
            return True
        window.show(picture)
        return False

    wait_until(show_and_check, what)


def keys_become(window: PictureWindow, *wanted: str) -> None:
    show_until(
        window, noise(8, 8), lambda: window.keys() - {"lshift"} == set(wanted), f"keys {wanted}"
    )


@pytest.mark.parametrize(
    ("width", "height"), [(640, 480), (333, 777), (129, 65), (1024, 1000), (2, 2)]
)
def test_the_screen_shows_each_pixel_of_the_picture(
    screen: X11Client, width: int, height: int
) -> None:
    window, picture = PictureWindow(width, height, "Yume 夢"), noise(width, height)
    try:
        for _ in range(2):  # a frame is drawn while the one before is shown
            window.show(picture)
        show_until(window, picture, lambda: np.array_equal(screen.pixels(), picture))
        assert window.size == (width, height)
    finally:
        window.close()


def test_picture_and_map_fill_a_resized_window(screen: X11Client, window: PictureWindow) -> None:
    picture, minimap = noise(64, 64), noise(160, 160, seed=1)
    for width, height in ((320, 240), (700, 300), (301, 499)):
        screen.resize(width, height)
        wanted = compose(picture, minimap, width, height)

        def shown(wanted: np.ndarray = wanted) -> bool:
            window.show(picture, minimap)
            return np.array_equal(screen.pixels(), wanted)

        wait_until(shown, f"{width}x{height} on the screen")
        assert window.size == (width, height)


def test_a_key_is_held_until_it_is_released(screen: X11Client, window: PictureWindow) -> None:
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


def test_a_short_tap_between_two_pictures_is_reported(
    screen: X11Client, window: PictureWindow
) -> None:
    window.show(noise(8, 8))
    screen.focus(screen.window())
    screen.tap("space")
    keys_become(window, "space")
    keys_become(window)


def test_without_the_focus_no_key_is_held(screen: X11Client, window: PictureWindow) -> None:
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


def test_the_close_button_closes_it_and_releases_the_keys(
    screen: X11Client, window: PictureWindow
) -> None:
    window.show(noise(8, 8))
    screen.focus(screen.window())
    screen.type("w", down=True)
    keys_become(window, "w")
    assert not window.closed
    screen.request_close()
    show_until(window, noise(8, 8), lambda: window.closed)
    screen.type("w", down=False)
    window.show(noise(8, 8))
    assert window.keys() == frozenset()


def test_escape_closes_it(screen: X11Client, window: PictureWindow) -> None:
    window.show(noise(8, 8))
    screen.focus(screen.window())
    screen.tap("escape")
    show_until(window, noise(8, 8), lambda: window.closed)
    assert window.keys() == frozenset()


def test_a_window_can_be_closed_twice_and_opened_again(screen: X11Client) -> None:
    picture = noise(64, 64)
    windows = []
    for _ in range(3):
        window = PictureWindow(64, 64, "Yume")
        windows = [window]  # the previous window is freed after the next one was made
        window.show(picture)
        show_until(window, picture, lambda: np.array_equal(screen.pixels(), picture))
        window.close()
        window.close()
        assert window.closed
        window.show(picture)
    assert windows


def checksum_of_frames(core: StandinCore, use: Callable[[np.ndarray], None]) -> int:
    checksum = 0
    for _ in range(20):
        core.step(6, [])
        picture = core.frame()
        checksum = zlib.crc32(picture.tobytes(), checksum)
        use(picture)
    return checksum


def test_an_open_window_does_not_change_the_pictures(window: PictureWindow) -> None:
    with_window = checksum_of_frames(StandinCore(ROOM, 0), window.show)
    code = (
        "import sys, zlib\n"
        "from configs.standin import StandinConfig\n"
        "from interfaces.standin.core import StandinCore\n"
        f"core = StandinCore(StandinConfig(**{ROOM.model_dump()!r}), 0)\n"
        "checksum = 0\n"
        "for _ in range(20):\n"
        "    core.step(6, [])\n"
        "    checksum = zlib.crc32(core.frame().tobytes(), checksum)\n"
        "assert 'interfaces.standin.desktop.picture_window' not in sys.modules\n"
        "print(checksum)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert with_window == int(done.stdout)


def test_without_a_display_the_error_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    if not sys.platform.startswith("linux"):
        pytest.skip("only Linux finds its screen by DISPLAY")
    monkeypatch.setenv("DISPLAY", ":9999")
    with pytest.raises(NoDisplay, match=r"DISPLAY :9999.*Set DISPLAY.*camera\.mjpg") as caught:
        PictureWindow(64, 64, "Yume")
    assert isinstance(caught.value, BadInput)


def test_without_a_window_panda3d_is_not_loaded() -> None:
    code = (
        "import sys, interfaces.standin.desktop.keyboard, interfaces.standin.desktop.minimap\n"
        "import interfaces.standin.core\n"
        "assert not [name for name in sys.modules if name.startswith('panda3d')]"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, env=dict(os.environ))
