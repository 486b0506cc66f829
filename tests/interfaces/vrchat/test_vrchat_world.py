"""The VRChat world over real UDP: what it sends, and what happens without a client."""

import contextlib
import random
import socket
import sys
import threading
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
from tests.polling import wait_until

WAVE = "{name: Hello, kind: press, target: chat, text: hello}"
NO_CAMERA = "http://127.0.0.1:9/nothing.mjpg"


@contextlib.contextmanager
def udp_client(port=0, at="127.0.0.1"):
    """A socket on loopback that plays the client."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.bind((at, port))
        client.settimeout(2.0)
        yield client


def received(client, count):
    """Exactly `count` messages, in order."""
    messages = [decode(client.recv(4096))[0] for _ in range(count)]
    client.settimeout(0.05)
    with pytest.raises(TimeoutError):
        client.recv(4096)
    return messages


def free_port(host):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((host, 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def world(port, *words, receive_at=("127.0.0.1", 0), **more):
    config = load_config(ROOT / "configs" / "vrchat.yaml", words).world
    endpoints = Endpoints("127.0.0.1", port, receive_at[1], NO_CAMERA, receive_at[0])
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
def test_state_is_sent_in_the_configured_copies_and_a_chat_line_once(copies):
    with udp_client() as client:
        port = client.getsockname()[1]
        copied = f"world.osc.copies={copies}"
        actions = f"world.actions=[{{name: Vertical}}, {{name: Run, kind: hold}}, {WAVE}]"
        with world(port, copied, actions) as made:
            made.act(np.array([1.0, 0.0, 1.0], np.float32))
            addresses = [address for address, _ in received(client, 2 * copies + 1)]
    assert addresses.count("/chatbox/input") == 1
    assert addresses.count("/input/Vertical") == addresses.count("/input/Run") == copies


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only 127.0.0.1 elsewhere")
def test_world_listens_only_at_the_address_for_the_client():
    with udp_client() as client, udp_client() as sender:
        port = free_port("127.0.0.2")
        with world(client.getsockname()[1], receive_at=("127.0.0.2", port)) as made:
            sender.sendto(encode("/avatar/parameters/HeadPat", True), ("127.0.0.1", port))
            sender.sendto(encode("/avatar/parameters/VelocityX", 2.0), ("127.0.0.2", port))
            parameters = made.avatar_io.parameters
            wait_until(lambda: parameters.received, "a datagram")
            assert parameters.received == 1
            assert parameters["VelocityX"] == 2.0


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only 127.0.0.1 elsewhere")
def test_only_the_client_may_stop_and_release_the_agent():
    with udp_client() as client, udp_client() as sender, udp_client(at="127.0.0.2") as other:
        receive_at = ("127.0.0.1", free_port("0.0.0.0"))
        with world(client.getsockname()[1], receive_at=("0.0.0.0", receive_at[1])) as made:

            def tell(by, value):
                count = made.avatar_io.parameters.received + made.foreign_datagrams
                by.sendto(encode("/avatar/parameters/YumeOff", value), receive_at)
                parameters = made.avatar_io.parameters
                wait_until(lambda: parameters.received + made.foreign_datagrams > count)
                return bool(made.observe().situation & Situation.STOPPED)

            assert not tell(other, True)
            assert tell(sender, True)
            assert tell(other, False)
            assert made.foreign_datagrams == 2
            time.sleep(1.1)
            assert made.observe().situation & Situation.STOPPED


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only 127.0.0.1 elsewhere")
def test_on_loopback_every_program_of_this_machine_may_be_the_client():
    with udp_client() as client, udp_client(at="127.0.0.2") as sender:
        receive_at = ("127.0.0.1", free_port("127.0.0.1"))
        with world(client.getsockname()[1], receive_at=receive_at) as made:
            sender.sendto(encode("/avatar/parameters/VelocityX", 2.0), receive_at)
            wait_until(lambda: made.avatar_io.parameters.received, "a datagram")
            assert made.foreign_datagrams == 0


def test_closing_ends_the_receiving_thread_at_once_and_frees_the_port():
    with udp_client() as client:
        receive_at = ("127.0.0.1", free_port("127.0.0.1"))
        for _ in range(3):
            with world(client.getsockname()[1], receive_at=receive_at) as made:
                pass
            assert not any(each.name == "osc-in" for each in threading.enumerate())
            assert made.avatar_io.parameters.received == 0


def test_inputs_rest_without_a_client_and_a_returning_client_receives_rest_first():
    with udp_client() as client:
        port = client.getsockname()[1]
        with world(port) as made:
            walk(made)
            assert not made.observe().situation & Situation.NO_CLIENT
            client.close()
            for _ in range(3):
                walk(made)
            observation = made.observe()
            assert observation.situation & Situation.NO_CLIENT
            assert observation.resting
            with udp_client(port) as back:
                made.rest()  # as the body does while the inputs rest
                for _ in range(5):
                    address, values = decode(back.recv(4096))[0]
                    assert (address, float(values[0])) == (address, 0.0)
                assert not made.observe().situation & Situation.NO_CLIENT


def test_fence_raised_during_a_tick_stops_the_remaining_datagrams():
    calls = []

    def is_fenced():
        calls.append(None)
        return len(calls) > 2

    with udp_client() as client, world(client.getsockname()[1], is_fenced=is_fenced) as made:
        walk(made)
        assert len(received(client, 2)) == 2
        made.rest()
        received(client, 0)


def test_action_from_before_a_pause_is_not_sent_but_the_rest_values_are():
    late = []
    with udp_client() as client, world(client.getsockname()[1], is_late=lambda: bool(late)) as made:
        late.append(True)
        walk(made)
        received(client, 0)
        client.settimeout(2.0)
        made.rest()
        values = [decode(client.recv(4096))[0][1][0] for _ in range(5)]
        assert not any(values)


def test_input_state_recovers_quickly_with_a_tenth_of_all_packets_lost():
    actions, losses = np.random.default_rng(0), random.Random(0)
    long_differences, longest, ticks = 0, 0, 2_000
    client_state, differs_since = {}, {}
    with udp_client() as client, world(client.getsockname()[1]) as made:
        config = load_config(ROOT / "configs" / "vrchat.yaml").world
        sent = config.osc.copies * sum(action.target == "input" for action in config.actions)
        for tick in range(ticks):
            made.act(actions.uniform(-1, 1, made.spaces.num_actions).astype(np.float32))
            intended = {}
            for _ in range(sent):
                address, (value, *_) = decode(client.recv(4096))[0]
                intended[address] = value
                if losses.random() >= 0.1:
                    client_state[address] = value
            for address, value in intended.items():
                if client_state.get(address) == value:
                    differs_since.pop(address, None)
                else:
                    since = differs_since.setdefault(address, tick)
                    longest = max(longest, 1 + tick - since)
                    long_differences += tick - since == 2  # longer than 0.2 s at 10 Hz
    assert longest <= 6
    assert long_differences <= 0.001 * ticks


def test_flood_of_parameters_is_received_and_does_not_delay_observing():
    messages = [encode(f"/avatar/parameters/Bone{i}_Angle", 0.01 * i) for i in range(33)]
    observe_times_s = []
    with udp_client() as client, udp_client() as sender:
        receive_at = ("127.0.0.1", free_port("127.0.0.1"))
        with world(client.getsockname()[1], receive_at=receive_at) as made:
            parameters = made.avatar_io.parameters
            for burst in range(1, 101):  # 2,000 datagrams in a second, twenty at a time
                for i in range(19):
                    sender.sendto(messages[(19 * burst + i) % 33], receive_at)
                sender.sendto(encode("/avatar/parameters/VelocityX", 0.01 * burst), receive_at)
                began = time.perf_counter()
                made.observe()
                observe_times_s.append(time.perf_counter() - began)
                time.sleep(0.01)
            wait_until(lambda: parameters["VelocityX"] == pytest.approx(1.0), "the newest value")
            assert parameters.received > 1_800
    assert np.median(observe_times_s) < 0.005, "observing does not wait for datagrams"
