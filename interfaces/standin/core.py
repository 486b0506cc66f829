"""The stand-in VRChat world as one function of OSC datagrams: no sockets, no clock, no threads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from configs.schema import StandinConfig
from interfaces.standin.company import Company
from interfaces.standin.geometry import Room, View
from interfaces.standin.input import DT_S, Inputs
from interfaces.standin.parameters import Outbox, Value
from interfaces.standin.physics import EYE_HEIGHT_M, Avatar
from interfaces.vrchat.osc import OscError, decode, encode

if TYPE_CHECKING:  # Panda3D is loaded with the first picture, not with the physics
    from interfaces.standin.render import Renderer

AVATAR_ID = "avtr_00000000-0000-4000-8000-79756d650000"


class StandinCore:
    """A room, the agent's avatar in it, and company. The same datagrams make the same world."""

    def __init__(self, config: StandinConfig, seed: int) -> None:
        self._config = config
        self._seed = seed
        self._rng = np.random.Generator(np.random.PCG64([seed, 0]))
        self._room = Room(config.size_m, seed)
        self._renderer: Renderer | None = None
        self._inputs = Inputs(config)
        self._outbox = Outbox()
        self._avatar_id = AVATAR_ID
        self._avatar_loaded = False
        self._muted = True  # VRChat's default is to join muted
        self._afk = False
        self._substep = 0
        self._received = 0
        self._ignored = 0
        x, z = self._room.free_point(self._rng)
        self._avatar = Avatar(x=x, z=z, heading_deg=float(self._rng.uniform(0.0, 360.0)))
        x, z = self._room.free_point(self._rng)
        goal_x, goal_z = self._room.free_point(self._rng)
        heading_deg = float(self._rng.uniform(0.0, 360.0))
        self._company = Company(x=x, z=z, heading_deg=heading_deg, goal_x=goal_x, goal_z=goal_z)

    def step(self, num_substeps: int, datagrams: Sequence[bytes]) -> list[bytes]:
        """Take the datagrams in, then advance by `num_substeps` of 1/60 s.

        Returns what VRChat would send: one message in a datagram, on change only, in each substep
        at most one for an address. After an avatar's load: /avatar/change, then all parameters.
        Datagrams that say nothing here are counted and ignored.
        """
        for datagram in datagrams:
            self._take(datagram)
        sent: list[bytes] = []
        for _ in range(num_substeps):
            intent = self._inputs.advance(self._substep)
            self._muted ^= "Voice" in intent.pressed
            self._afk ^= "AFKToggle" in intent.pressed
            self._avatar.advance(intent, self._room)
            self._company.advance(self._avatar, self._config.pat_distance_m, self._room, self._rng)
            self._substep += 1
            if not self._avatar_loaded:
                self._avatar_loaded = True
                self._outbox.forget()
                sent.append(encode("/avatar/change", self._avatar_id))
            sent += self._outbox.changes(self._parameters())
        return sent

    def frame(self) -> NDArray[np.uint8]:
        """What the agent sees now: uint8 (height, width, 3), RGB."""
        if self._renderer is None:
            from interfaces.standin.render import Renderer

            self._renderer = Renderer(self._config, self._seed)
        return self._renderer.render(self.view())

    def view(self) -> View:
        avatar, company = self._avatar, self._company
        return View(
            x=avatar.x,
            eye_y=avatar.y + EYE_HEIGHT_M,
            z=avatar.z,
            heading_deg=avatar.heading_deg,
            pitch_deg=avatar.pitch_deg,
            other_x=company.x,
            other_z=company.z,
            other_heading_deg=company.heading_deg,
            other_arm=company.arm,
            other_stride=company.stride_m,
        )

    def truth(self) -> dict[str, object]:
        """Where everybody is, and who pats; for measurements, never for the agent. JSON-able."""
        return {
            "time_s": self._substep * DT_S,
            "agent": self._avatar.snapshot(),
            "other": self._company.snapshot(),
            "contacts": list(self._avatar.touches),
            "patted_by": "other" if self._company.patting else None,
            "landmarks": [
                {"kind": mark.kind, "x": mark.x, "z": mark.z} for mark in self._room.landmarks
            ],
            "received": self._received,
            "ignored": self._ignored,
        }

    def snapshot(self) -> dict[str, object]:
        """Everything needed to go on bit-identically with the same settings. JSON-able."""
        return {
            "seed": self._seed,
            "rng": self._rng.bit_generator.state,
            "substep": self._substep,
            "received": self._received,
            "ignored": self._ignored,
            "avatar_id": self._avatar_id,
            "avatar_loaded": self._avatar_loaded,
            "muted": self._muted,
            "afk": self._afk,
            "inputs": self._inputs.snapshot(),
            "outbox": self._outbox.snapshot(),
            "avatar": self._avatar.snapshot(),
            "company": self._company.snapshot(),
        }

    def restore(self, snapshot: dict[str, object]) -> None:
        """Go on from a snapshot; the room is the snapshot's."""
        state: dict = snapshot  # type: ignore[type-arg]
        if state["seed"] != self._seed:
            self._seed = int(state["seed"])
            self._room = Room(self._config.size_m, self._seed)
            self._renderer = None
        self._rng.bit_generator.state = state["rng"]
        self._substep = int(state["substep"])
        self._received, self._ignored = int(state["received"]), int(state["ignored"])
        self._avatar_id = str(state["avatar_id"])
        self._avatar_loaded = bool(state["avatar_loaded"])
        self._muted, self._afk = bool(state["muted"]), bool(state["afk"])
        self._inputs.restore(state["inputs"])
        self._outbox.restore(state["outbox"])
        self._avatar.restore(state["avatar"])
        self._company.restore(state["company"])

    def _take(self, datagram: bytes) -> None:
        self._received += 1
        try:
            messages = decode(datagram)
        except OscError:
            self._ignored += 1
            return
        if not all([self._message(address, arguments) for address, arguments in messages]):
            self._ignored += 1

    def _message(self, address: str, arguments: list[object]) -> bool:
        """Act on one message. False: it says nothing here."""
        if len(arguments) != 1:
            return False
        if address.startswith("/input/"):
            return self._inputs.receive(self._substep, address[len("/input/") :], arguments[0])
        if address == "/avatar/change" and isinstance(arguments[0], str):
            self._avatar_id, self._avatar_loaded = arguments[0], False
            return True
        return False

    def _parameters(self) -> dict[str, Value]:
        avatar, company, pat = self._avatar, self._company, self._config.pat_parameter
        return {
            "VelocityX": _rounded(avatar.velocity_x),
            "VelocityY": _rounded(avatar.velocity_y),
            "VelocityZ": _rounded(avatar.velocity_z),
            "VelocityMagnitude": _rounded(
                (avatar.velocity_x**2 + avatar.velocity_y**2 + avatar.velocity_z**2) ** 0.5
            ),
            "AngularY": _rounded(avatar.turn_deg_s),
            "Grounded": avatar.grounded,
            "Upright": 1.0,
            "TrackingType": 3,
            "VRMode": 0,
            "AFK": self._afk,
            "MuteSelf": self._muted,
            "Seated": False,
            "InStation": False,
            pat: company.patting,
            f"{pat}_Prox": _rounded(company.proximity),
        }


def _rounded(value: float) -> float:
    """To 0.1 mm/s: the last bits of a position are no news. Never minus zero."""
    return round(value, 4) + 0.0
