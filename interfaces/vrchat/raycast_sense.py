"""Raycasts as part of the observation: the closeness of each ray, and whether it is known.

Unknown is not clear. All values are 0 until the first change, so a ratio of 0 without a hit says
nothing. A ray that hits nothing and snaps to its end has ratio 1: known and clear.

Shapes: R rays. A slot is the number of a parameter: first the R ratios, then the R hits.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from configs.world.ray_sense import RaysConfig
from interfaces.osc.values import first_value
from interfaces.vrchat.avatar_listing import TYPE_WORDS, Avatar
from interfaces.vrchat.avatar_parameters import LOADING_S
from interfaces.vrchat.ray_values import HEARD, SILENT, TRUE, WRONG, RayValues
from interfaces.vrchat.sense_addresses import SenseAddresses
from interfaces.vrchat.sense_report import STUCK_S, SenseReport, log_once, shortened

_ROUNDING = 1e-4  # a ratio may exceed 1 by this much
_CURES = {
    "type": "in Unity, give it that type in the animator and the expression parameters",
    "range": "check in Unity that only the raycast writes it",
    "stuck": "in Unity, choose Snap To End on a miss, and let only the raycast write it",
}


class _Merged(NamedTuple):
    """What was heard and, where nothing was heard, what is listed.

    ratio: float32 (R,), 0 without a value. The others are bool (R,), and wrong (2 R,).

    missed: the client said that the ray hits nothing. found: the avatar has the ray. wrong: the
    slots with a wrong type.
    """

    ratio: NDArray[np.float32]
    has_ratio: NDArray[np.bool_]
    hit: NDArray[np.bool_]
    missed: NDArray[np.bool_]
    found: NDArray[np.bool_]
    wrong: NDArray[np.bool_]


class RaycastSense:
    """The rays of the current avatar.

    One thread receives datagrams, one asks the client by OSCQuery, and one reads the vector at each
    tick. None of them locks or waits. `tick_s`: seconds per tick.
    """

    def __init__(self, config: RaysConfig, tick_s: float) -> None:
        self._names, self._tick_s = config.names, tick_s
        self._count = len(self._names)
        self._parameters = [f"{name}{end}" for end in ("_Ratio", "_Hit") for name in self._names]
        self._addresses = SenseAddresses(self._parameters)
        self._report = SenseReport(
            "rays",
            config.mode,
            self._names,
            tick_s,
            "with world.osc.oscquery, values sent before the start are known too",
        )
        self._heard = RayValues(0, self._count)
        self._listing: RayValues | None = None
        self._named: set[tuple[int, str]] = set()  # slots whose problem was logged
        self._forget(0)

    @property
    def avatar(self) -> int:
        """Number of avatar changes so far."""
        return self._heard.avatar

    @property
    def listed(self) -> bool:
        """Whether the client has listed the parameters of the current avatar."""
        listing = self._listing
        return listing is not None and listing.avatar == self.avatar

    def receive(self, address: bytes, datagram: bytes, now: float) -> bool:
        """Store a message with this address. Returns False for one that is not wanted."""
        slot = self._addresses.find(address)
        if slot is None:
            return False
        if not self._heard.put_datagram(slot, len(address), datagram, now):
            value = first_value(datagram, len(address))
            if value is not None:
                self._heard.put(slot, value)
        return True

    def change_avatar(self, now: float) -> None:
        """Every ray is unknown until the new avatar lists or sends it.

        What was sent while it loaded, just before the change at `now`, belongs to it.
        """
        heard = RayValues(self._heard.avatar + 1, self._count)
        heard.keep_recent(self._heard, now - LOADING_S)
        self._heard = heard

    def set_listing(self, avatar: Avatar, number: int) -> None:
        """Take what the client lists for the avatar `number`, the value of `avatar` when asked."""
        listing = RayValues(number, self._count)
        for name, kind in avatar.types.items():
            slot = self._addresses.number(name)
            if slot is None:
                continue
            value, word = avatar.values.get(name), TYPE_WORDS.get(kind, kind)
            if word != listing.expected(slot):
                listing.put_wrong(slot, word)
            elif word == "float" and isinstance(value, (int, float)):  # JSON may shorten 1.0 to 1
                listing.put(slot, float(value))
            else:
                listing.put(slot, value if isinstance(value, bool) else listing.default(slot))
        self._listing = listing

    def vector(self, *, moves: bool, avatar_id: str) -> NDArray[np.float32]:
        """float32 (2 R,): the closeness of each ray, then whether it is known.

        `moves`: the avatar moves or turns now. `avatar_id`: for messages.
        """
        count, heard, listing = self._count, self._heard, self._listing
        if heard.avatar != self._seen_avatar:
            self._forget(heard.avatar)
        if listing is not None and listing.avatar != heard.avatar:
            listing = None
        now = self._merge(heard, listing)
        # NaN fails both comparisons.
        in_range = (now.ratio >= 0.0) & (now.ratio <= 1.0 + _ROUNDING)
        # A miss with Do Nothing keeps the last ratio: that is old, and the ray unknown.
        clear = now.ratio >= 1.0 - _ROUNDING
        known = now.has_ratio & in_range & (now.hit | clear | ((now.ratio > 0.0) & ~now.missed))
        known &= ~(now.wrong[:count] | now.wrong[count:])
        closeness = np.where(known, np.clip(1.0 - now.ratio, 0.0, 1.0), 0.0)
        stuck = self._stuck(now.ratio, closeness, moves)
        self._warn("type", now.wrong, lambda slot: _wrong_type(slot, heard, listing))
        self._warn("range", now.has_ratio & ~in_range, lambda i: f"{now.ratio[i]:g} is not 0 to 1")
        self._warn("stuck", stuck, lambda _: f"one value while it moved for {STUCK_S:.0f} s")
        if self._report.is_due(listed=listing is not None):
            names = [name for name, has in zip(self._names, now.found, strict=True) if has]
            self._report.log(names, listed=listing is not None, avatar_id=avatar_id)
        known &= ~stuck
        result = np.zeros(2 * count, np.float32)
        result[:count], result[count:] = closeness * known, known
        return result

    def snapshot(self) -> dict[str, Any]:
        """The state as JSON."""
        return {
            "heard": self._heard.to_json(),
            "listing": None if self._listing is None else self._listing.to_json(),
            "seen_avatar": self._seen_avatar,
            "last": self._last.tobytes().hex(),
            "same_s": self._same_s.tolist(),
            "silent_s": self._report.silent_s,
            "reported": self._report.reported,
        }

    def restore(self, snapshot: dict[str, Any]) -> None:
        """Continue from a snapshot."""
        listing = snapshot["listing"]
        self._heard = RayValues.from_json(snapshot["heard"])
        self._listing = None if listing is None else RayValues.from_json(listing)
        self._seen_avatar = int(snapshot["seen_avatar"])
        self._last = np.frombuffer(bytes.fromhex(snapshot["last"]), np.uint32)
        self._same_s = np.array(snapshot["same_s"], np.float64)
        self._report.silent_s = float(snapshot["silent_s"])
        self._report.reported = bool(snapshot["reported"])

    def _forget(self, avatar: int) -> None:
        """Begin with the avatar of this number: nothing has moved with it yet."""
        self._seen_avatar = avatar
        self._last = np.zeros(self._count, np.uint32)  # bits of the ratios at the last tick
        self._same_s = np.zeros(self._count)  # of movement since the last new value
        self._report.restart()

    def _merge(self, heard: RayValues, listing: RayValues | None) -> _Merged:
        count = self._count
        ratio, state = heard.arrays()
        if listing is not None and (early := heard.early()).any():
            state = np.where(early & listing.replaces_early(), SILENT, state)
            ratio = np.where(state[:count] == SILENT, np.float32(0.0), ratio)
        silent, has_ratio = state == SILENT, state[:count] == HEARD
        hit, missed = state[count:] == TRUE, state[count:] == HEARD
        found, wrong = ~silent[:count], state == WRONG
        if listing is not None:
            listed_ratio, listed = listing.arrays()
            listed_hit = listed[count:] == TRUE
            # A listed ratio of 0 without a hit has not changed yet.
            changed = (listed[:count] == HEARD) & ((listed_ratio != 0.0) | listed_hit)
            taken = silent[:count] & changed
            ratio, has_ratio = np.where(taken, listed_ratio, ratio), has_ratio | taken
            hit = hit | (silent[count:] & listed_hit)
            missed = missed | (taken & silent[count:] & (listed[count:] == HEARD))
            found = found | (listed[:count] != SILENT)
            wrong = wrong | (silent & (listed == WRONG))
        return _Merged(ratio, has_ratio, hit, missed, found, wrong)

    def _stuck(
        self, ratio: NDArray[np.float32], closeness: NDArray[np.float32], moves: bool
    ) -> NDArray[np.bool_]:
        """Which rays kept one closeness above 0 while the avatar moved for STUCK_S, bool (R,)."""
        bits = ratio.view(np.uint32)
        self._same_s[bits != self._last] = 0.0
        self._last = bits
        near = closeness > _ROUNDING
        if moves:
            self._same_s[near] += self._tick_s
        return near & (self._same_s >= STUCK_S)

    def _warn(self, kind: str, bad: NDArray[np.bool_], describe: Callable[[int], str]) -> None:
        """Name each slot with this problem once. `describe` says what is wrong with the first."""
        if not bad.any():
            return
        slots = [i for i in bad.nonzero()[0].tolist() if (i, kind) not in self._named]
        if slots:
            self._named.update((slot, kind) for slot in slots)
            names = shortened([self._parameters[slot] for slot in slots])
            text = f"world.rays: {names}: {describe(slots[0])}; unknown to the agent"
            log_once("WARNING", f"{text}. Cure: {_CURES[kind]}")


def _wrong_type(slot: int, heard: RayValues, listing: RayValues | None) -> str:
    word = heard.wrong.get(slot) or (listing.wrong.get(slot) if listing else None)
    return f"{word} instead of {heard.expected(slot)}"
