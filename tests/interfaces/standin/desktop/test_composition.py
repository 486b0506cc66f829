"""Picture and minimap on one canvas: sizes, places, and exact pixels."""

import numpy as np
import pytest

from interfaces.standin.desktop.composition import compose


def noise(width: int, height: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_the_picture_is_as_large_as_its_shape_allows() -> None:
    picture = np.full((30, 40, 3), 255, np.uint8)
    for width, height, left, top, shown_width, shown_height in (
        (400, 300, 0, 0, 400, 300),
        (400, 400, 0, 50, 400, 300),
        (500, 300, 50, 0, 400, 300),
        (20, 15, 0, 0, 20, 15),
    ):
        canvas = compose(picture, None, width, height)
        assert canvas.shape == (height, width, 3)
        bright = (canvas == 255).all(-1)
        assert bright.sum() == shown_width * shown_height
        assert bright[top : top + shown_height, left : left + shown_width].all()


def test_a_whole_multiple_keeps_every_pixel() -> None:
    picture = noise(16, 12)
    assert np.array_equal(compose(picture, None, 80, 60)[2::5, 2::5], picture)
    assert np.array_equal(compose(picture, None, 80, 60)[::5, ::5], picture)


@pytest.mark.parametrize("side", [96, 160, 400])
@pytest.mark.parametrize(
    ("width", "height"), [(900, 640), (640, 640), (640, 900), (1400, 500), (160, 120), (20, 20)]
)
def test_the_map_is_complete_and_never_enlarged(side: int, width: int, height: int) -> None:
    picture = np.zeros((48, 64, 3), np.uint8)
    minimap = np.full((side, side, 3), 255, np.uint8)
    bright = (compose(picture, minimap, width, height) == 255).all(-1)
    rows, columns = np.flatnonzero(bright.any(1)), np.flatnonzero(bright.any(0))
    if min(width, height) < 100:
        assert len(rows) <= 20  # no room for a readable map
        return
    assert len(rows) == len(columns) <= side
    assert bright.sum() == len(rows) ** 2
    assert columns[0] > width // 2 or width < height


def test_any_window_size_is_filled() -> None:
    rng = np.random.default_rng(0)
    for width, height, side in rng.integers((2, 2, 96), (400, 400, 300), (300, 3)).tolist():
        canvas = compose(noise(32, 24), noise(side, side), width, height)
        assert canvas.shape == (height, width, 3)


def test_the_map_is_beside_the_picture_if_there_is_room() -> None:
    picture, minimap = np.full((64, 64, 3), 90, np.uint8), np.full((256, 256, 3), 255, np.uint8)
    beside = compose(picture, minimap, 960, 640)
    assert (beside[:, :640] == 90).all()
    assert (beside == 255).all(-1).sum() == 256 * 256
    on_picture = compose(picture, minimap, 640, 640)
    assert (on_picture[300:] == 90).all()
    assert (on_picture[20, 600] == 255).all()
