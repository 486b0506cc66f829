"""An X display of the tests' own, for windows."""

from collections.abc import Iterator

import pytest

from interfaces.standin.desktop.picture_window import PictureWindow
from tests import xvfb
from tests.interfaces.standin.desktop.x11 import X11Client


@pytest.fixture(scope="module")
def screen() -> Iterator[X11Client]:
    with xvfb.running("1280x1024") as name:
        screen = X11Client(int(name[1:]))
        yield screen
        screen.close()


@pytest.fixture
def window(screen: X11Client) -> Iterator[PictureWindow]:
    window = PictureWindow(320, 240, "Yume 夢")
    yield window
    window.close()
