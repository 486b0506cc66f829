"""The stand-in VRChat world as one function of OSC datagrams: no sockets, no clock, no threads."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from configs.standin import AvatarConfig, FaultsConfig, StandinConfig
from interfaces.standin.client.input import DT_S, MoveCommand
from interfaces.standin.client.parameter_report import ParameterReport
from interfaces.standin.client.parameters import Value
from interfaces.standin.client.physics import AvatarPhysics
from interfaces.standin.client.response import InputResponse, response_of
from interfaces.standin.client.simulated_client import SimulatedClient
from interfaces.standin.client.usercamera import UserCamera
from interfaces.standin.faults import LOAD_S, Wire, WorldEvent
from interfaces.standin.json_state import fields_of, restore_fields
from interfaces.standin.people import PEOPLE_SUBSTEPS, People, Person
from interfaces.standin.picture.picture_feed import PictureFeed
from interfaces.standin.picture.scene import View
from interfaces.standin.places.build import VERSIONS
from interfaces.standin.places.place import Place
from interfaces.standin.room_changes import RoomSchedule, build_room, room_seed
from interfaces.standin.truth import truth_of
from interfaces.standin.views import make_view

SIT_DISTANCE_M = 1.0  # a chair farther away cannot be used
_NO_MOVE = MoveCommand()


class StandinCore:
    """A place, the agent's avatar and other people. The same datagrams give the same world."""

    def __init__(self, config: StandinConfig, seed: int, *, episode_s: float = math.inf) -> None:
        """`episode_s`: seconds in a room where the room changes with each episode."""
        self._config = config
        self.seed = seed
        self.faults = config.faults
        self._pictures = PictureFeed(config)
        self._to_agent, self._to_client = Wire(), Wire()
        self.client = SimulatedClient(config)
        self.avatar = AvatarPhysics()
        self.report = ParameterReport()
        self._substep = 0
        self._loading_until = 0  # substep
        self._place_loads = 0
        self._rooms = RoomSchedule(config.rooms, episode_s)
        self._load_place()

    @property
    def loading(self) -> bool:
        """Whether a place loads now: the picture is black and no message is sent."""
        return self._substep < self._loading_until

    @property
    def time_s(self) -> float:
        """Simulated seconds since the start."""
        return self._substep * DT_S

    @property
    def place(self) -> Place:
        """The place that is loaded now."""
        return self._place

    @property
    def place_loads(self) -> int:
        """How many places were loaded before this one; each load makes another place."""
        return self._place_loads

    @property
    def avatar_config(self) -> AvatarConfig:
        """The avatar in use."""
        return self.client.avatar_config

    @property
    def parameters(self) -> dict[str, Value]:
        """The newest value of every avatar parameter, as last sent."""
        sent = dict(self.report.outbox.values)
        return sent | self.client.raycasts.values if sent else sent

    @property
    def camera(self) -> UserCamera:
        """The user camera."""
        return self.client.camera

    @property
    def inputs(self) -> dict[str, float]:
        """The value of every /input address, as last received."""
        return self.client.inputs.received()

    @property
    def response(self) -> InputResponse:
        """How the avatar responds to its inputs in this place."""
        return self.client.inputs.response

    @property
    def people(self) -> Sequence[Person]:
        """All people of the place."""
        return self._people.members

    @property
    def patted_by(self) -> str | None:
        """The name of the person patting the agent now."""
        return self._people.patting()

    @property
    def lost(self) -> int:
        """Datagrams that the fault `loss` dropped, in both directions."""
        return self._to_agent.lost + self._to_client.lost

    def step(self, num_substeps: int, datagrams: Sequence[bytes]) -> list[bytes]:
        """Take the datagrams in, then advance by `num_substeps` of 1/60 s.

        Returns what VRChat would send: one message per datagram, on change only, and at most one
        per address and substep. After an avatar has loaded: /avatar/change, then all parameters.
        Datagrams without a known message are counted and ignored.
        """
        sent: list[bytes] = []
        self._receive(datagrams)
        for substep in range(num_substeps):
            if substep:
                self._receive([])
            messages = self._advance()
            if self.client.raycasts and not self.loading:
                messages += self._cast_rays(is_last=substep == num_substeps - 1)
            if not self.faults.osc:
                messages = []
            sent += self._to_agent.transmit(self._substep, messages, self.faults, self._rng)
        return sent

    def trigger_event(self, event: WorldEvent, argument: str | None = None) -> None:
        """Cause an event that OSC cannot cause. Raises ValueError if it is not possible here.

        world_load: LOAD_S seconds of a black picture without messages, then another place of the
        same kind. avatar_swap: to the avatar `argument`, or to the next one.
        """
        if event == "world_load":
            self._loading_until = self._substep + round(LOAD_S / DT_S)
        elif event == "avatar_swap":
            self.client.change_avatar(self._avatar_to_swap_to(argument))
        elif event == "respawn":
            self.avatar.put(*self._place.spawn(self._rng))
        elif event == "sit":
            if not self._sit_down(math.inf):
                raise ValueError(f"there is no chair in the {self._place.name}")
        else:
            self.avatar.seat = -1

    def set_voice(self, level: float, viseme: int) -> None:
        """Set what the agent's microphone picks up now: level 0..1, viseme 0..14."""
        self.client.voice, self.client.viseme = level, viseme

    def frame(self) -> NDArray[np.uint8]:
        """What the agent sees now: uint8 (height, width, 3), RGB."""
        black = self.loading or self.faults.video == "black"
        frozen = self.faults.video == "frozen"
        return self._pictures.frame(self._place, self.view, black=black, frozen=frozen)

    def view(self) -> View:
        """All that the picture depends on now, apart from the place."""
        hour = self._hour
        if self._config.day_s:
            hour = (hour + 24.0 * self.time_s / self._config.day_s) % 24.0
        return make_view(self.client, self.avatar, self.people, time_s=self.time_s, hour=hour)

    def truth(self) -> dict[str, Any]:
        """The true state, as JSON: for measurements, never for the agent. See truth.py."""
        return truth_of(self)

    def close(self) -> None:
        """Free the renderer."""
        self._pictures.close()

    def snapshot(self) -> dict[str, Any]:
        """All state, as JSON: restore() with the same settings continues bit-identically."""
        client, drawn = self.client, self._pictures.drawn
        return {
            "seed": self.seed,
            "place": [self._place.name, self._place.version],
            "worlds": self._place_loads,
            "rng": self._rng.bit_generator.state,
            "substep": self._substep,
            "loading_until": self._loading_until,
            "arrived": self._rooms.arrived,
            "received": client.received,
            "ignored": client.ignored,
            "worn": client.avatar_config.id,
            "avatar_loaded": client.avatar_loaded,
            "eye_m": client.eye_m,
            "own": dict(client.own.values),
            "inside": dict(client.contacts.inside),
            "contacts": dict(client.contacts.values),
            "rays": client.raycasts.snapshot(),
            "muted": client.muted,
            "afk": client.afk,
            "menu": client.menu_open,
            "heard": [client.voice, client.viseme],
            "faults": self.faults.model_dump(),
            "inputs": client.inputs.snapshot(),
            "outbox": self.report.outbox.snapshot(),
            "wires": [self._to_agent.snapshot(), self._to_client.snapshot()],
            "avatar": fields_of(self.avatar),
            "chatbox": fields_of(client.chatbox),
            "camera": fields_of(client.camera),
            "people": [fields_of(person) for person in self.people],
            "drawn": None if drawn is None else drawn.to_json(),
        }

    def restore(self, snapshot: dict[str, Any]) -> None:
        """Continue from a snapshot, in its place.

        Raises ValueError, and changes nothing, in two cases: this code makes another version of
        the snapshot's place, or its avatar is not configured.
        """
        state, client = snapshot, self.client
        by_id = {avatar.id: avatar for avatar in self._config.avatars}
        if state["worn"] not in by_id:
            raise ValueError(
                f"the snapshot uses avatar {state['worn']}; configured: {', '.join(by_id)}"
            )
        here = [self._config.place, VERSIONS[self._config.place]]
        if list(state["place"]) != here:
            raise ValueError(f"the snapshot is of place {state['place']}; this one is {here}")
        if (state["seed"], state["worlds"]) != (self.seed, self._place_loads):
            self.seed, self._place_loads = int(state["seed"]), int(state["worlds"])
            self._load_place()
        client.change_avatar(by_id[state["worn"]])
        self._rng.bit_generator.state = state["rng"]
        self._substep, self._loading_until = int(state["substep"]), int(state["loading_until"])
        self._rooms.arrived = int(state.get("arrived", 0))  # missing in older snapshots
        client.received, client.ignored = int(state["received"]), int(state["ignored"])
        client.avatar_loaded, client.eye_m = bool(state["avatar_loaded"]), float(state["eye_m"])
        client.own.restore(state["own"])
        client.contacts.restore(state["inside"], state["contacts"])
        client.raycasts.restore(state.get("rays", {}))
        client.muted, client.afk = bool(state["muted"]), bool(state["afk"])
        client.menu_open = bool(state["menu"])
        client.voice, client.viseme = state["heard"]
        self.faults = FaultsConfig(**state["faults"])
        client.inputs.restore(state["inputs"])
        self.report.outbox.restore(state["outbox"])
        self.report.reset()
        self._to_agent.restore(state["wires"][0])
        self._to_client.restore(state["wires"][1])
        restore_fields(self.avatar, state["avatar"])
        restore_fields(client.chatbox, state["chatbox"])
        client.camera.restore(state["camera"])
        for person, fields in zip(self.people, state["people"], strict=True):
            restore_fields(person, fields)
        drawn = state["drawn"]
        self._pictures.show_again(None if drawn is None else View.from_json(drawn))

    def _load_place(self) -> None:
        """Make the next place and its people; the client keeps its settings."""
        config, loads = self._config, self._place_loads
        seed = room_seed(self.seed, loads)
        self._rooms.arrived = self._substep
        self._rng = np.random.Generator(np.random.PCG64([seed, 0]))
        extra = np.random.Generator(np.random.PCG64([seed, 2]))
        self._hour = float(extra.uniform(0.0, 24.0)) if config.hour is None else config.hour
        self.client.inputs.change_response(response_of(config, extra))
        self._place = build_room(config, seed)
        self._pictures.reset()
        self.avatar.put(*self._place.spawn(self._rng))
        count = self._place.people if config.people is None else config.people
        self._people = People(self._place, count, config.pat_distance_m, self._rng)
        self._touching = self._people.with_senders(config.without_senders, seed)
        self.client.avatar_loaded = False
        self.client.raycasts.reset()

    def _receive(self, datagrams: Sequence[bytes]) -> None:
        arrived = self._to_client.transmit(self._substep, list(datagrams), self.faults, self._rng)
        for datagram in arrived:
            self.client.receive(datagram, self._substep, self.time_s, osc=self.faults.osc)

    def _advance(self) -> list[bytes]:
        """Advance by one substep. Returns the messages of the client."""
        if self._substep + 1 == self._loading_until:
            self._place_loads += 1
            self._load_place()
        self._loading_until = self._rooms.loading_until(self._substep, self._loading_until)
        client, avatar = self.client, self.avatar
        command = client.inputs.advance(self._substep)
        self._substep += 1
        if self.loading:
            return []
        client.press_buttons(command.pressed)
        if self._config.vr_inputs and command.pressed & {"UseRight", "UseLeft"}:
            self._sit_down(SIT_DISTANCE_M)
        self._move(command)
        pose = ((avatar.x, avatar.y, avatar.z), avatar.heading_deg, client.eye_m)
        contacts_changed = False
        if self._substep % PEOPLE_SUBSTEPS == 0:
            self._people.advance(avatar, client.eye_m)
            contacts_changed = client.contacts.advance_placed(*pose, self._touching)
        contacts_changed |= client.contacts.advance(*pose, self._touching)
        return self.report.messages(client, avatar, self.faults, contacts_changed=contacts_changed)

    def _cast_rays(self, *, is_last: bool) -> list[bytes]:
        """Cast after the last substep of a step; after each, if a value between can matter."""
        client, avatar, rays = self.client, self.avatar, self.client.raycasts
        if not (is_last or rays.keeps_last or self.faults.disturb_messages):
            return []
        pose = (avatar, avatar.heading_deg, client.eye_m)
        return rays.advance(self._place, *pose, self.people, self.time_s)

    def _move(self, command: MoveCommand) -> None:
        avatar, camera, place = self.avatar, self.client.camera, self._place
        if self.client.menu_open or self.faults.menu:
            command = _NO_MOVE
        if camera.takes_inputs:
            camera.fly(command)
            command = _NO_MOVE
        if avatar.seat >= 0:
            if not command.moves:
                avatar.stop()
                avatar.turn(command)
                return
            avatar.seat = -1
        moving = place.moving(self.time_s, avatar.x, avatar.z)
        avatar.advance(command, place.ground, self.response.jump_m_s, moving)
        if avatar.y < place.respawn_below_m:
            avatar.put(*place.spawn(self._rng))

    def _sit_down(self, within_m: float) -> bool:
        """Sit on the nearest chair. Returns False if none is within `within_m`."""
        avatar, seats = self.avatar, self._place.seats
        distances = [math.hypot(seat.x - avatar.x, seat.z - avatar.z) for seat in seats]
        if not distances or min(distances) > within_m:
            return False
        index = distances.index(min(distances))
        seat = seats[index]
        avatar.put(seat.x, seat.y, seat.z, seat.heading_deg)
        avatar.seat = index
        return True

    def _avatar_to_swap_to(self, avatar_id: str | None) -> AvatarConfig:
        """The avatar of that id, or the next one. Raises ValueError for an unknown id."""
        ids = [avatar.id for avatar in self._config.avatars]
        wanted = avatar_id or ids[(ids.index(self.avatar_config.id) + 1) % len(ids)]
        if wanted not in ids:
            raise ValueError(f"unknown avatar {wanted}; configured: {', '.join(ids)}")
        return self._config.avatars[ids.index(wanted)]
