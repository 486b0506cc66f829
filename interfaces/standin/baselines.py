"""Baseline policies for results in the stand-in: an upper one and a lower one.

The oracle reads the true state, walks to the nearest friend and stays with it. Its reward is close
to the maximum. The sticky-random policy keeps each random action for a while, so it moves around.
Compare also with a new random action at each tick. That agent stays in one place, which gives more
reward where people come to it (benchmarks/results/standin/baselines.json).
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interfaces.core.action_parts import StickyDraw
from interfaces.core.spaces import Spaces
from interfaces.standin.lockstep_standin import LockstepStandin
from interfaces.standin.places.routes import Routes

# Probabilities per tick of a changed axis (once a second at 10 Hz) and of a pressed button.
CHANGE, PRESS = 0.1, 0.02
_STOP_M = 0.8  # the oracle approaches a friend to this distance
_FACE_DEG = 50.0  # the oracle walks if its goal is within this angle


class StickyRandom:
    """Random actions that last. Each axis keeps a value from -1..1 for ten ticks on average.

    Each group of exclusive buttons keeps its choice in the same way. Other buttons are rarely
    pressed.
    """

    def __init__(self, spaces: Spaces, seed: int) -> None:
        self._rng = np.random.Generator(np.random.PCG64([seed, 21]))
        self._action = np.zeros(spaces.num_actions, np.float32)
        self._parts = [(part, np.array(part.indices)) for part in spaces.parts]
        for part, indices in self._parts:
            self._action[indices] = part.start(self._rng)

    def act(self) -> NDArray[np.float32]:
        """float32 (num_actions,), in policy units."""
        count = self._action.size
        drawn = self._rng.uniform(-1.0, 1.0, count).astype(np.float32)
        change = self._rng.random(count) < CHANGE
        press = self._rng.random(count) < PRESS
        for part, indices in self._parts:
            draw = StickyDraw(drawn[indices], change[indices], press[indices])
            self._action[indices] = part.stick(self._action[indices], draw, self._rng)
        return self._action.copy()


class Oracle:
    """Reads the truth of a lockstep world and walks to the nearest friend."""

    def __init__(self, world: LockstepStandin) -> None:
        self._world = world
        self._index = {action.name: i for i, action in enumerate(world.spaces.actions)}
        self._place = world.core.place
        self._routes = Routes(self._place.ground)
        self._tick_s = world.tick_s

    def act(self) -> NDArray[np.float32]:
        """float32 (num_actions,), in policy units."""
        action = np.zeros(len(self._index), np.float32)
        if self._world.core.place is not self._place:  # another room was loaded
            self._place = self._world.core.place
            self._routes = Routes(self._place.ground)
        truth = self._world.truth()
        agent = truth["agent"]
        friend = _nearest(agent, truth["people"])
        if friend is None:
            return action
        here, there = (agent["x"], agent["z"]), (friend["x"], friend["z"])
        away_m = math.dist(here, there)
        goal = there if self._routes.is_clear(here, there) else self._routes.route(here, there)[0]
        error_deg = math.degrees(math.atan2(goal[0] - here[0], goal[1] - here[1]))
        error_deg = (error_deg - agent["heading_deg"] + 180.0) % 360.0 - 180.0
        response = self._world.core.response
        turn = error_deg / (response.turn_deg_s * self._tick_s)
        self._set(action, "LookHorizontal", turn)
        if away_m > _STOP_M and abs(error_deg) < _FACE_DEG:
            remaining_m = math.dist(here, goal) - (0.9 * _STOP_M if goal == there else 0.0)
            self._set(action, "Vertical", remaining_m / (response.run_m_s * self._tick_s))
        return action

    def _set(self, action: NDArray[np.float32], name: str, value: float) -> None:
        if name in self._index:
            action[self._index[name]] = min(1.0, max(-1.0, value))


def _nearest(agent: dict[str, Any], people: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The nearest friend that is ready to pat; if none is, the nearest friend. None without any."""
    friends = [each for each in people if each["nature"] == "friend"]
    return min(
        friends,
        key=lambda each: (
            (each["rest_s"] > 1.0) * 1e3  # it does not pat yet
            + math.dist((agent["x"], agent["z"]), (each["x"], each["z"]))
        ),
        default=None,
    )
