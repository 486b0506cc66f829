"""What goes out on the wire, and what becomes of it when nobody listens: real UDP."""

import contextlib
import random
import socket
import sys
import time

import numpy as np
import pytest

from configs.load import load_config
from interfaces.core.clock import RealClock
from interfaces.core.world import Situation
from interfaces.osc.message import decode, encode
from interfaces.vrchat.endpoints import Endpoints
from interfaces.vrchat.vrchat_world import VRChatWorld
from tests.conftest import ROOT

WAVE = "{name: Hello, kind: press, target: chat, text: hello}"
NO_CAMERA = "http://127.0.0.1:9/nothing.mjpg"


@contextlib.contextmanager
def ear(port=0):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", port))
        listening.settimeout(2.0)
        yield listening


def heard(listening, count):
    """So many messages, in order; no more come."""
    found = [decode(listening.recv(4096))[0] for _ in range(count)]
    listening.settimeout(0.05)
    with pytest.raises(TimeoutError):
        listening.recv(4096)
    return found


@contextlib.contextmanager
def world(port, *words, heard_at=(0, "127.0.0.1"), **more):
    config = load_config(ROOT / "configs" / "vrchat.yaml", words).world
    endpoints = Endpoints("127.0.0.1", port, heard_at[0], NO_CAMERA, heard_at[1])
    made = VRChatWorld(config, endpoints, RealClock(), **more)
    try:
        yield made
    finally:
        made.close()


def walk(made):
    action = np.zeros(made.spaces.num_actions, np.float32)
    action[0] = 1.0
    made.act(action)


@pytest.mark.parametrize("copies", [1, 2, 3])
def test_the_whole_state_goes_out_as_often_as_asked_and_a_chat_line_once(copies):
    with ear() as listening:
        port = listening.getsockname()[1]
        copied = f"world.osc.copies={copies}"
        actions = f"world.actions=[{{name: Vertical}}, {{name: Run, kind: hold}}, {WAVE}]"
        with world(port, copied, actions) as made:
            made.act(np.array([1.0, 0.0, 1.0], np.float32))
            found = [address for address, _ in heard(listening, 2 * copies + 1)]
    assert found.count("/chatbox/input") == 1
    assert found.count("/input/Vertical") == found.count("/input/Run") == copies


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only 127.0.0.1 elsewhere")
def test_it_listens_where_the_clients_machine_reaches_it_and_nowhere_else():
    with ear() as listening, ear() as mouth:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind(("127.0.0.2", 0))
            port = probe.getsockname()[1]
        with world(listening.getsockname()[1], heard_at=(port, "127.0.0.2")) as made:
            mouth.sendto(encode("/avatar/parameters/HeadPat", True), ("127.0.0.1", port))
            mouth.sendto(encode("/avatar/parameters/VelocityX", 2.0), ("127.0.0.2", port))
            deadline = time.monotonic() + 5.0
            while not made.presence.feelings.received:
                assert time.monotonic() < deadline, "not heard"
            assert made.presence.feelings.received == 1
            assert made.presence.feelings["VelocityX"] == 2.0


def test_when_nobody_listens_it_rests_and_a_client_that_comes_back_hears_rest_first():
    with ear() as listening:
        port = listening.getsockname()[1]
        with world(port) as made:
            walk(made)
            assert not made.observe().situation & Situation.NO_CLIENT
            listening.close()
            for _ in range(3):
                walk(made)
            observation = made.observe()
            assert observation.situation & Situation.NO_CLIENT
            assert observation.resting
            with ear(port) as back:
                made.rest()  # as the loop does while it is resting
                for _ in range(5):
                    address, values = decode(back.recv(4096))[0]
                    assert (address, float(values[0])) == (address, 0.0)
                assert not made.observe().situation & Situation.NO_CLIENT


def test_a_fence_that_rises_in_mid_beat_stops_what_is_left_of_it():
    asked = []

    def fenced():
        asked.append(None)
        return len(asked) > 2

    with ear() as listening, world(listening.getsockname()[1], fenced=fenced) as made:
        walk(made)
        assert len(heard(listening, 2)) == 2
        made.rest()
        heard(listening, 0)


def test_with_a_tenth_of_all_packets_lost_the_avatar_does_what_is_meant():
    chance, rules = np.random.default_rng(0), random.Random(0)
    apart, longest, beats = 0, 0, 2_000
    real, since = {}, {}
    with ear() as listening, world(listening.getsockname()[1]) as made:
        config = load_config(ROOT / "configs" / "vrchat.yaml").world
        sent = config.osc.copies * sum(action.target == "input" for action in config.actions)
        for beat in range(beats):
            made.act(chance.uniform(-1, 1, made.spaces.num_actions).astype(np.float32))
            meant = {}
            for _ in range(sent):
                address, (value, *_) = decode(listening.recv(4096))[0]
                meant[address] = value
                if rules.random() >= 0.1:
                    real[address] = value
            for address, value in meant.items():
                if real.get(address) == value:
                    since.pop(address, None)
                else:
                    longest = max(longest, 1 + beat - since.setdefault(address, beat))
                    apart += beat - since[address] == 2  # 0.2 s are over, at 10 Hz
    assert longest <= 6
    assert apart <= 0.001 * beats


def test_a_flood_of_parameters_is_heard_to_its_end_and_keeps_no_beat_waiting():
    messages = [encode(f"/avatar/parameters/Bone{i}_Angle", 0.01 * i) for i in range(33)]
    took = []
    with ear() as listening, ear() as mouth:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind(("127.0.0.1", 0))
            heard_at = probe.getsockname()
        with world(listening.getsockname()[1], heard_at=(heard_at[1], heard_at[0])) as made:
            feelings = made.presence.feelings
            for sent in range(1, 101):  # a second of 2,000, twenty at a time
                for i in range(19):
                    mouth.sendto(messages[(19 * sent + i) % 33], heard_at)
                mouth.sendto(encode("/avatar/parameters/VelocityX", 0.01 * sent), heard_at)
                began = time.perf_counter()
                made.observe()
                took.append(time.perf_counter() - began)
                time.sleep(0.01)
            deadline = time.monotonic() + 5.0
            while feelings["VelocityX"] != pytest.approx(1.0):
                assert time.monotonic() < deadline, "the newest value is not felt"
                time.sleep(0.01)
            assert feelings.received > 1_800
    assert np.median(took) < 0.005, "observing does not wait for the wire"
