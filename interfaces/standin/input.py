"""What VRChat's /input addresses do: sticky axes, buttons, press edges, and the dead time."""

import math
from dataclasses import dataclass

from configs.schema import StandinConfig

PHYSICS_HZ = 60
DT_S = 1.0 / PHYSICS_HZ

MOVE_DEAD_ZONE = 0.1
TURN_DEAD_ZONE = 0.5
PITCH_DEAD_ZONE = 0.1
PITCH_DEG_S = 180.0

AXES = ("Vertical", "Horizontal", "LookHorizontal", "LookVertical")
BUTTONS = (
    *("MoveForward", "MoveBackward", "MoveLeft", "MoveRight", "LookLeft", "LookRight"),
    *("Jump", "Run", "Voice", "AFKToggle"),
)
_EDGES = frozenset(("Jump", "Voice", "AFKToggle"))  # act once, when pressed


@dataclass(frozen=True, slots=True)
class Intent:
    """What the inputs ask for in one substep: avatar-local speeds, and buttons just pressed."""

    right_m_s: float
    forward_m_s: float
    turn_deg_s: float
    pitch_deg_s: float
    pressed: frozenset[str]


class Inputs:
    """Holds the last value of every input, as VRChat does, and lets it act after the dead time."""

    def __init__(self, config: StandinConfig) -> None:
        self._config = config
        self._dead_substeps = round(config.dead_time_ms * 1e-3 * PHYSICS_HZ)
        self._values = dict.fromkeys((*AXES, *BUTTONS), 0.0)
        self._pending: list[tuple[int, str, float]] = []  # (substep it acts in, name, value)

    def receive(self, substep: int, name: str, value: object) -> bool:
        """Take the value of /input/NAME, arrived before `substep`. False: not one of ours.

        Axes and buttons alike are taken as bool, int or float.
        """
        if name not in self._values or not isinstance(value, (bool, int, float)):
            return False
        number = float(value)
        if not math.isfinite(number):
            return False
        number = min(1.0, max(-1.0, number)) if name in AXES else float(number > 0.5)
        self._pending.append((substep + self._dead_substeps, name, number))
        return True

    def advance(self, substep: int) -> Intent:
        """What is asked for in `substep`, by everything that arrived a dead time ago."""
        pressed: set[str] = set()
        if self._pending and self._pending[0][0] <= substep:
            due = [each for each in self._pending if each[0] <= substep]
            del self._pending[: len(due)]
            for _, name, value in due:
                if name in _EDGES and value > 0.0 and self._values[name] == 0.0:
                    pressed.add(name)
                self._values[name] = value
        return self._intent(frozenset(pressed))

    def snapshot(self) -> dict[str, object]:
        return {"values": dict(self._values), "pending": [list(each) for each in self._pending]}

    def restore(self, snapshot: dict[str, object]) -> None:
        values: dict[str, float] = snapshot["values"]  # type: ignore[assignment]
        pending: list[tuple[int, str, float]] = snapshot["pending"]  # type: ignore[assignment]
        self._values = {name: float(values.get(name, 0.0)) for name in self._values}
        self._pending = [(int(due), str(name), float(value)) for due, name, value in pending]

    def _intent(self, pressed: frozenset[str]) -> Intent:
        now, config = self._values, self._config
        stick_forward = _beyond(now["Vertical"], MOVE_DEAD_ZONE)
        right = _beyond(now["Horizontal"], MOVE_DEAD_ZONE) + now["MoveRight"] - now["MoveLeft"]
        forward = stick_forward + now["MoveForward"] - now["MoveBackward"]
        right, forward = min(1.0, max(-1.0, right)), min(1.0, max(-1.0, forward))
        length = math.hypot(right, forward)
        if length > 1.0:
            right, forward = right / length, forward / length
        # The analog stick always runs; the buttons walk unless Run is held.
        runs = stick_forward != 0.0 or now["Run"] > 0.0
        turn = _beyond(now["LookHorizontal"], TURN_DEAD_ZONE) + now["LookRight"] - now["LookLeft"]
        return Intent(
            right_m_s=right * config.strafe_m_s,
            forward_m_s=forward * (config.run_m_s if runs else config.walk_m_s),
            turn_deg_s=min(1.0, max(-1.0, turn)) * config.turn_deg_s,
            pitch_deg_s=_beyond(now["LookVertical"], PITCH_DEAD_ZONE) * PITCH_DEG_S,
            pressed=pressed,
        )


def _beyond(value: float, dead_zone: float) -> float:
    """VRChat's axis law: nothing inside the dead zone, then linear up to 1."""
    return math.copysign(max(0.0, abs(value) - dead_zone) / (1.0 - dead_zone), value)
