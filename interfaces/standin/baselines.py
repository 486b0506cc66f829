"""The two ends of every learning figure: who knows the truth, and who knows nothing.

The oracle walks to the nearest friend and stays with it: about the most that can be earned. The
sticky-random walker keeps what it does for a while, so that it gets about. Noise drawn anew at
every beat trembles on the spot, and where people come to one by themselves that is the better
floor: compare with both (benchmarks/results/walkers.json).
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interfaces.core.spaces import Spaces
from interfaces.standin.lockstep_standin import LockstepStandin
from interfaces.standin.places.routes import Routes

CHANGE = 0.1  # chance that an axis does something else at a beat: every second at 10 Hz
PRESS = 0.02  # chance that a button is pressed at a beat
_STAND_M = 0.8  # the oracle stands so near, where it can
_FACE_DEG = 50.0  # it walks once it faces where it goes


class StickyRandom:
    """Each axis keeps a value drawn from -1..1 for ten beats on average, each group what is down in
    it; other buttons are rare."""

    def __init__(self, spaces: Spaces, seed: int) -> None:
        self._rng = np.random.Generator(np.random.PCG64([seed, 21]))
        self._axes = np.array(spaces.axis_mask)
        self._groups = [list(group) for group in spaces.groups]
        self._down = [int(self._rng.choice(group)) for group in self._groups]
        self._action = np.zeros(spaces.num_actions, np.float32)

    def act(self) -> NDArray[np.float32]:
        """float32 (num_actions,), in policy units."""
        count = self._action.size
        drawn = self._rng.uniform(-1.0, 1.0, count).astype(np.float32)
        change = self._rng.random(count) < CHANGE
        pressed = (self._rng.random(count) < PRESS).astype(np.float32)
        kept = np.where(change, drawn, self._action)
        self._action = np.where(self._axes, kept, pressed)
        for i, group in enumerate(self._groups):
            if change[group[0]]:
                self._down[i] = int(self._rng.choice(group))
            self._action[group] = 0.0
            self._action[self._down[i]] = 1.0
        return self._action.copy()


class Oracle:
    """Reads the truth of a lockstep world and goes where it will be patted."""

    def __init__(self, world: LockstepStandin) -> None:
        self._world = world
        self._index = {action.name: i for i, action in enumerate(world.spaces.actions)}
        self._routes = Routes(world.core.place.ground)
        self._beat_s = world.beat_s

    def act(self) -> NDArray[np.float32]:
        """float32 (num_actions,), in policy units."""
        action = np.zeros(len(self._index), np.float32)
        truth = self._world.truth()
        agent = truth["agent"]
        friend = _nearest(agent, truth["people"])
        if friend is None:
            return action
        here, there = (agent["x"], agent["z"]), (friend["x"], friend["z"])
        away_m = math.dist(here, there)
        goal = there if self._routes.clear(here, there) else self._routes.route(here, there)[0]
        off_deg = math.degrees(math.atan2(goal[0] - here[0], goal[1] - here[1]))
        off_deg = (off_deg - agent["heading_deg"] + 180.0) % 360.0 - 180.0
        response = self._world.core.response
        turn = off_deg / (response.turn_deg_s * self._beat_s)
        self._set(action, "LookHorizontal", turn)
        if away_m > _STAND_M and abs(off_deg) < _FACE_DEG:
            left_m = math.dist(here, goal) - (0.9 * _STAND_M if goal == there else 0.0)
            self._set(action, "Vertical", left_m / (response.run_m_s * self._beat_s))
        return action

    def _set(self, action: NDArray[np.float32], name: str, value: float) -> None:
        if name in self._index:
            action[self._index[name]] = min(1.0, max(-1.0, value))


def _nearest(agent: dict[str, Any], people: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The nearest who pats; of those who do not want to now, the nearest as well."""
    friends = [each for each in people if each["nature"] == "friend"]
    return min(
        friends,
        key=lambda each: (
            (each["rest_s"] > 1.0) * 1e3  # it has just had enough
            + math.dist((agent["x"], agent["z"]), (each["x"], each["z"]))
        ),
        default=None,
    )
