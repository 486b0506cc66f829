"""Method dreamer: the settings are those of model, dream, actor, critic and trainer."""

from typing import Any

from configs.methods.method import LearningMethod

# Settings that no other method uses.
DREAMER_SETTINGS = frozenset(
    (
        *("model.normalize", "actor.cloning", "actor.cloning_by", "actor.smoothness"),
        *("actor.slow_rate", "critic.slow_rate"),
        *("critic.slow_weight", "critic.slow_target", "critic.replay_weight"),
        *("trainer.overshoot",),
    )
)


def _check(config: Any) -> None:
    trainer = config.trainer
    if trainer.overshoot > 0 and trainer.overshoot_steps >= trainer.length:
        raise ValueError(
            f"trainer.overshoot_steps {trainer.overshoot_steps} does not fit into "
            f"trainer.length {trainer.length}: use fewer steps, a longer sequence, or "
            "trainer.overshoot 0"
        )


DREAMER = LearningMethod(
    name="dreamer",
    learner="trainer.learners.dreamer:DreamerLearner",
    has_world_model=True,
    off_policy=True,
    uses_world_model_loss=True,
    adapts_value=lambda config: True,
    has_slow_policy=True,
    check=_check,
)
