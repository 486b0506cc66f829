"""The PPO learner: its loss, when it updates, a resumed run, and that it learns."""

import numpy as np
import pytest
import torch

from agent.networks.agent_networks import (
    acting_shapes,
    build_method_networks,
    flatten_acting,
    view_acting,
)
from agent.networks.scalar_heads import NormalisedHead
from configs.errors import BadInput
from configs.load import load_config
from interfaces.core.step import Sender
from interfaces.journal import JournalReader
from interfaces.runtime.run_folder import create_run, open_run
from tests.conftest import ROOT
from tests.trainer.rollouts import policy_journal, random_rollout
from tests.worlds import PointWorld
from trainer.data.replay_buffer import ReplayBuffer
from trainer.evaluation.evaluate import evaluate
from trainer.learners.checkpoints import Checkpoint, Checkpoints
from trainer.learners.ppo import PPOLearner
from trainer.learners.restore import learner_tensors, restore_learner
from trainer.objectives.ppo_objective import rollout_advantages
from trainer.optim.optimizer import Optimizer
from trainer.running.lockstep import LockstepTrainer

CPU = torch.device("cpu")


class SGD(Optimizer):
    def _step(self, params, grads):
        torch._foreach_add_(params, grads, alpha=-self.lr)


@pytest.fixture
def config():
    return load_config(ROOT / "tests" / "point_ppo.yaml")


@pytest.fixture
def spaces(config):
    return PointWorld(config, 0).spaces


def with_rollout(config, steps):
    return config.model_copy(update={"ppo": config.ppo.model_copy(update={"rollout": steps})})


def test_the_loss_is_the_sum_of_policy_value_and_entropy_terms(config, spaces):
    """One SGD step from one minibatch, against a loss written out here."""
    config = config.model_copy(
        update={
            "ppo": config.ppo.model_copy(
                update={"epochs": 1, "lr": 0.1, "entropy": 0.1, "value_weight": 0.7}
            )
        }
    )
    learner, rollout = PPOLearner(spaces, config, CPU), random_rollout(spaces, 24, 2, (5,), (11,))
    expected = build_method_networks(spaces, config)
    learner.optimizers["ppo"] = SGD(learner.networks.parameters(), lr=0.1)
    learner.guarded_step._max_norm = 1e9
    metrics = learner.update(rollout)
    assert type(expected.value) is NormalisedHead
    feature, after = (
        expected.encoder(rollout.pair.image, rollout.pair.vector[:, i]) for i in (0, 1)
    )
    first, second = expected.policy.net(feature).chunk(2, -1)
    std = 0.9 * torch.sigmoid(second + 2) + 0.1
    normal = torch.distributions.Normal(torch.tanh(first), std)
    ratio = torch.exp(normal.log_prob(rollout.chosen).sum(-1) - rollout.log_prob)
    value = expected.value(feature)
    with torch.no_grad():
        pair = torch.stack([value, expected.value(after)], 1)
        advantage = rollout_advantages(rollout, pair, config.ppo.discount, config.ppo.lam)
        target = advantage + value
        advantage = (advantage - advantage.mean()) / advantage.std(correction=0)
    policy = -torch.minimum(ratio * advantage, ratio.clamp(0.8, 1.2) * advantage).mean()
    expected.value.adapt(target)
    error = 0.5 * ((expected.value(feature) - target) / expected.value.sigma).square().mean()
    (policy + 0.7 * error - 0.1 * normal.entropy().sum(-1).mean()).backward()
    torch.testing.assert_close(metrics["loss_policy"], policy.detach())
    torch.testing.assert_close(metrics["loss_value"], error.detach())
    for own, other in zip(learner.networks.parameters(), expected.parameters(), strict=True):
        step = 0.0 if other.grad is None else 0.1 * other.grad
        torch.testing.assert_close(own, other - step, rtol=1e-4, atol=1e-6)


def test_the_value_reaches_a_constant_return_of_minus_60_in_two_rollouts(config, spaces):
    learner = PPOLearner(spaces, config, CPU)
    for seed in range(2):
        rollout = random_rollout(spaces, 128, seed, terminal=tuple(range(128)))
        rollout.pair.reward[:, 1] = -60.0
        learner.update(rollout)
    with torch.no_grad():
        value = learner._values(rollout)[:, 0]
    assert (value + 60.0).abs().max() < 5.0


def test_a_run_without_the_setting_has_the_value_head_of_older_versions(config, spaces):
    older = config.model_copy(
        update={"ppo": config.ppo.model_copy(update={"normalize_value": False})}
    )
    names = [name for name, _ in acting_shapes(build_method_networks(spaces, older))]
    assert "value.mu" not in names
    assert not type(older.ppo)().normalize_value, "an older config.yaml lacks the key"
    PPOLearner(spaces, older, CPU).update(random_rollout(spaces, 64, 0))


def test_an_update_waits_for_a_rollout_of_its_version_and_uses_no_step_twice(
    config, spaces, tmp_path
):
    config = with_rollout(config, 16)
    changes = [(t, "weights_version", 2) for t in range(7)] + [(12, "sender", Sender.HUMAN)]
    changes += [(t, "weights_version", 4) for t in range(25, 60)]

    def lengths_with_an_update(version, lengths):
        learner = PPOLearner(spaces, config, CPU)
        learner.published(version)
        for length in lengths:
            reader = policy_journal(tmp_path / f"{version}-{length}", spaces, length, *changes)
            if learner.learn(ReplayBuffer(reader, spaces, config, CPU)) is not None:
                yield length
                learner.published(version + 1)

    # The first rollout is 7 to 23 without 12, the next one 25 to 40.
    assert list(lengths_with_an_update(3, range(10, 60))) == [25, 42, 59]
    assert list(lengths_with_an_update(9, range(10, 60, 7))) == []


