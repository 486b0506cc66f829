"""What contacts and rays answered, and what is wrong with each that gives no usable answer."""

import math
from collections.abc import Mapping
from typing import NamedTuple

from configs.world.senses import ContactsConfig, without_prefix
from interfaces.osc.message import OscError, decode
from interfaces.vrchat.avatar_listing import PREFIX, TYPE_WORDS, Avatar

_UPLOAD = "upload, and choose Action Menu > Options > OSC > Reset Config"
_ADD = f"add it to the avatar (docs/avatar.md), {_UPLOAD}; or correct its name: "
_MAX_RATIO = 1.0001  # it may exceed 1 by rounding
_NO_QUERY = "world.osc.oscquery=true, or let a person come near"


class Trouble(NamedTuple):
    """Why a contact or a ray gives no usable answer, and the cure. `missing`: it does not exist."""

    text: str
    cure: str
    missing: bool = False


class Answer(NamedTuple):
    """The newest value of a parameter and its OSC type tag.

    `heard`: a message brought it, so the value changed meanwhile. Otherwise the client lists it.
    """

    kind: str
    value: object
    heard: bool = False


class HeardParameters:
    """Keeps the newest value of each of these parameters, also where VRCFury put a prefix.

    A thread receives, another reads afterwards.
    """

    def __init__(self, names: tuple[str, ...]) -> None:
        self._names = frozenset(names)
        self.answers: dict[str, Answer] = {}
        self.prefixed: set[str] = set()
        self.received = 0
        self.turned = False  # AngularY was not 0

    def receive(self, datagram: bytes) -> None:
        """Store one datagram. Never raises."""
        self.received += 1
        try:
            messages = decode(datagram)
        except OscError:
            return
        for address, arguments in messages:
            full_name = address.removeprefix(PREFIX)
            if not arguments or full_name == address:
                continue
            self.turned |= full_name == "AngularY" and arguments[0] != 0.0
            self._store(full_name, Answer(_type_tag(arguments[0]), arguments[0], heard=True))

    def add_listing(self, avatar: Avatar) -> None:
        """Add what the client lists now; a value that was heard stays."""
        for full_name, kind in avatar.types.items():
            self._store(full_name, Answer(kind, avatar.values.get(full_name)))

    def _store(self, full_name: str, answer: Answer) -> None:
        name = without_prefix(full_name)
        if name not in self._names:
            return
        if name != full_name:
            self.prefixed.add(name)
        before = self.answers.get(name)
        if answer.heard or before is None or not before.heard:
            self.answers[name] = answer


def contact_trouble(
    answer: Answer | None, contacts: ContactsConfig, *, listed: bool, turned: bool
) -> Trouble | None:
    """What is wrong with a contact; None for a usable one.

    `listed`: the client listed its parameters. `turned`: the avatar turned all around.
    """
    if answer is None and not listed:
        return Trouble("not heard, and nothing lists the avatar's parameters", _NO_QUERY)
    if answer is None:
        return Trouble("not on the avatar", f"{_ADD}world.contacts.name", missing=True)
    if answer.kind != "f":
        text = f"type {TYPE_WORDS.get(answer.kind, answer.kind)} instead of float"
        return Trouble(text, f"make it a contact receiver of type Proximity, {_UPLOAD}")
    value = _number(answer.value)
    if not math.isfinite(value):
        return Trouble(f"value {value}", "check the animations that drive it")
    # A receiver beside the axis moves when the avatar turns.
    if value > 0.0 and turned and contacts.ring_m > 0.0 and not answer.heard:
        text = f"stayed at {value:.2f} while the avatar turned"
        return Trouble(text, "check in Unity that only the contact receiver writes its parameter")
    return None


def ray_trouble(name: str, answers: Mapping[str, Answer], *, listed: bool) -> Trouble | None:
    """What is wrong with the ray `name`; None for a usable one."""
    hit, ratio = answers.get(f"{name}_Hit"), answers.get(f"{name}_Ratio")
    setting = "world.rays.players.name, world.rays.world.name"
    if ratio is None and not listed:
        return Trouble("not heard, and nothing lists the avatar's parameters", _NO_QUERY)
    if ratio is None:
        return Trouble("not on the avatar", f"{_ADD}{setting}", missing=True)
    for ending, answer, wanted in (("_Ratio", ratio, "f"), ("_Hit", hit, "TF")):
        if answer is not None and answer.kind not in wanted:
            kind = TYPE_WORDS.get(answer.kind, answer.kind)
            text = f"{ending} has type {kind} instead of {TYPE_WORDS[wanted[0]]}"
            return Trouble(text, f"correct or delete that parameter in Unity, {_UPLOAD}")
    share = _number(ratio.value)
    if not 0.0 <= share <= _MAX_RATIO:  # NaN too
        cure = "check in Unity that only the raycast writes its parameters"
        return Trouble(f"ratio {share:g}, which is not 0 to 1", cure)
    if hit is not None and hit.value is True:
        return None
    if share <= 0.0:
        cure = (
            "check that the ray is active, has a result transform, and snaps to its end on a miss"
        )
        return Trouble("ratio 0 and no hit, so never cast", f"{cure} (docs/avatar.md)")
    if share < 2.0 - _MAX_RATIO and hit is not None:
        text = f"ratio {share:.2f} without a hit"
        return Trouble(text, "set its behaviour on a miss to Snap To End (docs/avatar.md)")
    return None


def _type_tag(value: object) -> str:
    if isinstance(value, bool):
        return "T"
    tags = ((float, "f"), (int, "i"), (str, "s"))
    return next((tag for kind, tag in tags if isinstance(value, kind)), type(value).__name__)


def _number(value: object) -> float:
    """A float as a client sends or lists it; 0 for one that cannot be read."""
    return float(value) if isinstance(value, (int, float)) else 0.0
