"""What the agent hears of the place and what it says in it, where sound was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from configs.standin import StandinConfig

if TYPE_CHECKING:  # PortAudio is needed only where sound was asked for
    from interfaces.standin.core import StandinCore


class Hearing:
    """Silence."""

    def __init__(self, config: StandinConfig, seed: int) -> None:
        pass

    def microphone(self) -> tuple[float, int]:
        return 0.0, 0

    def update(self, core: StandinCore) -> None:
        pass

    def close(self) -> None:
        pass
