"""The responses to situations that the configuration chooses, and those that are fixed."""

from configs.vrchat import SituationsConfig
from interfaces.core.world import Situation

CONFIGURABLE = (
    *(Situation.NO_FRAME, Situation.BLACK, Situation.FROZEN, Situation.MENU, Situation.AFK),
    *(Situation.STUCK, Situation.MUTED, Situation.AVATAR_CHANGE, Situation.WORLD_CHANGE),
    Situation.RESPAWN,
)
ALWAYS_RESTING = Situation.STOPPED | Situation.FORBIDDEN | Situation.NO_CLIENT
_NEVER_LEARNED = Situation.FENCED | Situation.PAUSED | Situation.FORGOTTEN | ALWAYS_RESTING


def situations_with(config: SituationsConfig, response: str) -> Situation:
    """The situations for which the configuration chooses `response`, as a bit mask."""
    mask = Situation.NONE
    for situation in CONFIGURABLE:
        if response in getattr(config, (situation.name or "").lower()):
            mask |= situation
    return mask


def excluded_from_learning(config: SituationsConfig) -> int:
    """The bits of a Step's `situation` that exclude the Step from learning."""
    return int(situations_with(config, "unlearned") | _NEVER_LEARNED)
