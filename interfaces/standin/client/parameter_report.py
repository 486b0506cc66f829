"""Which avatar parameters the client sends after a substep: those that changed."""

import math

from configs.standin import FaultsConfig
from interfaces.osc.message import encode
from interfaces.standin.client.parameters import CONSTANT, Outbox, Value
from interfaces.standin.client.physics import AvatarPhysics
from interfaces.standin.client.simulated_client import SimulatedClient

_Motion = tuple[float, float, float, float, bool]


class ParameterReport:
    """Remembers what was sent. Compares small tuples first, because most substeps change little."""

    def __init__(self) -> None:
        self.outbox = Outbox()
        self._motion: _Motion | None = None
        self._status: tuple[object, ...] | None = None

    def reset(self) -> None:
        """Compare every parameter again at the next call, for example after a restore."""
        self._motion = self._status = None

    def messages(
        self,
        client: SimulatedClient,
        avatar: AvatarPhysics,
        faults: FaultsConfig,
        *,
        contacts_changed: bool,
    ) -> list[bytes]:
        """One datagram for each changed value; for a new avatar, its id and then everything.

        `faults`: a headset that is off, and the id after everything.
        """
        motion, afk = _motion_of(avatar), client.afk or faults.afk
        status = _status_of(client, avatar, afk=afk)
        if not client.avatar_loaded:
            client.avatar_loaded = True
            self._motion, self._status = motion, status
            values = self._everything(client, avatar, motion, afk=afk)
            change = [encode("/avatar/change", client.avatar_config.id)]
            return values + change if faults.change_last else change + values
        messages = client.camera.take_changes()
        if motion != self._motion:
            self._motion = motion
            messages += self.outbox.changes(_motion_parameters(motion))
        if status != self._status:
            self._status = status
            messages += self.outbox.changes(_status_parameters(client, avatar, afk=afk))
        if contacts_changed:
            messages += self.outbox.changes(client.contacts.values)
        return messages

    def _everything(
        self, client: SimulatedClient, avatar: AvatarPhysics, motion: _Motion, *, afk: bool
    ) -> list[bytes]:
        self.outbox.clear()
        self.outbox.assume_known(client.contacts.unsent)
        messages: list[bytes] = []
        for values in (
            CONSTANT,
            _motion_parameters(motion),
            _status_parameters(client, avatar, afk=afk),
            client.contacts.values,
        ):
            messages += self.outbox.changes(values)
        return messages


def _motion_of(avatar: AvatarPhysics) -> _Motion:
    """Velocity, turn speed, grounded. Rounded: the last bits of a float are not a change."""
    return (
        _rounded(avatar.velocity_x),
        _rounded(avatar.velocity_y),
        _rounded(avatar.velocity_z),
        _rounded(avatar.turn_deg_s),
        avatar.grounded,
    )


def _motion_parameters(motion: _Motion) -> dict[str, Value]:
    x, y, z, turn, grounded = motion
    return {
        "VelocityX": x,
        "VelocityY": y,
        "VelocityZ": z,
        "VelocityMagnitude": _rounded(math.sqrt(x * x + y * y + z * z)),
        "AngularY": turn,
        "Grounded": grounded,
    }


def _status_of(client: SimulatedClient, avatar: AvatarPhysics, *, afk: bool) -> tuple[object, ...]:
    """All that _status_parameters() depends on, in a form that is cheap to compare."""
    seated, writes = avatar.seat >= 0, client.own.writes
    return seated, afk, client.muted, client.voice, client.viseme, client.eye_m, writes


def _status_parameters(
    client: SimulatedClient, avatar: AvatarPhysics, *, afk: bool
) -> dict[str, Value]:
    """The parameters that change rarely. Those that never change are in CONSTANT."""
    muted, seated, eye_m = client.muted, avatar.seat >= 0, client.eye_m
    scale = eye_m / client.avatar_config.eye_height_m
    return {
        "Upright": 0.68 if seated else 1.0,
        "Seated": seated,
        "InStation": seated,
        "AFK": afk,
        "MuteSelf": muted,
        "Voice": 0.0 if muted else _rounded(client.voice),
        "Viseme": 0 if muted else client.viseme,
        "ScaleFactor": scale,
        "ScaleFactorInverse": 1.0 / scale,
        "ScaleModified": abs(scale - 1.0) > 1e-4,  # OSC carries float32
        "/avatar/eyeheight": eye_m,
        "EyeHeightAsMeters": eye_m,
        "EyeHeightAsPercent": (eye_m - 0.2) / 4.8,
        **client.own.values,
    }


def _rounded(value: float) -> float:
    """To 0.1 mm/s. Never minus zero."""
    return round(value, 4) + 0.0 if value else 0.0