def test_a_nan_skips_its_minibatches_and_no_others(config, spaces):
    learner, rollout = PPOLearner(spaces, config, CPU), random_rollout(spaces, 128, 3)
    rollout.log_prob[5] = float("nan")
    before = flatten_acting(learner.networks)
    learner.update(rollout)
    after = flatten_acting(learner.networks)
    assert np.isfinite(after).all()
    assert (after != before).any(), "the other minibatches change the weights"
    assert learner.guarded_step.skipped_updates == config.ppo.epochs
    assert "not finite" in learner.guarded_step.skip_reason


def test_the_acting_networks_are_encoder_policy_and_value(config, spaces):
    networks = build_method_networks(spaces, config)
    assert {name.split(".")[0] for name, _ in acting_shapes(networks)} == {
        "encoder",
        "policy",
        "value",
    }
    acting = view_acting(spaces, config, flatten_acting(networks))
    for (name, one), other in zip(networks.named_parameters(), acting.parameters(), strict=True):
        assert torch.equal(one, other), name


@pytest.mark.parametrize(
    ("overrides", "named"),
    [
        (["model.core=gru"], "model.core"),
        (["method=dreamer"], "model.core"),
        (["method=world_models"], "model.core"),
        (["reward.surprise=0.1"], "reward.surprise"),
        (["journal.max_steps=200", "ppo.rollout=200"], "ppo.rollout"),
    ],
)
def test_contradictory_settings_are_refused(overrides, named):
    with pytest.raises(BadInput, match=named.replace(".", r"\.")):
        load_config(ROOT / "configs" / "ppo.yaml", overrides)


def train(folder, config, steps, *, resume=False):
    if not resume:
        create_run(folder, config, "point", ROOT)
    run = open_run(folder)
    lockstep = LockstepTrainer(run, config, [PointWorld(config, config.seed)], resume=resume)
    lockstep.run(steps, lambda _: None, lambda: False)
    return run, lockstep.learner


def test_recorded_log_probabilities_are_those_of_the_current_policy(config, tmp_path):
    config = with_rollout(config, 500)
    run, learner = train(tmp_path / "run", config, 140)
    replay = ReplayBuffer(JournalReader(run.journal), PointWorld(config, 0).spaces, config, CPU)
    rollout = replay.rollout(replay.policy_steps(1, 0))
    assert len(rollout.reward) == 140 - 1 - 2, "all but the newest and two ends of episodes"
    feature = learner.networks.encoder(rollout.pair.image[:, 0], rollout.pair.vector[:, 0])
    params = learner.networks.policy.distribution_params(feature)
    log_prob, _ = learner.networks.policy.log_prob_and_entropy(params, rollout.chosen)
    torch.testing.assert_close(log_prob, rollout.log_prob, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("half", [100, 131])  # within a rollout, and just after an update
def test_a_resumed_run_is_bit_identical_to_an_uninterrupted_one(config, tmp_path, half):
    whole, one = train(tmp_path / "whole", config, 300)
    train(tmp_path / "half", config, half)
    resumed, other = train(tmp_path / "half", config, 300, resume=True)
    assert one.updates == other.updates == 2
    tensors, others = learner_tensors(one), learner_tensors(other)
    assert tensors.keys() == others.keys()
    for name, tensor in tensors.items():
        assert torch.equal(tensor, others[name]), name
    rows, other_rows = (JournalReader(run.journal).read(0, 300) for run in (whole, resumed))
    for field in rows.dtype.names:
        np.testing.assert_array_equal(rows[field], other_rows[field], err_msg=field)
    assert rows["weights_version"][-1] == 3


def test_a_restored_learner_continues_bit_identically(config, spaces, tmp_path):
    whole, half = (PPOLearner(spaces, config, CPU) for _ in range(2))
    for i in range(4):
        whole.update(random_rollout(spaces, 64, i))
    for i in range(2):
        half.update(random_rollout(spaces, 64, i))
    half.extra_state["ppo/learned_to"].fill_(77)
    Checkpoints(tmp_path, keep=2).save(Checkpoint(learner_tensors(half), 100, half.updates, 1))
    other = PPOLearner(spaces, config.model_copy(update={"seed": 99}), CPU)
    other._config = config  # other initial weights, the same settings
    restore_learner(other, Checkpoints(tmp_path, keep=2).newest())
    assert int(other.extra_state["ppo/learned_to"]) == 77
    for i in range(2, 4):
        other.update(random_rollout(spaces, 64, i))
    for name, tensor in whole.networks.state_dict().items():
        assert torch.equal(tensor, other.networks.state_dict()[name]), name


def test_the_return_reaches_42_of_50_in_1500_steps(config, tmp_path):
    run, learner = train(tmp_path / "run", config, 1500)
    make = lambda seed: PointWorld(config, seed)  # noqa: E731
    episodes = dict(episodes=10, seed=100)
    trained = evaluate(run, config, make, policy="greedy", **episodes)
    random = evaluate(run, config, make, policy="random", **episodes)
    print(f"trained {trained.return_mean:.2f} random {random.return_mean:.2f} of 50")
    assert learner.updates == 11
    assert trained.return_mean >= 42.0
    assert trained.return_mean >= random.return_mean + 10.0
