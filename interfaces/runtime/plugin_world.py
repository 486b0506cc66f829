"""A world from a plugin, in lockstep: what it returns is checked at every step."""

import inspect
import json
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

import numpy as np
from loguru import logger
from numpy.typing import NDArray

from configs.errors import BadInput
from configs.schema import Config
from interfaces.core.clock import VirtualClock
from interfaces.core.limited_log import LimitedLog
from interfaces.core.plugins import (
    PluginError,
    check_call,
    explain_failure,
    load_plugin,
    plugin_place,
)
from interfaces.core.spaces import Spaces
from interfaces.core.world import Observation

_METHODS: dict[str, tuple[str, ...]] = {
    "observe": (),
    "act": ("action",),
    "rest": (),
    "forget": (),
    "close": (),
}
_ARRAYS = ("image", "vector", "sound", "sound_raw")  # of an Observation
_RESUME_METHODS: dict[str, tuple[str, ...]] = {"snapshot": (), "restore": ("snapshot",)}


class PluginWorld:
    """The World that the plugin `world.plugin` makes. The plugin is called as make(config, seed).

    With `snapshot` and `restore` a run can be resumed.

    Raises PluginError for a plugin that fails or does not make a World, and BadInput for a reward
    that names a missing feature. `observe` and `act` raise PluginError when the plugin raises an
    error or returns a wrong type, shape or number. `rest`, `forget` and `close` log it.
    """

    def __init__(self, config: Config, seed: int) -> None:
        reference = config.world.plugin or ""
        self.place = plugin_place("world", reference)
        make = load_plugin("world", reference)
        self._failed = False
        self._log = LimitedLog(lambda: 0.0)  # one line is enough: such an error repeats
        self._world: Any = self._call("make", make, lambda: make(config, seed))
        for name, arguments in _METHODS.items():
            self._check_method(name, arguments)
        self.resumable = all(hasattr(self._world, name) for name in _RESUME_METHODS)
        for name, arguments in _RESUME_METHODS.items() if self.resumable else ():
            self._check_method(name, arguments)
        self._spaces = self._check_spaces(getattr(self._world, "spaces", None), config)
        self.clock = VirtualClock()
        self._sent = np.zeros(self._spaces.num_actions, np.float32)

    @property
    def spaces(self) -> Spaces:
        return self._spaces

    def observe(self) -> Observation:
        observation = self._call("observe", self._world, self._world.observe)
        problem = self._problem_of(observation)
        if problem:
            raise self._wrong("observe", problem)
        # Copies: the body records the arrays after `act`, and it changes the flags.
        arrays = {name: getattr(observation, name) for name in _ARRAYS}
        return replace(
            observation,
            reward=float(observation.reward),
            **{name: None if array is None else array.copy() for name, array in arrays.items()},
        )

    def act(self, action: NDArray[np.float32]) -> NDArray[np.float32]:
        sent = self._call("act", self._world, lambda: self._world.act(action.copy()))
        problem = _array_problem("the action", sent, np.float32, self._sent.shape)
        if problem:
            raise self._wrong("act", problem)
        self._sent = np.array(sent)
        return self._sent.copy()

    def rest(self) -> None:
        self._sent = np.zeros_like(self._sent)
        self._call_or_log("rest")

    def forget(self) -> None:
        self._sent = np.zeros_like(self._sent)
        self._call_or_log("forget")

    def close(self) -> None:
        self._call_or_log("close")

    def snapshot(self) -> dict[str, Any]:
        """The state of the plugin's world, as JSON; None in it if the world cannot save it.

        After an error in the middle of a step the state is not saved either, because it may hold
        half a step.
        """
        state: Any = None
        if self.resumable and not self._failed:
            try:
                state = self._world.snapshot()
                json.dumps(state)
            except (Exception, SystemExit) as error:
                line = explain_failure(self.place, type(self._world), "snapshot", error)
                self._log.warn(f"{line}; the checkpoint has no state of the world")
                state = None
        return {"world": state, "sent": self._sent.tolist()}

    def restore(self, snapshot: dict[str, Any]) -> None:
        """Continue from a snapshot. Without the state of the world a new episode starts."""
        if snapshot["world"] is None:
            logger.warning(
                "{}: the checkpoint has no state of the world; a new episode starts", self.place
            )
            return
        state = snapshot["world"]
        self._call("restore", self._world, lambda: self._world.restore(state))
        self._sent = np.asarray(snapshot["sent"], np.float32)

    def _call(self, what: str, code: Any, call: Callable[[], Any]) -> Any:
        """The result of `call`. Any error, SystemExit too, becomes a PluginError."""
        try:
            return call()
        except (Exception, SystemExit) as error:
            self._failed = True
            owner = code if what == "make" else type(code)
            raise PluginError(explain_failure(self.place, owner, what, error)) from error

    def _call_or_log(self, what: str) -> None:
        """For calls that come after an error too: the first error is the one to report."""
        try:
            getattr(self._world, what)()
        except (Exception, SystemExit) as error:
            self._log.warn(explain_failure(self.place, type(self._world), what, error))

    def _wrong(self, method: str, problem: str) -> PluginError:
        self._failed = True
        return PluginError(f"{self.place}: {self._name(method)} returned {problem}")

    def _name(self, attribute: str) -> str:
        """Module and name of a method, or of an attribute of the world's class."""
        method: Any = getattr(self._world, attribute, None)
        if inspect.ismethod(method):
            return f"{method.__module__}.{method.__qualname__}"
        return f"{type(self._world).__module__}.{type(self._world).__qualname__}.{attribute}"

    def _check_method(self, name: str, arguments: tuple[str, ...]) -> None:
        method = getattr(self._world, name, None)
        if method is None:
            raise PluginError(
                f"{self.place}: {self._name(name)} is missing; a world has spaces, "
                f"{', '.join(_METHODS)}, and to resume {' and '.join(_RESUME_METHODS)}"
            )
        check_call(method, arguments, f"{self.place}: {self._name(name)}")

    def _check_spaces(self, spaces: Any, config: Config) -> Spaces:
        problem = ""
        if not isinstance(spaces, Spaces):
            problem = f"{type(spaces).__name__}; allowed is interfaces.core.spaces.Spaces"
        elif not spaces.actions:
            problem = "no actions; allowed is at least one"
        elif spaces.has_image and any(side % 16 for side in spaces.image_shape[:2]):
            problem = f"image_shape {spaces.image_shape}; height and width are multiples of 16"
        elif not (spaces.has_image or spaces.features):
            problem = "neither an image nor features"
        if problem:
            raise PluginError(f"{self.place}: {self._name('spaces')} has {problem}")
        known = cast(Spaces, spaces).features
        for name in config.reward.parameters:
            if name not in known:
                raise BadInput(
                    f"reward.parameters.{name}: {self.place} has no such feature (known: "
                    f"{', '.join(known) or 'none'}); reward.parameters.{name}=null removes it"
                )
        return cast(Spaces, spaces)

    def _problem_of(self, observation: Any) -> str:
        """What is wrong with an observation, and what is allowed; "" if nothing is."""
        if not isinstance(observation, Observation):
            return f"{type(observation).__name__}; allowed is interfaces.core.world.Observation"
        spaces = self._spaces
        problem = (
            _array_problem("an image", observation.image, np.uint8, spaces.image_shape)
            or _array_problem("a vector", observation.vector, np.float32, (spaces.vector_size,))
            or _sound_problem("sound", observation.sound, np.float32, spaces.sound_shape)
            or _sound_problem("sound_raw", observation.sound_raw, np.int16, spaces.raw_shape)
        )
        if problem:
            return problem
        for name in ("reward", "frame_age_s"):
            value = getattr(observation, name)
            if not isinstance(value, int | float | np.number) or not math.isfinite(value):
                return f"{name} {value!r}; allowed is a finite number"
        tail = observation.vector[-spaces.num_actions :]
        if not np.array_equal(tail, self._sent):
            return (
                f"a vector that ends with {tail}; its last {spaces.num_actions} numbers are the "
                f"action that act returned before, {self._sent}"
            )
        return ""


def _array_problem(name: str, array: Any, dtype: type[np.generic], shape: tuple[int, ...]) -> str:
    """What is wrong with an array, and what is allowed; "" if nothing is."""
    if isinstance(array, np.ndarray):
        values = cast("NDArray[Any]", array)
        if values.dtype == dtype and values.shape == shape:
            if values.dtype.kind != "f" or np.isfinite(values).all():
                return ""
            at = [int(i) for i in np.argwhere(~np.isfinite(values))[0]]
            return f"{name} with {values[tuple(at)]} at {at}; allowed are finite numbers"
        given = f"{values.dtype} {values.shape}"
    else:
        given = f"the type {type(array).__name__}"
    return f"{name} of {given}; allowed is a NumPy array of {np.dtype(dtype)} {shape}"


def _sound_problem(name: str, array: Any, dtype: type[np.generic], shape: tuple[int, ...]) -> str:
    if not shape:
        return "" if array is None else f"{name}, but spaces declares none"
    return _array_problem(name, array, dtype, shape)
