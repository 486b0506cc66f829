"""What VRChat's /input addresses do: axes keep their value, buttons act on press, dead time."""

import math
from dataclasses import dataclass

from configs.actions import INPUT_AXES, INPUT_BUTTONS, PRESSED_BUTTONS, VR_BUTTONS
from interfaces.standin.client.response import (
    MOVE_DEAD_ZONE,
    PITCH_DEAD_ZONE,
    PITCH_DEG_S,
    TURN_DEAD_ZONE,
    InputResponse,
)

PHYSICS_HZ = 60
DT_S = 1.0 / PHYSICS_HZ

AXES, BUTTONS = INPUT_AXES, INPUT_BUTTONS
_EDGES = frozenset((*PRESSED_BUTTONS, *VR_BUTTONS))  # act once per press
_AXES = frozenset(AXES)
_NONE = frozenset[str]()


@dataclass(frozen=True, slots=True)
class MoveCommand:
    """What the inputs request for one substep: avatar-local speeds, and new button presses."""

    right_m_s: float = 0.0
    forward_m_s: float = 0.0
    turn_deg_s: float = 0.0
    pitch_deg_s: float = 0.0
    pressed: frozenset[str] = _NONE

    @property
    def moves(self) -> bool:
        """Whether the avatar walks or jumps; turning is not a move."""
        return bool(self.right_m_s or self.forward_m_s or "Jump" in self.pressed)


class Inputs:
    """Keeps the last value of every input, as VRChat does, and applies it after the dead time."""

    def __init__(self, response: InputResponse) -> None:
        self.response = response
        self._values = dict.fromkeys((*AXES, *BUTTONS), 0.0)
        self._pending: list[tuple[int, str, float]] = []  # (substep of effect, name, value)
        self._held = self._command()  # from the values, without presses

    def change_response(self, response: InputResponse) -> None:
        """Use another response, for example in another place. Held inputs stay held."""
        self.response = response
        self._held = self._command()

    def __getitem__(self, name: str) -> float:
        """The value in effect now."""
        return self._values[name]

    def received(self) -> dict[str, float]:
        """The values last received, in effect or still in their dead time."""
        return self._values | {name: value for _, name, value in self._pending}

    def receive(self, substep: int, name: str, value: object) -> bool:
        """Take the value of /input/NAME, arrived before `substep`.

        Axes and buttons take bool, int and float. Returns False for an unknown name or value.
        """
        if name not in self._values or not isinstance(value, (bool, int, float)):
            return False
        number = float(value)
        if not math.isfinite(number):
            return False
        number = min(1.0, max(-1.0, number)) if name in _AXES else float(number > 0.5)
        response = self.response
        dead_ms = response.dead_times_ms.get(name, response.dead_time_ms)
        self._pending.append((substep + round(dead_ms * 1e-3 * PHYSICS_HZ), name, number))
        return True

    def advance(self, substep: int) -> MoveCommand:
        """Apply every value whose dead time is over; returns the command for `substep`."""
        if not self._pending:
            return self._held
        due = [each for each in self._pending if each[0] <= substep]
        if not due:
            return self._held
        self._pending = [each for each in self._pending if each[0] > substep]
        pressed: set[str] = set()
        for _, name, value in due:
            if name in _EDGES and value > 0.0 and self._values[name] == 0.0:
                pressed.add(name)
            self._values[name] = value
        self._held = self._command()
        held = self._held
        if not pressed:
            return held
        return MoveCommand(
            held.right_m_s, held.forward_m_s, held.turn_deg_s, held.pitch_deg_s, frozenset(pressed)
        )

    def snapshot(self) -> dict[str, object]:
        return {"values": dict(self._values), "pending": [list(each) for each in self._pending]}

    def restore(self, snapshot: dict[str, object]) -> None:
        values: dict[str, float] = snapshot["values"]  # type: ignore[assignment]
        pending: list[tuple[int, str, float]] = snapshot["pending"]  # type: ignore[assignment]
        self._values = {name: float(values.get(name, 0.0)) for name in self._values}
        self._pending = [(int(due), str(name), float(value)) for due, name, value in pending]
        self._held = self._command()

    def _command(self) -> MoveCommand:
        now, response = self._values, self.response
        stick_forward = _beyond(now["Vertical"], MOVE_DEAD_ZONE)
        right = _beyond(now["Horizontal"], MOVE_DEAD_ZONE) + now["MoveRight"] - now["MoveLeft"]
        forward = stick_forward + now["MoveForward"] - now["MoveBackward"]
        right, forward = _clipped(right), _clipped(forward)
        length = math.hypot(right, forward)
        if length > 1.0:
            right, forward = right / length, forward / length
        # The analog stick always runs; the buttons walk unless Run is held.
        runs = stick_forward != 0.0 or now["Run"] > 0.0
        turn = _beyond(now["LookHorizontal"], TURN_DEAD_ZONE) + now["LookRight"] - now["LookLeft"]
        pitch = _beyond(now["LookVertical"], PITCH_DEAD_ZONE) + now["LookUp"] - now["LookDown"]
        return MoveCommand(
            right_m_s=right * response.strafe_m_s,
            forward_m_s=forward * (response.run_m_s if runs else response.walk_m_s),
            turn_deg_s=_clipped(turn) * response.turn_deg_s,
            pitch_deg_s=_clipped(pitch) * PITCH_DEG_S,
        )


def _beyond(value: float, dead_zone: float) -> float:
    """VRChat's axis law: 0 inside the dead zone, then linear up to 1."""
    return math.copysign(max(0.0, abs(value) - dead_zone) / (1.0 - dead_zone), value)


def _clipped(value: float) -> float:
    return min(1.0, max(-1.0, value))
