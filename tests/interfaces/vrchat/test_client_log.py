"""Which world the client is in, from lines as VRChat writes them."""

import time

import pytest

from configs.errors import BadInput
from configs.load import load_config
from configs.vrchat import MannersConfig
from interfaces.vrchat.client_log import WorldLog, log_folder
from interfaces.vrchat.endpoints import choose_endpoints
from tests.conftest import ROOT

HOME, MARKET = (
    "wrld_4432ea9b-729c-46e3-8eaf-846aa0a37fdd",
    "wrld_0b5f8a17-9d5e-4f4b-9a7d-000000000001",
)
NAME = "output_log_2026-11-23_20-00-00.txt"


def line(said, level="Debug     "):
    return f"2026.11.23 20:00:01 {level} -  [Behaviour] {said}\r\n"


def joining(world):
    return line(f"Joining {world}:12345~private(usr_1)~region(jp)")


@pytest.fixture
def log(tmp_path):
    logs = []

    def follow():
        logs.append(WorldLog(tmp_path))
        return logs[0]

    yield follow
    for each in logs:
        each.close()


def until(log, world, seconds=10.0):
    deadline = time.monotonic() + seconds
    while log.world != world:
        assert time.monotonic() < deadline, log.world
        time.sleep(0.01)


def write(path, text):
    with path.open("a", encoding="utf-8", newline="") as file:
        file.write(text)


def test_the_world_is_followed_through_a_life_and_a_restart(tmp_path, log):
    path = tmp_path / NAME
    write(path, line("Entering Room: 夢") + joining(HOME) + line("Joining or Creating Room: 夢"))
    follower = log()
    until(follower, HOME)
    write(path, line("OnLeftRoom"))
    until(follower, None)
    half = joining(MARKET)
    write(path, half[:40])
    write(path, half[40:])
    until(follower, MARKET)
    (tmp_path / "output_log_2026-11-23_21-00-00.txt").touch()  # VRChat starts anew
    until(follower, None)
    write(tmp_path / "output_log_2026-11-23_21-00-00.txt", joining(HOME))
    until(follower, HOME)


def test_nobody_can_call_themselves_a_world(tmp_path, log):
    path = tmp_path / NAME
    write(path, joining(MARKET))
    follower = log()
    until(follower, MARKET)
    write(path, line(f"OnPlayerJoined [Behaviour] Joining {HOME}:1 (usr_2)"))
    write(path, f"[Behaviour] Joining {HOME}:1\n")
    write(path, "\n".join(["", f"Joining {HOME}", joining(HOME)[1:]]))
    write(path, "\xff" * 100 + "\n")
    time.sleep(1.2)
    assert follower.world == MARKET


def test_a_folder_that_is_not_there_is_named(tmp_path, monkeypatch):
    with pytest.raises(BadInput, match=r"log_folder .*nowhere"):
        log_folder(MannersConfig(worlds=(HOME,), log_folder=str(tmp_path / "nowhere")))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    with pytest.raises(BadInput, match=r"world\.manners\.log_folder"):
        log_folder(MannersConfig(worlds=(HOME,)))
    words = ["world.osc.oscquery=false", "world.osc.send_port=9", "world.osc.receive_port=9"]
    words += [f"world.manners.worlds=[{HOME}]", "world.camera.source=0"]
    with pytest.raises(BadInput, match=r"world\.manners\.log_folder"):
        choose_endpoints(load_config(ROOT / "configs" / "vrchat.yaml", words).world)


def test_the_stand_in_writes_no_log():
    with pytest.raises(BadInput, match="stand-in writes no log"):
        load_config(ROOT / "configs" / "tiny.yaml", [f"world.manners.worlds=[{HOME}]"])
