"""The newest values of an avatar's rays as bytes: one store per message, one array per tick.

Shapes: R rays. A slot is the number of a parameter: first the R ratios, then the R hits.
"""

import math
import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

SILENT, HEARD, TRUE, WRONG = range(4)  # state of a slot; a hit is HEARD while it is false
_FLOAT = struct.Struct(">f")
_FLOAT_TAG = b",f\0\0"
_BOOL_STATES = {b",F\0\0": HEARD, b",T\0\0": TRUE}


class RayValues:
    """What the avatar number `avatar` has sent, or what the client lists for it.

    One thread writes and another reads. A write replaces a few bytes of fixed length, which Python
    does as a whole. So neither of them locks.
    """

    def __init__(self, avatar: int, count: int) -> None:
        self.avatar, self._count = avatar, count
        self.message_s = [-math.inf] * (2 * count)  # time of the newest message of each slot
        self._early = bytearray(2 * count)  # 1: sent before the change to this avatar
        self._ratios = bytearray(4 * count)  # floats as OSC has them, big-endian
        self._states = bytearray(2 * count)
        self.wrong: dict[int, str] = {}  # by slot, the type that was sent

    def expected(self, slot: int) -> str:
        """The type that a slot must have."""
        return "float" if slot < self._count else "bool"

    def default(self, slot: int) -> float | bool:
        """The value of a slot before its first change."""
        return 0.0 if slot < self._count else False

    def put_datagram(self, slot: int, address_length: int, datagram: bytes, now: float) -> bool:
        """Store a datagram whose address has this length. Returns False if its type is another."""
        self.message_s[slot], self._early[slot] = now, 0
        count, tags_at = self._count, (address_length // 4 + 1) * 4
        tags = datagram[tags_at : tags_at + 4]
        if slot >= count:
            state = _BOOL_STATES.get(tags)
            if state is None or len(datagram) != tags_at + 4:
                return False
            self._states[slot] = state
            return True
        if tags != _FLOAT_TAG or len(datagram) != tags_at + 8:
            return False
        self._ratios[4 * slot : 4 * slot + 4] = datagram[-4:]
        self._states[slot] = HEARD
        return True

    def put(self, slot: int, value: object) -> None:
        """Store a value; one of a wrong type makes the slot WRONG."""
        word = type(value).__name__
        if word != self.expected(slot):
            self.put_wrong(slot, word)
        elif isinstance(value, bool):
            self._states[slot] = TRUE if value else HEARD
        elif isinstance(value, float):
            try:
                raw = _FLOAT.pack(value)
            except OverflowError:
                raw = _FLOAT.pack(math.inf)
            self._ratios[4 * slot : 4 * slot + 4] = raw
            self._states[slot] = HEARD

    def put_wrong(self, slot: int, word: str) -> None:
        """Note that the slot has the wrong type `word`."""
        self.wrong[slot] = word
        self._states[slot] = WRONG

    def keep_recent(self, former: "RayValues", since_s: float) -> None:
        """Take over what the store of the former avatar received since `since_s`, as early."""
        for slot, at_s in enumerate(former.message_s):
            if at_s < since_s:
                continue
            self.message_s[slot], self._early[slot] = at_s, 1
            self._states[slot] = former._states[slot]
            if slot < self._count:
                self._ratios[4 * slot : 4 * slot + 4] = former._ratios[4 * slot : 4 * slot + 4]
            if slot in former.wrong:
                self.wrong[slot] = former.wrong[slot]

    def early(self) -> NDArray[np.bool_]:
        """Which slots have a message from before the change to this avatar, bool (2 R,)."""
        return np.frombuffer(bytes(self._early), np.bool_)

    def replaces_early(self) -> NDArray[np.bool_]:
        """Where this listing counts more than an early message, bool (2 R,).

        It lacks the ray, or lists a value that has changed since the avatar loaded.
        """
        ratio, state = self.arrays()
        hit = state[self._count :] == TRUE
        says = np.concatenate([(ratio != 0.0) | hit, hit])
        return (state == SILENT) | (state == WRONG) | says

    def arrays(self) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        """Copies: each ratio, float32 (R,), and the state of each slot, uint8 (2 R,)."""
        # States first: a value is stored before its state, so a state never lacks its value.
        states = np.frombuffer(bytes(self._states), np.uint8)
        return np.frombuffer(bytes(self._ratios), ">f4").astype(np.float32), states

    def to_json(self) -> list[Any]:
        """All as JSON."""
        message_s = [None if each == -math.inf else each for each in self.message_s]
        values = [self._ratios.hex(), self._states.hex(), list(self.wrong.items())]
        return [self.avatar, *values, message_s, self._early.hex()]

    @classmethod
    def from_json(cls, json: list[Any]) -> "RayValues":
        """The values that to_json() described."""
        values = cls(int(json[0]), 0)
        values._ratios, values._states = (bytearray(bytes.fromhex(each)) for each in json[1:3])
        values._count = len(values._ratios) // 4
        values.wrong = {int(slot): str(word) for slot, word in json[3]}
        slots = 2 * values._count
        values.message_s, values._early = [-math.inf] * slots, bytearray(slots)
        if len(json) > 4:  # older snapshots have no times
            values.message_s = [-math.inf if each is None else float(each) for each in json[4]]
            values._early = bytearray(bytes.fromhex(json[5]))
        return values
