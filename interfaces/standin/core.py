"""The stand-in VRChat world as one function of OSC datagrams: no sockets, no clock, no threads."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from configs.standin import AvatarConfig, FaultsConfig, StandinConfig
from interfaces.osc.message import OscError, decode, encode
from interfaces.standin.client.chatbox import Chatbox
from interfaces.standin.client.contacts import Contacts
from interfaces.standin.client.input import DT_S, Inputs, Intent
from interfaces.standin.client.parameters import CONSTANT, PREFIX, Outbox, OwnParameters, Value
from interfaces.standin.client.physics import Avatar
from interfaces.standin.client.response import Response, response_of
from interfaces.standin.client.usercamera import PREFIX as CAMERA_PREFIX
from interfaces.standin.client.usercamera import UserCamera
from interfaces.standin.faults import LOAD_S, Event, Wire
from interfaces.standin.json_state import recall, remember
from interfaces.standin.people import THINK_SUBSTEPS, Company, Person
from interfaces.standin.picture.scene import Look, View
from interfaces.standin.places.build import VERSIONS, build_place
from interfaces.standin.places.place import Place

if TYPE_CHECKING:  # Panda3D is loaded with the first picture, not with the physics
    from interfaces.standin.picture.renderer import Renderer

EYE_HEIGHT_RANGE_M = (0.2, 5.0)
SIT_M = 1.0  # how far a chair can be to be used
# How many numbers each /tracking message has.
_TRACKING = {
    f"/tracking/trackers/{tracker}/{what}": 3
    for tracker in (*range(1, 9), "head")
    for what in ("position", "rotation")
} | {
    f"/tracking/eye/{name}": count
    for name, count in (
        *(("EyesClosedAmount", 1), ("CenterPitchYaw", 2), ("CenterPitchYawDist", 3)),
        *(("CenterVec", 3), ("CenterVecFull", 3), ("LeftRightPitchYaw", 4), ("LeftRightVec", 6)),
    )
}


class StandinCore:
    """A place, the agent's avatar in it, and company. The same datagrams make the same world."""

    def __init__(self, config: StandinConfig, seed: int) -> None:
        self._config = config
        self._seed = seed
        self.faults = config.faults
        self._renderer: Renderer | None = None
        self._drawn: View | None = None  # what was last drawn: a frozen picture goes on showing it
        self._frozen: NDArray[np.uint8] | None = None
        self._outbox = Outbox()
        self._to_agent, self._to_client = Wire(), Wire()
        self._chatbox, self._camera = Chatbox(), UserCamera()
        self._avatar = Avatar()
        self._inputs = Inputs(Response())  # as the place answers them: _enter
        self._wear(config.avatars[0])
        self._muted = config.voice != "push_to_mute"  # VRChat joins muted
        self._afk = self._menu = False
        self._voice, self._viseme = 0.0, 0
        self._substep = self._received = self._ignored = 0
        self._loading_until = 0
        self._motion: tuple[float, float, float, float, bool] | None = None  # as last told
        self._condition: tuple[object, ...] | None = None
        self._worlds = 0  # how often a world was loaded: each makes another place
        self._enter()

    @property
    def loading(self) -> bool:
        return self._substep < self._loading_until

    @property
    def time_s(self) -> float:
        return self._substep * DT_S

    @property
    def place(self) -> Place:
        return self._place

    @property
    def avatar_config(self) -> AvatarConfig:
        return self._worn

    @property
    def values(self) -> dict[str, Value]:
        """The newest value of every avatar parameter, as told."""
        return dict(self._outbox.values)

    @property
    def camera(self) -> UserCamera:
        return self._camera

    @property
    def inputs(self) -> dict[str, float]:
        """The value of every /input address, as last received."""
        return self._inputs.received()

    @property
    def people(self) -> Sequence[Person]:
        return self._company.people

    @property
    def worlds(self) -> int:
        """How many were loaded before this one."""
        return self._worlds

    @property
    def response(self) -> Response:
        """How the avatar answers its inputs in this world."""
        return self._inputs.response

    @property
    def eye_m(self) -> float:
        return self._eye_m

    def step(self, num_substeps: int, datagrams: Sequence[bytes]) -> list[bytes]:
        """Take the datagrams in, then advance by `num_substeps` of 1/60 s.

        Returns what VRChat would send: one message in a datagram, on change only, in each substep
        at most one for an address. After an avatar's load: /avatar/change, then all parameters.
        Datagrams that say nothing here are counted and ignored.
        """
        sent: list[bytes] = []
        self._receive(list(datagrams))
        for substep in range(num_substeps):
            if substep:
                self._receive([])
            said = self._advance()
            if not self.faults.osc:
                said = []
            sent += self._to_agent.carry(self._substep, said, self.faults, self._rng)
        return sent

    def happen(self, event: Event, argument: str | None = None) -> None:
        """Bring something about that OSC cannot. Raises ValueError where it cannot be.

        world_load: LOAD_S of a black picture and silence, then another place of the kind;
        avatar_swap: to the avatar `argument`, or the next one.
        """
        if event == "world_load":
            self._loading_until = self._substep + round(LOAD_S / DT_S)
        elif event == "avatar_swap":
            ids = [avatar.id for avatar in self._config.avatars]
            wanted = argument or ids[(ids.index(self._worn.id) + 1) % len(ids)]
            if wanted not in ids:
                raise ValueError(f"no avatar {wanted}; there are {', '.join(ids)}")
            self._wear(self._config.avatars[ids.index(wanted)])
        elif event == "respawn":
            self._avatar.put(*self._place.spawn(self._rng))
        elif event == "sit":
            if not self._sit(math.inf):
                raise ValueError(f"there is no chair in the {self._place.name}")
        else:
            self._avatar.seat = -1

    def hear(self, level: float, viseme: int) -> None:
        """What the agent's microphone picks up now: level 0..1, viseme 0..14."""
        self._voice, self._viseme = level, viseme

    def frame(self) -> NDArray[np.uint8]:
        """What the agent sees now: uint8 (height, width, 3), RGB."""
        video = self.faults.video
        if self.loading or video == "black":
            return np.zeros((self._config.height, self._config.width, 3), np.uint8)
        freezes = video == "frozen" and self._drawn is not None
        if freezes and self._frozen is not None:
            return self._frozen
        if self._renderer is None:
            from interfaces.standin.picture.renderer import Renderer

            self._renderer = Renderer(self._config, self._place)
        self._drawn = self._drawn if freezes and self._drawn is not None else self.view()
        self._frozen = self._renderer.render(self._drawn)
        return self._frozen

    def close(self) -> None:
        """Free what the pictures took."""
        if self._renderer is not None:
            self._renderer.close()
            self._renderer = None

    def view(self) -> View:
        avatar, camera = self._avatar, self._camera
        looks = tuple(
            Look(
                p.name,
                p.look,
                p.x,
                p.y,
                p.z,
                p.heading_deg,
                p.arm,
                p.swing_deg,
                p.stride_m,
                p.bubble,
            )
            for p in self._company.people
        )
        hour = self._hour
        if self._config.day_s:
            hour = (hour + 24.0 * self.time_s / self._config.day_s) % 24.0
        if camera.shown:
            return View(
                camera.x,
                camera.y,
                camera.z,
                camera.yaw_deg,
                -camera.pitch_deg,
                looks,
                self.time_s,
                hour,
                camera.roll_deg,
                camera.zoom,
                self._me(),
            )
        return View(
            avatar.x,
            avatar.y + self._eye_m,
            avatar.z,
            avatar.heading_deg,
            avatar.pitch_deg,
            looks,
            self.time_s,
            hour,
        )

    def truth(self) -> dict[str, Any]:
        """Where everybody is, and who pats; for measurements, never for the agent. JSON-able."""
        place, avatar = self._place, remember(self._avatar)
        return {
            "time_s": self.time_s,
            "place": {
                "name": place.name,
                "version": place.version,
                "seed": self._seed,
                "loads": self._worlds,
                "half_m": place.half_m,
            },
            "loading": self.loading,
            "agent": avatar | {"eye_m": self._eye_m, "avatar": self._worn.id},
            "people": [remember(person) for person in self._company.people],
            "touches": avatar["touches"],
            "contacts": dict(self._contacts.values),
            "patted_by": self._company.patting(),
            "landmarks": [
                {"kind": mark.kind, "x": mark.x, "z": mark.z} for mark in place.landmarks
            ],
            "movers": [{"name": each.name, "pose": each.at(self.time_s)} for each in place.movers],
            "chatbox": {
                "shown": self._chatbox.shown(self.time_s),
                "typing": self._chatbox.typing,
                "locked_s": max(0.0, self._chatbox.locked_until_s - self.time_s),
                "refused": self._chatbox.refused,
            },
            "camera": remember(self._camera),
            "inputs": {name: v for name, v in self._inputs.received().items() if v},
            "menu": self._menu or self.faults.menu,
            "received": self._received,
            "ignored": self._ignored,
            "lost": self._to_agent.lost + self._to_client.lost,
        }

    def snapshot(self) -> dict[str, Any]:
        """Everything needed to go on bit-identically with the same settings. JSON-able."""
        return {
            "seed": self._seed,
            "place": [self._place.name, self._place.version],
            "worlds": self._worlds,
            "rng": self._rng.bit_generator.state,
            "substep": self._substep,
            "loading_until": self._loading_until,
            "received": self._received,
            "ignored": self._ignored,
            "worn": self._worn.id,
            "avatar_loaded": self._avatar_loaded,
            "eye_m": self._eye_m,
            "own": dict(self._own.values),
            "inside": dict(self._contacts.inside),
            "contacts": dict(self._contacts.values),
            "muted": self._muted,
            "afk": self._afk,
            "menu": self._menu,
            "heard": [self._voice, self._viseme],
            "faults": self.faults.model_dump(),
            "inputs": self._inputs.snapshot(),
            "outbox": self._outbox.snapshot(),
            "wires": [self._to_agent.snapshot(), self._to_client.snapshot()],
            "avatar": remember(self._avatar),
            "chatbox": remember(self._chatbox),
            "camera": remember(self._camera),
            "people": [remember(person) for person in self._company.people],
            "drawn": None if self._drawn is None else self._drawn.to_json(),
        }

    def restore(self, snapshot: dict[str, Any]) -> None:
        """Go on from a snapshot; the place is the snapshot's.

        Raises ValueError where the snapshot is of a place this code makes otherwise, or of an
        avatar that is not configured; nothing is changed then.
        """
        state = snapshot
        by_id = {avatar.id: avatar for avatar in self._config.avatars}
        if state["worn"] not in by_id:
            raise ValueError(f"a snapshot in avatar {state['worn']}; there is {', '.join(by_id)}")
        here = [self._config.place, VERSIONS[self._config.place]]
        if list(state["place"]) != here:
            raise ValueError(f"a snapshot of {state['place']}; this is {here}")
        if (state["seed"], state["worlds"]) != (self._seed, self._worlds):
            self._seed, self._worlds = int(state["seed"]), int(state["worlds"])
            self._enter()
        self._wear(by_id[state["worn"]])
        self._rng.bit_generator.state = state["rng"]
        self._substep, self._loading_until = int(state["substep"]), int(state["loading_until"])
        self._received, self._ignored = int(state["received"]), int(state["ignored"])
        self._avatar_loaded, self._eye_m = bool(state["avatar_loaded"]), float(state["eye_m"])
        self._own.restore(state["own"])
        self._contacts.restore(state["inside"], state["contacts"])
        self._motion = self._condition = None
        self._muted, self._afk, self._menu = (bool(state[k]) for k in ("muted", "afk", "menu"))
        self._voice, self._viseme = state["heard"]
        self.faults = FaultsConfig(**state["faults"])
        self._inputs.restore(state["inputs"])
        self._outbox.restore(state["outbox"])
        self._to_agent.restore(state["wires"][0])
        self._to_client.restore(state["wires"][1])
        recall(self._avatar, state["avatar"])
        recall(self._chatbox, state["chatbox"])
        recall(self._camera, state["camera"])
        for person, known in zip(self._company.people, state["people"], strict=True):
            recall(person, known)
        self._frozen = None
        self._drawn = None if state["drawn"] is None else View.from_json(state["drawn"])

    def _enter(self) -> None:
        """Another place: everything in it begins, the client's settings stay."""
        config, worlds = self._config, self._worlds
        seed = self._seed if worlds == 0 else self._seed + 1_000_003 * worlds
        self._rng = np.random.Generator(np.random.PCG64([seed, 0]))
        extra = np.random.Generator(np.random.PCG64([seed, 2]))
        self._hour = float(extra.uniform(0.0, 24.0)) if config.hour is None else config.hour
        self._inputs.answer_with(response_of(config, extra))
        self._place = build_place(config, seed)
        self.close()
        self._frozen = self._drawn = None
        self._avatar.put(*self._place.spawn(self._rng))
        count = self._place.people if config.people is None else config.people
        self._company = Company(self._place, count, config.pat_distance_m, self._rng)
        self._avatar_loaded = False

    def _wear(self, avatar: AvatarConfig) -> None:
        self._worn, self._eye_m, self._avatar_loaded = avatar, avatar.eye_height_m, False
        self._own, self._contacts = OwnParameters(avatar), Contacts(avatar.contacts)

    def _advance(self) -> list[bytes]:
        """One substep. Returns what the client says."""
        if self._substep + 1 == self._loading_until:
            self._worlds += 1
            self._enter()
        intent = self._inputs.advance(self._substep)
        self._substep += 1
        if self.loading:
            return []
        self._press(intent)
        self._move(intent)
        if self._substep % THINK_SUBSTEPS == 0:
            self._company.advance(self._avatar, self._eye_m)
        avatar = self._avatar
        touched = self._contacts.advance(
            (avatar.x, avatar.y, avatar.z), avatar.heading_deg, self._eye_m, self._company.people
        )
        if not self._avatar_loaded:
            return self._load_avatar()
        said: list[bytes] = []
        motion = self._motion_now()
        if motion != self._motion:
            self._motion = motion
            said += self._outbox.changes(_motion_values(motion))
        condition = self._condition_now()
        if condition != self._condition:
            self._condition = condition
            said += self._outbox.changes(self._posture())
        if touched:
            said += self._outbox.changes(self._contacts.values)
        return said

    def _load_avatar(self) -> list[bytes]:
        self._avatar_loaded = True
        self._motion, self._condition = self._motion_now(), self._condition_now()
        outbox = self._outbox
        outbox.forget()
        said = [encode("/avatar/change", self._worn.id)]
        for values in (
            CONSTANT,
            _motion_values(self._motion),
            self._posture(),
            self._contacts.values,
        ):
            said += outbox.changes(values)
        return said

    def _press(self, intent: Intent) -> None:
        """What buttons do, other than moving."""
        voice = self._config.voice
        if voice == "push_to_talk":
            self._muted = self._inputs["Voice"] == 0.0
        elif voice == "push_to_mute":
            self._muted = self._inputs["Voice"] > 0.0
        pressed = intent.pressed
        if not pressed:
            return
        self._muted ^= voice == "toggle" and "Voice" in pressed
        self._afk ^= "AFKToggle" in pressed
        if pressed & {"QuickMenuToggleLeft", "QuickMenuToggleRight", "Menu", "Menu2"}:
            self._menu = not self._menu
        if "Back" in pressed:
            self._menu = False
        if self._config.vr_inputs and pressed & {"UseRight", "UseLeft"}:
            self._sit(SIT_M)

    def _move(self, intent: Intent) -> None:
        avatar, camera = self._avatar, self._camera
        if self._menu or self.faults.menu:
            intent = _STILL
        if camera.takes_inputs:
            camera.fly(intent)
            intent = _STILL
        if avatar.seat >= 0:
            if not intent.moves:
                avatar.stop()
                avatar.turn(intent)
                return
            avatar.seat = -1
        place = self._place
        moving = place.moving(self.time_s, avatar.x, avatar.z)
        avatar.advance(intent, place.ground, self._inputs.response.jump_m_s, moving)
        if avatar.y < place.respawn_below_m:
            avatar.put(*place.spawn(self._rng))

    def _sit(self, within_m: float) -> bool:
        avatar, seats = self._avatar, self._place.seats
        away = [math.hypot(seat.x - avatar.x, seat.z - avatar.z) for seat in seats]
        if not away or min(away) > within_m:
            return False
        index = away.index(min(away))
        seat = seats[index]
        avatar.put(seat.x, seat.y, seat.z, seat.heading_deg)
        avatar.seat = index
        return True

    def _receive(self, datagrams: list[bytes]) -> None:
        for datagram in self._to_client.carry(self._substep, datagrams, self.faults, self._rng):
            self._take(datagram)

    def _take(self, datagram: bytes) -> None:
        self._received += 1
        if not self.faults.osc:
            self._ignored += 1
            return
        try:
            messages = decode(datagram)
        except OscError:
            self._ignored += 1
            return
        if not all([self._message(address, arguments) for address, arguments in messages]):
            self._ignored += 1

    def _message(self, address: str, arguments: list[object]) -> bool:
        """Act on one message. False: it says nothing here."""
        if address.startswith(CAMERA_PREFIX):
            return self._camera.receive(address[len(CAMERA_PREFIX) :], arguments)
        if address.startswith("/chatbox/"):
            return self._chatbox.receive(self.time_s, address, arguments)
        if address.startswith("/tracking/"):  # of the VR profile; taken, and of no effect
            numbers = [each for each in arguments if type(each) in (int, float)]
            return len(numbers) == len(arguments) == _TRACKING.get(address)
        if len(arguments) != 1:
            return False
        value = arguments[0]
        if address.startswith("/input/"):
            return self._inputs.receive(self._substep, address[len("/input/") :], value)
        if address.startswith(PREFIX):
            return self._own.receive(address[len(PREFIX) :], value)
        if address == "/avatar/change":
            return self._change(value)
        if address == "/avatar/eyeheight" and isinstance(value, (int, float)):
            return self._scale(float(value))
        return False

    def _change(self, avatar_id: object) -> bool:
        """Only one's own avatars; another id does nothing."""
        for avatar in self._config.avatars:
            if avatar.id == avatar_id:
                self._wear(avatar)
                return True
        return False

    def _scale(self, eye_m: float) -> bool:
        if not math.isfinite(eye_m):
            return False
        low, high = EYE_HEIGHT_RANGE_M
        self._eye_m = min(high, max(low, eye_m))
        return True

    def _me(self) -> Look:
        """The agent's own avatar, and what it says, as its user camera sees it."""
        avatar, said = self._avatar, self._chatbox.shown(self.time_s)
        said = said or ("..." if self._chatbox.typing else "")
        return Look("", 0, avatar.x, avatar.y, avatar.z, avatar.heading_deg, 0.0, 0.0, 0.0, said)

    def _motion_now(self) -> tuple[float, float, float, float, bool]:
        """What changes with every move, rounded: the last bits of a position are no news."""
        avatar = self._avatar
        return (
            _rounded(avatar.velocity_x),
            _rounded(avatar.velocity_y),
            _rounded(avatar.velocity_z),
            _rounded(avatar.turn_deg_s),
            avatar.grounded,
        )

    def _condition_now(self) -> tuple[object, ...]:
        """All that _posture() depends on: cheap to compare."""
        seated, afk = self._avatar.seat >= 0, self._afk or self.faults.afk
        return seated, afk, self._muted, self._voice, self._viseme, self._eye_m, self._own.writes

    def _posture(self) -> dict[str, Value]:
        """What changes now and then. What never does is in CONSTANT."""
        muted, seated = self._muted, self._avatar.seat >= 0
        scale = self._eye_m / self._worn.eye_height_m
        return {
            "Upright": 0.68 if seated else 1.0,
            "Seated": seated,
            "InStation": seated,
            "AFK": self._afk or self.faults.afk,
            "MuteSelf": muted,
            "Voice": 0.0 if muted else _rounded(self._voice),
            "Viseme": 0 if muted else self._viseme,
            "ScaleFactor": scale,
            "ScaleFactorInverse": 1.0 / scale,
            "ScaleModified": abs(scale - 1.0) > 1e-4,  # OSC brings float32
            "/avatar/eyeheight": self._eye_m,
            "EyeHeightAsMeters": self._eye_m,
            "EyeHeightAsPercent": (self._eye_m - 0.2) / 4.8,
            **self._own.values,
        }


_STILL = Intent()


def _motion_values(motion: tuple[float, float, float, float, bool]) -> dict[str, Value]:
    x, y, z, turn, grounded = motion
    return {
        "VelocityX": x,
        "VelocityY": y,
        "VelocityZ": z,
        "VelocityMagnitude": _rounded(math.sqrt(x * x + y * y + z * z)),
        "AngularY": turn,
        "Grounded": grounded,
    }


def _rounded(value: float) -> float:
    """To 0.1 mm/s. Never minus zero."""
    return round(value, 4) + 0.0 if value else 0.0
