"""How fast the avatar responds to its inputs: speeds, dead zones and dead times of a profile."""

import math
from dataclasses import dataclass, field

import numpy as np

from configs.standin import StandinConfig

MOVE_DEAD_ZONE = 0.1
TURN_DEAD_ZONE = 0.5
PITCH_DEAD_ZONE = 0.1
PITCH_DEG_S = 180.0


@dataclass(frozen=True, slots=True)
class InputResponse:
    """Speeds and dead times. `dead_times_ms` is per axis; `dead_time_ms` holds for the rest."""

    walk_m_s: float = 2.0
    run_m_s: float = 4.0
    strafe_m_s: float = 2.0
    turn_deg_s: float = 200.0
    jump_m_s: float = 3.0
    dead_times_ms: dict[str, float] = field(default_factory=dict[str, float])
    dead_time_ms: float = 33.0


_MEASURED_MS = {"Vertical": 16.0, "Horizontal": 30.0, "LookVertical": 20.0, "LookHorizontal": 33.0}
PROFILES = {
    "prefab": InputResponse(),
    "client": InputResponse(walk_m_s=3.0, run_m_s=6.0, strafe_m_s=3.0, dead_times_ms=_MEASURED_MS),
    "bare": InputResponse(jump_m_s=0.0),
}


def response_of(config: StandinConfig, rng: np.random.Generator) -> InputResponse:
    """The configured profile with the configured overrides, randomised as configured.

    Always draws the same count of numbers from `rng`: one setting does not change the others.
    """
    profile, vary = PROFILES[config.profile], config.randomise
    speed, turn, delay = rng.uniform(-1.0, 1.0), rng.uniform(-1.0, 1.0), rng.uniform(0.0, 1.0)
    speed, turn = math.exp(speed * math.log(vary.gain)), math.exp(turn * math.log(vary.gain))
    late = math.exp(delay * math.log(vary.delay))
    configured = config.dead_time_ms
    by_axis = profile.dead_times_ms if configured is None else {}
    return InputResponse(
        walk_m_s=(config.walk_m_s or profile.walk_m_s) * speed,
        run_m_s=(config.run_m_s or profile.run_m_s) * speed,
        strafe_m_s=(config.strafe_m_s or profile.strafe_m_s) * speed,
        turn_deg_s=config.turn_deg_s * turn,
        jump_m_s=profile.jump_m_s,
        dead_times_ms={name: late * ms for name, ms in by_axis.items()},
        dead_time_ms=(profile.dead_time_ms if configured is None else configured) * late,
    )
