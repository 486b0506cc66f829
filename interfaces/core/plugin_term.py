"""A reward term from a plugin: where its code fails, its value is 0 and the run continues."""

import time
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interfaces.core.limited_log import LimitedLog
from interfaces.core.plugins import PluginError, explain_failure, load_plugin, plugin_place
from interfaces.core.spaces import Spaces

_TRIAL_SHAPES = ((), (2, 3))  # one Step, and a batch


class PluginTerm:
    """The value of the reward term `name` without its weight, float32 (...) for Steps (...).

    `reference`: a plugin that is called as term(steps) with a RewardInput whose arrays cannot be
    written. Where it raises an error, or returns another shape, NaN or infinity, the value is 0,
    and a warning is logged at most once per minute. Raises PluginError as load_plugin does.
    """

    def __init__(self, name: str, reference: str) -> None:
        self._place = f"{plugin_place('reward', reference)} (term {name})"
        self._function = load_plugin("reward", reference)
        # In the background, because the body calls the term within a tick, and a log is a file.
        self._log = LimitedLog(time.perf_counter, in_background=True)

    def __call__(self, steps: Any) -> NDArray[np.float32]:
        shape = steps.is_first.shape
        try:
            values = self._values(steps)
        except PluginError as error:
            self._log.warn(f"{error}; its value counts as 0")
            return np.zeros(shape, np.float32)
        finite = np.isfinite(values)
        if not finite.all():
            self._log.warn(
                f"{self._place}: {self._function_name()} returned NaN or infinity for "
                f"{np.count_nonzero(~finite)} of {values.size} Steps; allowed are finite numbers; "
                "its value counts as 0"
            )
        return np.where(finite, values, np.float32(0))

    def try_out(self, make_steps: Any, spaces: Spaces) -> None:
        """Call the plugin with Steps of zeros. Raises PluginError for an error or a wrong shape.

        `make_steps`: the class RewardInput.
        """
        for shape in _TRIAL_SHAPES:
            vector = np.zeros((*shape, spaces.vector_size), np.float32)
            self._values(
                make_steps(spaces, vector, np.zeros(shape, np.float32), np.zeros(shape, np.bool_))
            )

    def _values(self, steps: Any) -> NDArray[np.float32]:
        """float32 (...). Raises PluginError for an error, a wrong shape or a wrong type."""
        shape = steps.is_first.shape
        names = ("vector", "world_reward", "is_first")
        views = {name: _read_only(getattr(steps, name)) for name in names}
        try:
            with np.errstate(all="ignore"):  # NaN and infinity are named below
                values = np.asarray(self._function(replace(steps, **views)))
        except (Exception, SystemExit) as error:
            raise PluginError(
                explain_failure(self._place, self._function, "the reward term", error)
            ) from error
        if values.shape != shape or values.dtype.kind not in "fiub":
            raise PluginError(
                f"{self._place}: {self._function_name()} returned {values.dtype} {values.shape}; "
                f"allowed is float32 {shape}, one number for each Step"
            )
        return values.astype(np.float32)

    def _function_name(self) -> str:
        function = self._function
        return f"{function.__module__}.{getattr(function, '__qualname__', function)}"


def _read_only(array: NDArray[Any]) -> NDArray[Any]:
    view = array.view()
    view.flags.writeable = False
    return view
