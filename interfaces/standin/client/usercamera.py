"""The user camera, as far as OSC controls it: mode, pose and zoom.

Every Pose message turns Flying on. From then on movement inputs fly the camera, not the avatar.
"""

import math
from dataclasses import dataclass, field
from typing import Any

from interfaces.osc.message import encode
from interfaces.standin.client.input import DT_S, MoveCommand
from interfaces.standin.json_state import fields_of, restore_fields

PREFIX = "/usercamera/"
MODES = 7  # off, photo, stream, emoji, multilayer, print, drone
STREAM = 2
_FLY_M_S = 3.0
_ZOOM = (20.0, 150.0)
_FAR_M = 10_000.0  # farther out the renderer's float32 is too coarse, then overflows
TRIGGERS = ("Close", "Capture", "CaptureDelayed")
# The settings without an effect here, with their values at the start.
_BOOLS = dict.fromkeys(
    (
        *("ShowUIInCamera", "Lock", "GreenScreen", "SmoothMovement", "LookAtMe"),
        *("AutoLevelRoll", "AutoLevelPitch", "TriggerTakesPhotos", "DollyPathsStayVisible"),
        *("CameraEars", "ShowFocus", "RollWhileFlying"),
    ),
    False,
) | dict.fromkeys(("LocalPlayer", "RemotePlayer", "Environment", "OrientationIsLandscape"), True)
_FLOATS = {
    **{"Exposure": 0.0, "FocalDistance": 1.5, "Aperture": 15.0},
    **{"Hue": 120.0, "Saturation": 100.0, "Lightness": 60.0},
    **{"LookAtMeXOffset": 0.0, "LookAtMeYOffset": 0.0, "FlySpeed": 3.0, "TurnSpeed": 1.0},
    **{"SmoothingStrength": 5.0, "PhotoRate": 1.0, "Duration": 2.0},
}
CameraValue = bool | int | float


@dataclass(slots=True)
class UserCamera:
    """World pose in metres and degrees: pitch is positive down, yaw is clockwise from north."""

    mode: int = 0
    flying: bool = False
    streaming: bool = False
    zoom: float = 45.0
    x: float = 0.0
    y: float = 1.6
    z: float = 0.0
    pitch_deg: float = 0.0
    yaw_deg: float = 0.0
    roll_deg: float = 0.0
    captures: int = 0
    settings: dict[str, CameraValue] = field(default_factory=lambda: {**_BOOLS, **_FLOATS})
    unsent: dict[str, CameraValue] = field(default_factory=dict[str, CameraValue])

    @property
    def values(self) -> dict[str, CameraValue]:
        """The value of each address except the triggers and the pose, which has no value."""
        known = {"Mode": self.mode, "Flying": self.flying, "Streaming": self.streaming}
        return {**known, "Zoom": self.zoom, **self.settings}

    @property
    def shown(self) -> bool:
        """Whether the window shows this camera instead of what the avatar sees."""
        return self.mode == STREAM and self.streaming

    @property
    def takes_inputs(self) -> bool:
        """Whether movement inputs fly the camera."""
        return self.mode != 0 and self.flying

    def receive(self, name: str, arguments: list[object]) -> bool:
        """Take /usercamera/NAME. Returns False for an unknown name or wrong arguments."""
        before = self.values
        taken = self._receive(name, arguments)
        if taken:
            self.unsent |= {k: v for k, v in self.values.items() if before[k] != v}
        return taken

    def take_changes(self) -> list[bytes]:
        """A message for each value that has changed since the last call."""
        if not self.unsent:
            return []
        changes, self.unsent = self.unsent, {}
        return [encode(PREFIX + name, value) for name, value in changes.items()]

    def restore(self, state: dict[str, Any]) -> None:
        """Set every field to its value from fields_of(). Older snapshots lack the settings."""
        restore_fields(self, {**fields_of(UserCamera()), **state})

    def _receive(self, name: str, arguments: list[object]) -> bool:
        numbers = [float(a) for a in arguments if isinstance(a, (bool, int, float))]
        if len(numbers) != len(arguments) or not all(math.isfinite(n) for n in numbers):
            return False
        if name == "Pose":
            if len(numbers) != 6:
                return False
            self.x, self.y, self.z = (min(_FAR_M, max(-_FAR_M, n)) for n in numbers[:3])
            self.pitch_deg, self.yaw_deg, self.roll_deg = (
                math.remainder(n, 360) for n in numbers[3:]
            )
            self.flying = True
            return True
        if name in TRIGGERS and len(numbers) <= 1:
            self._trigger(name, not numbers or numbers[0] > 0.5)
            return True
        if len(numbers) != 1:
            return False
        return self._set(name, numbers[0])

    def fly(self, command: MoveCommand) -> None:
        """Move by one substep of movement inputs."""
        self.yaw_deg = (self.yaw_deg + command.turn_deg_s * DT_S) % 360.0
        self.pitch_deg = min(89.0, max(-89.0, self.pitch_deg - command.pitch_deg_s * DT_S))
        yaw, scale = math.radians(self.yaw_deg), _FLY_M_S * DT_S
        forward, right = (
            math.copysign(scale, v) if v else 0.0 for v in (command.forward_m_s, command.right_m_s)
        )
        self.x += forward * math.sin(yaw) + right * math.cos(yaw)
        self.z += forward * math.cos(yaw) - right * math.sin(yaw)

    def _trigger(self, name: str, pressed: bool) -> None:
        if not pressed:
            return
        if name == "Close":
            self.mode, self.flying = 0, False
        elif self.mode:
            self.captures += 1

    def _set(self, name: str, value: float) -> bool:
        if name == "Mode":
            if value not in range(MODES):
                return False
            self.mode = int(value)
            self.flying = self.flying and self.mode != 0
        elif name == "Flying":
            self.flying = value > 0.5
        elif name == "Streaming":
            self.streaming = value > 0.5
        elif name == "Zoom":
            self.zoom = min(_ZOOM[1], max(_ZOOM[0], value))
        elif name in self.settings:
            self.settings[name] = value > 0.5 if name in _BOOLS else value
        else:
            return False
        return True
