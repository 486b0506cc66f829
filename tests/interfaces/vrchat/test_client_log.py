"""The client log: the current world, from lines as VRChat writes them."""

import pytest

from configs.errors import BadInput
from configs.load import load_config
from configs.vrchat import LimitsConfig
from interfaces.vrchat.client_log import ClientLogFollower, log_folder
from interfaces.vrchat.endpoints import choose_endpoints
from tests.conftest import ROOT
from tests.polling import holds_for, wait_until

HOME, MARKET = (
    "wrld_4432ea9b-729c-46e3-8eaf-846aa0a37fdd",
    "wrld_0b5f8a17-9d5e-4f4b-9a7d-000000000001",
)
NAME = "output_log_2026-11-23_20-00-00.txt"


def line(message, level="Debug     "):
    return f"2026.11.23 20:00:01 {level} -  [Behaviour] {message}\r\n"


def joining(world):
    return line(f"Joining {world}:12345~private(usr_1)~region(jp)")


@pytest.fixture
def start_follower(tmp_path):
    followers = []

    def start():
        followers.append(ClientLogFollower(tmp_path))
        return followers[0]

    yield start
    for each in followers:
        each.close()


def wait_for_world(follower, world):
    wait_until(lambda: follower.world == world, f"world {world}")


def write(path, text):
    with path.open("a", encoding="utf-8", newline="") as file:
        file.write(text)


def test_world_is_followed_through_joins_and_a_restart_of_the_client(tmp_path, start_follower):
    path = tmp_path / NAME
    write(path, line("Entering Room: 夢") + joining(HOME) + line("Joining or Creating Room: 夢"))
    follower = start_follower()
    wait_for_world(follower, HOME)
    write(path, line("OnLeftRoom"))
    wait_for_world(follower, None)
    half = joining(MARKET)
    write(path, half[:40])
    write(path, half[40:])
    wait_for_world(follower, MARKET)
    (tmp_path / "output_log_2026-11-23_21-00-00.txt").touch()  # VRChat restarts
    wait_for_world(follower, None)
    write(tmp_path / "output_log_2026-11-23_21-00-00.txt", joining(HOME))
    wait_for_world(follower, HOME)


def test_player_names_cannot_imitate_a_join_line(tmp_path, start_follower):
    path = tmp_path / NAME
    write(path, joining(MARKET))
    follower = start_follower()
    wait_for_world(follower, MARKET)
    write(path, line(f"OnPlayerJoined [Behaviour] Joining {HOME}:1 (usr_2)"))
    write(path, f"[Behaviour] Joining {HOME}:1\n")
    write(path, "\n".join(["", f"Joining {HOME}", joining(HOME)[1:]]))
    write(path, "\xff" * 100 + "\n")
    holds_for(lambda: follower.world == MARKET, 1.2, "the world does not change")


@pytest.mark.parametrize("stamp", ["2026.11.20 09:00:00", "2099.01.01 00:00:00", "2026.99.99 9"])
def test_whole_line_in_a_world_name_moves_to_no_allowed_world(tmp_path, start_follower, stamp):
    """The name was chosen before: its time is wrong, and the world is unknown until the next."""
    forged = joining(HOME).replace("2026.11.23 20:00:01", stamp)
    path = tmp_path / NAME
    write(path, joining(MARKET) + line(f"Entering Room: x\r\n{forged}") + line("Entering Room: 夢"))
    write(path, line("OnPlayerJoined") + line("the end"))
    follower = start_follower()
    holds_for(lambda: follower.world != HOME, 0.6, "the forged world does not count")
    write(path, line("OnLeftRoom") + joining(MARKET))
    wait_for_world(follower, MARKET)


def test_time_of_a_log_may_be_a_little_out_of_order(tmp_path, start_follower):
    write(tmp_path / NAME, line("x").replace("20:00:01", "20:00:05") + joining(HOME))
    wait_for_world(start_follower(), HOME)


def test_missing_log_folder_is_named(tmp_path, monkeypatch):
    with pytest.raises(BadInput, match=r"log_folder .*nowhere"):
        log_folder(LimitsConfig(worlds=(HOME,), log_folder=str(tmp_path / "nowhere")))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    with pytest.raises(BadInput, match=r"world\.limits\.log_folder"):
        log_folder(LimitsConfig(worlds=(HOME,)))
    words = ["world.osc.oscquery=false", "world.osc.send_port=9", "world.osc.receive_port=9"]
    words += [f"world.limits.worlds=[{HOME}]", "world.camera.source=0"]
    with pytest.raises(BadInput, match=r"world\.limits\.log_folder"):
        choose_endpoints(load_config(ROOT / "configs" / "vrchat.yaml", words).world)


def test_allowed_worlds_are_refused_with_the_stand_in():
    with pytest.raises(BadInput, match="stand-in writes no log"):
        load_config(ROOT / "configs" / "tiny.yaml", [f"world.limits.worlds=[{HOME}]"])
