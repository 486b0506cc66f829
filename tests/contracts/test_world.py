"""What every World must keep, the lived one and those in lockstep alike."""

import threading
import time

import numpy as np
import pytest

from configs.load import load_config
from interfaces.core.clock import RealClock
from interfaces.osc.ports import PortTaken
from interfaces.standin.lockstep_standin import LockstepStandin
from interfaces.standin.standin_server import serve
from interfaces.vrchat.endpoints import Endpoints
from interfaces.vrchat.vrchat_world import VRChatWorld
from tests.conftest import ROOT
from tests.worlds import EchoWorld, PointWorld

TINY = load_config(ROOT / "configs" / "tiny.yaml")
POINT = load_config(ROOT / "tests" / "point.yaml")


class Live:
    """A VRChatWorld beside a stand-in on real sockets."""

    def __init__(self, config=TINY):
        self.stop, self.ports, ready = threading.Event(), None, threading.Event()

        def announce(ports):
            self.ports = ports
            ready.set()

        self.thread = threading.Thread(
            target=serve,
            args=(config.world.standin,),
            kwargs=dict(
                seed=0,
                osc_in_port=0,
                osc_out_host="127.0.0.1",
                osc_out_port=0,
                http_port=0,
                ready=announce,
                stop=self.stop,
            ),
        )
        self.thread.start()
        assert ready.wait(20)
        self.world = VRChatWorld(config.world, self.endpoints(), RealClock())
        deadline = time.perf_counter() + 20
        while not self.world.has_frame():
            assert time.perf_counter() < deadline
            time.sleep(0.01)

    def endpoints(self):
        camera = f"http://127.0.0.1:{self.ports.http}/camera.mjpg"
        return Endpoints("127.0.0.1", self.ports.osc_in, self.ports.osc_out, camera)

    def close(self):
        self.world.close()
        self.stop.set()
        self.thread.join(10)


@pytest.fixture
def live():
    stage = Live()
    yield stage
    stage.close()


def gymnasium_world(name, seed=0):
    from interfaces.gymnasium.gymnasium_world import GymnasiumWorld

    settings = ["world.kind=gymnasium", f"world.id={name}"]
    return GymnasiumWorld(load_config(ROOT / "configs" / "dreamer.yaml", settings), seed)


@pytest.fixture(
    params=["standin in lockstep", "vrchat, live", "point", "echo", "pendulum", "cartpole"]
)
def world(request):
    if request.param == "vrchat, live":
        yield request.getfixturevalue("live").world
        return
    made = {
        "standin in lockstep": lambda: LockstepStandin(TINY, 0),
        "point": lambda: PointWorld(POINT, 0),
        "echo": lambda: EchoWorld(TINY, 0),
        "pendulum": lambda: gymnasium_world("Pendulum-v1"),
        "cartpole": lambda: gymnasium_world("CartPole-v1"),
    }[request.param]()
    yield made
    made.close()


def test_shapes_types_and_the_last_action_in_the_vector(world):
    spaces = world.spaces
    sent = np.zeros(spaces.num_actions, np.float32)
    for i in range(20):
        observation = world.observe()
        assert observation.image.shape == spaces.image_shape
        assert observation.image.dtype == np.uint8
        assert observation.vector.shape == (spaces.vector_size,)
        assert observation.vector.dtype == np.float32
        assert observation.frame_age_s >= 0
        assert observation.is_first == (i == 0)
        np.testing.assert_array_equal(observation.vector[-spaces.num_actions :], sent)
        action = np.linspace(-1, 1, spaces.num_actions).astype(np.float32) * (1 if i % 2 else -1)
        sent = world.act(action).copy()
        assert sent.shape == action.shape
        assert sent.dtype == np.float32
        assert np.abs(sent).max() <= 1


