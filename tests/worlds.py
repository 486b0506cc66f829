"""Tiny worlds with known dynamics, on a virtual clock."""

from typing import Any

import numpy as np

from configs.actions import ActionConfig
from configs.schema import Config
from interfaces.core.clock import VirtualClock
from interfaces.core.spaces import Spaces
from interfaces.core.world import Observation


class _TinyWorld:
    """Episodes of `length` steps; the last action is the end of the vector."""

    length = 50

    def __init__(self, features: tuple[str, ...], actions: tuple[ActionConfig, ...], seed: int):
        self.spaces = Spaces((0, 0, 3), features, actions)
        self.clock = VirtualClock()
        self._random = np.random.Generator(np.random.PCG64(seed))
        self._last_sent = np.zeros(len(actions), np.float32)
        self._step = 0

    def _observation(self, own: np.ndarray, reward: float) -> Observation:
        first = self._step == 0
        vector = np.concatenate([own, self._last_sent * (not first)]).astype(np.float32)
        return Observation(
            image=np.zeros((0, 0, 3), np.uint8),
            vector=vector,
            reward=reward,
            is_first=first,
            is_last=self._step == self.length,
            frame_number=self._step,
        )

    def rest(self) -> None:
        self._last_sent = np.zeros_like(self._last_sent)

    def forget(self) -> None:
        self.rest()

    def close(self) -> None:
        self.rest()


class PointWorld(_TinyWorld):
    """A point in -1..1 that moves by 0.2 times the action; the reward is 1 - |x - 0.5|.

    The best policy moves straight to 0.5 and stays there.
    """

    TARGET, STRIDE = 0.5, 0.2

    def __init__(self, config: Config, seed: int) -> None:
        super().__init__(("Position",), config.world.actions, seed)
        self._x = 0.0

    def observe(self) -> Observation:
        if self._step == 0:
            self._x = float(self._random.uniform(-1, 1))
        return self._observation(np.array([self._x]), 1.0 - abs(self._x - self.TARGET))

    def act(self, action: np.ndarray) -> np.ndarray:
        if self._step == self.length:  # the cut: the action is ignored, and a new episode starts
            self._step = 0
            return np.zeros_like(action)
        self._last_sent = np.clip(action, -1, 1).astype(np.float32)
        self._x = float(np.clip(self._x + self.STRIDE * self._last_sent[0], -1, 1))
        self._step += 1
        return self._last_sent

    @classmethod
    def best_action(cls, x: float) -> np.ndarray:
        return np.array([np.clip((cls.TARGET - x) / cls.STRIDE, -1, 1)], np.float32)

    def snapshot(self) -> dict[str, Any]:
        return {
            "x": self._x,
            "step": self._step,
            "sent": self._last_sent.tolist(),
            "random": self._random.bit_generator.state,
            "clock_s": self.clock.now(),
        }

    def restore(self, snapshot: dict[str, Any]) -> None:
        self._x, self._step = snapshot["x"], snapshot["step"]
        self._last_sent = np.array(snapshot["sent"], np.float32)
        self._random.bit_generator.state = snapshot["random"]
        self.clock = VirtualClock(snapshot["clock_s"])


class EchoWorld(_TinyWorld):
    """Observations hold the last action and the number of actions so far, to test alignment."""

    def __init__(self, config: Config, seed: int) -> None:
        features = tuple(f"Echo{action.name}" for action in config.world.actions)
        super().__init__((*features, "Count"), config.world.actions, seed)
        self._count = 0
        self._last_action = np.zeros(self.spaces.num_actions, np.float32)

    def observe(self) -> Observation:
        echo = self._last_action * (self._step > 0)
        return self._observation(np.concatenate([echo, [self._count]]), float(echo[0]))

    def act(self, action: np.ndarray) -> np.ndarray:
        self._count += 1
        if self._step == self.length:
            self._step = 0
            return np.zeros_like(action)
        self._step += 1
        self._last_action = np.asarray(action, np.float32).copy()
        self._last_sent = self._last_action
        return self._last_sent

    def snapshot(self) -> dict[str, Any]:
        return {}

    def restore(self, snapshot: dict[str, Any]) -> None:
        raise AssertionError("no test resumes the echo world")
