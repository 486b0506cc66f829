"""The desktop window of `standin --window`, with the minimap or without."""

import subprocess
import sys

import numpy as np

from configs.standin import StandinConfig
from configs.world.rooms import RoomsConfig
from interfaces.standin.core import StandinCore
from interfaces.standin.desktop.desktop_player import DesktopPlayer
from tests.conftest import ROOT
from tests.interfaces.standin.desktop.x11 import X11Client
from tests.polling import wait_until

ROOM = StandinConfig(width=64, height=64, people=1)


def test_the_window_shows_only_the_picture_or_also_the_map(screen: X11Client) -> None:
    core = StandinCore(ROOM, 0)
    core.step(6, [])
    picture = core.frame()
    enlarged = picture.repeat(8, axis=0).repeat(8, axis=1)  # 480 // 64, rounded

    def picture_alone(pixels: np.ndarray) -> bool:
        return np.array_equal(pixels, enlarged)

    def map_beside(pixels: np.ndarray) -> bool:
        return pixels.shape[1] > 600 and len(np.unique(pixels[:, -200:])) > 10

    for with_map, is_shown in ((False, picture_alone), (True, map_beside)):
        player = DesktopPlayer(ROOM, "Yume", with_map=with_map)

        def shown(player: DesktopPlayer = player, is_shown=is_shown) -> bool:
            player.show(picture, core)
            return is_shown(screen.pixels())

        try:
            wait_until(shown, "the window")
        finally:
            player.close()


def test_the_map_follows_a_change_of_the_room(screen: X11Client) -> None:
    config = ROOM.model_copy(update={"rooms": RoomsConfig(change="episode", load_s=0.1)})
    core = StandinCore(config, 0, episode_s=0.2)
    player = DesktopPlayer(config, "Yume")
    try:
        maps = []
        for _ in range(2):
            player.show(core.frame(), core)
            maps.append(player._map)
            core.step(20, [])
        assert core.place_loads == 2
        player.show(core.frame(), core)
        assert player._place is core.place
        assert player._map is not maps[1] is not maps[0]
    finally:
        player.close()


def test_no_map_without_window_is_refused() -> None:
    done = subprocess.run(
        [sys.executable, "main.py", "standin", "--no-map"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, "--no-map" in done.stderr) == (2, True)