def test_rest_and_close_may_come_at_any_time_and_twice(world):
    world.rest()
    world.observe()
    world.act(np.ones(world.spaces.num_actions, np.float32))
    world.rest()
    assert not world.observe().vector[-world.spaces.num_actions :].any()
    world.rest()
    world.close()
    world.close()


def test_forget_sends_nothing_and_the_last_action_is_none(world):
    world.observe()
    world.act(np.ones(world.spaces.num_actions, np.float32))
    before = getattr(world, "sent_datagrams", 0)
    world.forget()
    assert getattr(world, "sent_datagrams", 0) == before
    assert not world.observe().vector[-world.spaces.num_actions :].any()


def test_live_world_moves_the_avatar_and_lets_go(live):
    forward = np.zeros(live.world.spaces.num_actions, np.float32)
    forward[2] = 1.0  # LookHorizontal
    angular = live.world.spaces.features.index("AngularY")
    deadline = time.perf_counter() + 10
    while abs(live.world.observe().vector[angular]) < 1:
        live.world.act(forward)
        time.sleep(0.05)
        assert time.perf_counter() < deadline, "it never turned"
    live.world.rest()
    while abs(live.world.observe().vector[angular]) > 1e-3:
        time.sleep(0.05)
        assert time.perf_counter() < deadline, "it never stopped turning"
    first = live.world.observe()
    time.sleep(0.2)
    later = live.world.observe()
    assert later.frame_number > first.frame_number, "the picture goes on"
    assert later.frame_age_s < 1.0


def test_a_taken_receive_port_is_named(live):
    with pytest.raises(PortTaken, match=str(live.ports.osc_out)):
        VRChatWorld(TINY.world, live.endpoints(), RealClock())


def test_lockstep_is_the_same_for_a_seed_and_differs_between_seeds():
    def lived(seed):
        world = LockstepStandin(TINY, seed)
        random = np.random.default_rng(0)
        seen = []
        for _ in range(60):
            observation = world.observe()
            seen.append((observation.image.tobytes(), observation.vector.tobytes()))
            world.act(random.uniform(-1, 1, 5).astype(np.float32))
        return seen

    assert lived(3) == lived(3)
    assert lived(3) != lived(4)


def test_lockstep_goes_on_from_a_snapshot_as_if_never_stopped():
    import json

    random = np.random.default_rng(0)
    actions = random.uniform(-1, 1, (60, 5)).astype(np.float32)

    def live_on(world, part):
        seen = []
        for action in part:
            observation = world.observe()
            seen.append((observation.image.tobytes(), observation.vector.tobytes()))
            world.act(action)
        return seen

    whole = live_on(LockstepStandin(TINY, 1), actions)
    first = LockstepStandin(TINY, 1)
    live_on(first, actions[:30])
    second = LockstepStandin(TINY, 1)
    second.restore(json.loads(json.dumps(first.snapshot())))
    assert live_on(second, actions[30:]) == whole[30:]


def test_live_world_observes_rays_named_in_the_parameters():
    words = [
        "world.standin.avatars=[{id: a, rays: [{name: YumeRayW, count: 64, hits: world}]}]",
        "world.parameters=[YumeRayW0_Ratio, YumeRayW32_Hit, HeadPat]",
    ]
    live = Live(load_config(ROOT / "configs" / "tiny.yaml", words))
    try:
        turn = np.zeros(live.world.spaces.num_actions, np.float32)
        turn[2] = 1.0  # LookHorizontal
        ratios, deadline = set(), time.perf_counter() + 10
        # A Hit that is true from the start is sent once, perhaps before this receiver listens.
        while len(ratios) < 5:
            observed = live.world.observe().vector
            ratios |= {float(observed[0])} - {0.0}
            live.world.act(turn)
            time.sleep(0.05)
            assert time.perf_counter() < deadline, f"only {ratios}"
        parameters = live.world.avatar_io.parameters
        assert parameters.ignored > 0.5 * parameters.received, "other rays are dropped unparsed"
    finally:
        live.close()
