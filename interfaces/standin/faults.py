"""Faults on request: a channel that loses and delays datagrams, and the names of the events."""

from typing import Literal, get_args

import numpy as np

from configs.standin import FaultsConfig
from interfaces.standin.client.input import PHYSICS_HZ

WorldEvent = Literal["world_load", "avatar_swap", "respawn", "sit", "stand"]
EVENTS: tuple[WorldEvent, ...] = get_args(WorldEvent)
LOAD_S = 5.0  # duration of a world load, black and silent


class Wire:
    """One direction of the OSC connection: loses, delays and so reorders datagrams."""

    def __init__(self) -> None:
        self._waiting: list[tuple[int, int, bytes]] = []  # (substep of arrival, count, datagram)
        self._count = 0
        self.lost = 0

    def transmit(
        self,
        substep: int,
        datagrams: list[bytes],
        faults: FaultsConfig,
        rng: np.random.Generator,
    ) -> list[bytes]:
        """Send `datagrams`; returns those that arrive in this substep, in order of arrival."""
        if not self._waiting and not (faults.loss or faults.delay_ms or faults.jitter_ms):
            return datagrams
        for datagram in datagrams:
            if faults.loss and rng.random() < faults.loss:
                self.lost += 1
                continue
            late_ms = faults.delay_ms + (rng.random() * faults.jitter_ms if faults.jitter_ms else 0)
            due = substep + round(late_ms * 1e-3 * PHYSICS_HZ)
            self._waiting.append((due, self._count, datagram))
            self._count += 1
        arrived = sorted(each for each in self._waiting if each[0] <= substep)
        self._waiting = [each for each in self._waiting if each[0] > substep]
        return [datagram for _, _, datagram in arrived]

    def snapshot(self) -> dict[str, object]:
        waiting = [[due, order, datagram.hex()] for due, order, datagram in self._waiting]
        return {"waiting": waiting, "count": self._count, "lost": self.lost}

    def restore(self, snapshot: dict[str, object]) -> None:
        waiting: list[tuple[int, int, str]] = snapshot["waiting"]  # type: ignore[assignment]
        self._waiting = [(int(due), int(n), bytes.fromhex(text)) for due, n, text in waiting]
        self._count, self.lost = int(snapshot["count"]), int(snapshot["lost"])  # type: ignore[call-overload]
