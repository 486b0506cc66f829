"""PPO: its formulas against plain numpy, what it may learn from, that it learns, and resumes."""

import numpy as np
import pytest
import torch

from agent.networks.agent_networks import acting_shapes, build_for, flatten_acting, view_acting
from configs.errors import BadInput
from configs.load import load_config
from interfaces.core.step import Sender, step_dtype
from interfaces.core.world import Situation
from interfaces.journal import JournalReader, JournalWriter
from interfaces.runtime.run_folder import create_run, open_run
from tests.conftest import ROOT
from tests.worlds import PointWorld
from trainer.data.replay_buffer import Replay
from trainer.data.rollouts import Rollout, advantages, clipped_objective, normalised
from trainer.evaluation.evaluate import evaluate
from trainer.learners.ppo import PPOLearner
from trainer.optim.optimizer import Optimizer
from trainer.running.checkpoints import Checkpoint, Checkpoints, learner_tensors, restore_learner
from trainer.running.lockstep import Lockstep

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


def random_rollout(spaces, steps, seed, terminal=(), cut=()):
    random = np.random.default_rng(seed)
    goes_on = np.ones(steps, bool)
    goes_on[[*terminal, *cut, steps - 1]] = False
    is_terminal = np.zeros(steps, bool)
    is_terminal[list(terminal)] = True

    def normal(*shape):
        return torch.from_numpy(random.standard_normal(shape).astype(np.float32))

    return Rollout(
        image=torch.zeros(steps, 2, 0, 0, 3, dtype=torch.uint8),
        vector=normal(steps, 2, spaces.vector_size),
        chosen=normal(steps, spaces.num_actions),
        log_prob=normal(steps) - 1.5,
        reward=normal(steps),
        is_terminal=torch.from_numpy(is_terminal),
        goes_on=torch.from_numpy(goes_on),
    )


# --- formulas


def test_advantages_are_sums_of_discounted_errors_up_to_each_cut(spaces):
    steps, discount, lam = 12, 0.9, 0.8
    rollout = random_rollout(spaces, steps, 0, terminal=(3,), cut=(7,))
    value = torch.randn(steps, 2, generator=torch.Generator().manual_seed(1))
    found = advantages(rollout, value, discount, lam).numpy()
    reward, v = rollout.reward.numpy(), value.numpy()
    for t in range(steps):
        expected = 0.0
        for k in range(t, steps):
            after = 0.0 if k == 3 else discount * v[k, 1]
            expected += (discount * lam) ** (k - t) * (reward[k] + after - v[k, 0])
            if k in (3, 7):
                break
        assert found[t] == pytest.approx(expected, abs=1e-5), t


def test_the_clipped_objective_case_by_case():
    old = np.log(np.array([0.5, 0.5, 0.5, 0.5, 0.5]))
    new = np.log(np.array([0.9, 0.9, 0.2, 0.2, 0.55]))
    advantage = np.array([2.0, -2.0, 2.0, -2.0, 1.0])
    found = clipped_objective(*(torch.from_numpy(each) for each in (new, old, advantage)), 0.2)
    expected = [1.2 * 2, 1.8 * -2, 0.4 * 2, 0.8 * -2, 1.1]  # min of both, by hand
    np.testing.assert_allclose(found.numpy(), expected)


def test_nothing_pulls_where_the_ratio_has_gone_far_enough():
    new = torch.log(torch.tensor([0.9, 0.2, 0.9, 0.2])).requires_grad_()
    old, advantage = torch.log(torch.full((4,), 0.5)), torch.tensor([1.0, -1.0, -1.0, 1.0])
    clipped_objective(new, old, advantage, 0.2).sum().backward()
    torch.testing.assert_close(new.grad, torch.tensor([0.0, 0.0, -1.8, 0.4]))


def test_the_loss_is_what_the_paper_says(config, spaces):
    """One step of plain SGD from one minibatch, against a loss put together by hand."""
    config = config.model_copy(
        update={
            "ppo": config.ppo.model_copy(
                update={"epochs": 1, "lr": 0.1, "entropy": 0.1, "value_weight": 0.7}
            )
        }
    )
    learner, rollout = PPOLearner(spaces, config, CPU), random_rollout(spaces, 24, 2, (5,), (11,))
    by_hand = build_for(spaces, config)
    learner.optimizers["ppo"] = SGD(learner.networks.parameters(), lr=0.1)
    learner.descent._clip = 1e9
    metrics = learner.update(rollout)
    feature, after = (by_hand.encoder(rollout.image, rollout.vector[:, i]) for i in (0, 1))
    first, second = by_hand.policy.net(feature).chunk(2, -1)
    std = 0.9 * torch.sigmoid(second + 2) + 0.1
    normal = torch.distributions.Normal(torch.tanh(first), std)
    ratio = torch.exp(normal.log_prob(rollout.chosen).sum(-1) - rollout.log_prob)
    value = by_hand.value(feature)
    with torch.no_grad():
        pair = torch.stack([value, by_hand.value(after)], 1)
        advantage = advantages(rollout, pair, config.ppo.discount, config.ppo.lam)
        target = advantage + value
        advantage = (advantage - advantage.mean()) / advantage.std(correction=0)
    policy = -torch.minimum(ratio * advantage, ratio.clamp(0.8, 1.2) * advantage).mean()
    error = 0.5 * (value - target).square().mean()
    (policy + 0.7 * error - 0.1 * normal.entropy().sum(-1).mean()).backward()
    torch.testing.assert_close(metrics["loss_policy"], policy.detach())
    torch.testing.assert_close(metrics["loss_value"], error.detach())
    for own, other in zip(learner.networks.parameters(), by_hand.parameters(), strict=True):
        torch.testing.assert_close(own, other - 0.1 * other.grad, rtol=1e-4, atol=1e-6)


def test_advantages_are_normalised():
    found = normalised(torch.tensor([1.0, 2.0, 3.0, 10.0]))
    assert float(found.mean()) == pytest.approx(0.0, abs=1e-6)
    assert float(found.std(correction=0)) == pytest.approx(1.0, abs=1e-5)
    assert normalised(torch.full((3,), 5.0)).tolist() == [0.0, 0.0, 0.0]


# --- what it may learn from


def journal_of(folder, spaces, steps, *changes):
    """`steps` rows, the policy's and of version 3; `changes` are (row, field, value)."""
    writer = JournalWriter(folder, spaces, segment_steps=16, max_steps=1000, background=False)
    row = np.zeros((), step_dtype(spaces))
    for t in range(steps):
        row[...] = np.zeros((), row.dtype)
        row["weights_version"], row["sender"], row["is_first"] = 3, Sender.POLICY, t == 0
        row["vector"], row["chosen"], row["log_prob"] = t, 0.1 * t, -0.01 * t
        row["world_reward"] = 10 * t
        for at, field, value in changes:
            if at == t:
                row[field] = value
        writer.append(row)
    writer.close()
    return JournalReader(folder)


def test_only_what_the_weights_in_force_did_themselves_is_learned_from(config, spaces, tmp_path):
    reader = journal_of(
        tmp_path,
        spaces,
        40,
        *((t, "weights_version", 2) for t in range(4)),  # what older weights did
        (9, "sender", Sender.HUMAN),
        (10, "sender", Sender.SAFETY),
        (14, "is_last", True),  # cut: its action is masked
        (15, "is_first", True),
        (19, "is_last", True),
        (19, "is_terminal", True),
        (20, "is_first", True),
        (24, "situation", int(Situation.PAUSED)),  # nothing is known there
        (28, "is_first", True),  # a gap, unannounced: nothing says what came of 27
        (31, "vector", np.nan),
        (34, "world_reward", np.inf),
        (36, "weights_version", 4),
        (39, "weights_version", 3),  # the newest: not answered yet
    )
    replay = Replay(reader, spaces, config, CPU)
    found = replay.acted_by(3, 0)
    without = {0, 1, 2, 3, 9, 10, 14, 19, 23, 24, 27, 30, 31, 33, 34, 36, 39}
    assert found.tolist() == [t for t in range(40) if t not in without]
    assert replay.acted_by(3, 17).tolist() == [t for t in found.tolist() if t >= 17]
    assert replay.acted_by(2, 0).tolist() == [0, 1, 2, 3]
    assert replay.acted_by(5, 0).tolist() == []
    rollout = replay.rollout(found)
    at = {t: i for i, t in enumerate(found.tolist())}
    assert rollout.vector[at[8], :, 0].tolist() == [8.0, 9.0], "what a person did, seen from before"
    assert rollout.reward.tolist() == [10.0 * (t + 1) for t in found], "r of the row behind"
    torch.testing.assert_close(rollout.log_prob, torch.tensor(found * -0.01, dtype=torch.float32))
    torch.testing.assert_close(rollout.chosen[:, 0], torch.tensor(found * 0.1).float())
    assert [t for t in found if rollout.is_terminal[at[t]]] == [18]
    cut = [t for t in found if not rollout.goes_on[at[t]]]
    assert cut == [8, 13, 18, 22, 26, 29, 32, 35, 38]
    assert torch.isfinite(rollout.vector).all()
    assert torch.isfinite(rollout.reward).all()


def test_an_update_waits_for_a_rollout_of_its_own_and_uses_none_twice(config, spaces, tmp_path):
    config = config.model_copy(update={"ppo": config.ppo.model_copy(update={"rollout": 16})})
    changes = [(t, "weights_version", 2) for t in range(7)] + [(12, "sender", Sender.HUMAN)]
    changes += [(t, "weights_version", 4) for t in range(25, 60)]

    def learned_at(version, lengths):
        learner = PPOLearner(spaces, config, CPU)
        learner.published(version)
        for length in lengths:
            reader = journal_of(tmp_path / f"{version}-{length}", spaces, length, *changes)
            if learner.learn(Replay(reader, spaces, config, CPU)) is not None:
                yield length
                learner.published(version + 1)

    assert list(learned_at(3, range(10, 60))) == [25, 42, 59], "7 to 23 less 12; 25 to 40"
    assert list(learned_at(9, range(10, 60, 7))) == []


def test_one_absurd_number_costs_minibatches_not_the_weights(config, spaces):
    learner, rollout = PPOLearner(spaces, config, CPU), random_rollout(spaces, 128, 3)
    rollout.log_prob[5] = float("nan")
    before = flatten_acting(learner.networks)
    learner.update(rollout)
    after = flatten_acting(learner.networks)
    assert np.isfinite(after).all()
    assert (after != before).any(), "the other minibatches were learned from"
    assert learner.descent.left_out == config.ppo.epochs
    assert "not finite" in learner.descent.why


# --- networks


def test_the_body_sees_the_same_networks(config, spaces):
    networks = build_for(spaces, config)
    assert {name.split(".")[0] for name, _ in acting_shapes(networks)} == {
        "encoder",
        "policy",
        "value",
    }
    seen = view_acting(spaces, config, flatten_acting(networks))
    for (name, one), other in zip(networks.named_parameters(), seen.parameters(), strict=True):
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
def test_what_does_not_go_together_is_refused(overrides, named):
    with pytest.raises(BadInput, match=named.replace(".", r"\.")):
        load_config(ROOT / "configs" / "ppo.yaml", overrides)


# --- life


def live(folder, config, steps, *, resume=False):
    if not resume:
        create_run(folder, config, "point", ROOT)
    run = open_run(folder)
    lockstep = Lockstep(run, config, [PointWorld(config, config.seed)], resume=resume)
    lockstep.run(steps, lambda _: None, lambda: False)
    return run, lockstep.learner


def test_the_ratio_of_what_was_just_lived_is_one(config, tmp_path):
    config = config.model_copy(update={"ppo": config.ppo.model_copy(update={"rollout": 500})})
    run, learner = live(tmp_path / "run", config, 140)
    replay = Replay(JournalReader(run.journal), PointWorld(config, 0).spaces, config, CPU)
    rollout = replay.rollout(replay.acted_by(1, 0))
    assert len(rollout.reward) == 140 - 1 - 2, "all but the newest and two ends of episodes"
    feature = learner.networks.encoder(rollout.image[:, 0], rollout.vector[:, 0])
    intention = learner.networks.policy.intend(feature)
    log_prob, _ = learner.networks.policy.judge(intention, rollout.chosen)
    torch.testing.assert_close(log_prob, rollout.log_prob, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("half", [100, 131])  # in mid-rollout, and just behind an update
def test_a_resumed_life_is_the_unbroken_one_bit_for_bit(config, tmp_path, half):
    whole, one = live(tmp_path / "whole", config, 300)
    live(tmp_path / "half", config, half)
    resumed, other = live(tmp_path / "half", config, 300, resume=True)
    assert one.updates == other.updates == 2
    tensors, others = learner_tensors(one), learner_tensors(other)
    assert tensors.keys() == others.keys()
    for name, tensor in tensors.items():
        assert torch.equal(tensor, others[name]), name
    rows, other_rows = (JournalReader(run.journal).read(0, 300) for run in (whole, resumed))
    for field in rows.dtype.names:
        np.testing.assert_array_equal(rows[field], other_rows[field], err_msg=field)
    assert rows["weights_version"][-1] == 3


def test_a_restored_learner_learns_on_exactly(config, spaces, tmp_path):
    whole, half = (PPOLearner(spaces, config, CPU) for _ in range(2))
    for i in range(4):
        whole.update(random_rollout(spaces, 64, i))
    for i in range(2):
        half.update(random_rollout(spaces, 64, i))
    half.kept["ppo/learned_to"].fill_(77)
    Checkpoints(tmp_path, keep=2).save(Checkpoint(learner_tensors(half), 100, half.updates, 1))
    other = PPOLearner(spaces, config.model_copy(update={"seed": 99}), CPU)
    other._config = config  # another beginning, the same rules
    restore_learner(other, Checkpoints(tmp_path, keep=2).newest())
    assert int(other.kept["ppo/learned_to"]) == 77
    for i in range(2, 4):
        other.update(random_rollout(spaces, 64, i))
    for name, tensor in whole.networks.state_dict().items():
        assert torch.equal(tensor, other.networks.state_dict()[name]), name


def test_it_learns(config, tmp_path):
    run, learner = live(tmp_path / "run", config, 1500)
    make = lambda seed: PointWorld(config, seed)  # noqa: E731
    episodes = dict(episodes=10, seed=100)
    trained = evaluate(run, config, make, which="greedy", **episodes)
    floor = evaluate(run, config, make, which="random", **episodes)
    print(f"trained {trained.return_mean:.2f} random {floor.return_mean:.2f} of 50")
    assert learner.updates == 11
    assert trained.return_mean >= 42.0
    assert trained.return_mean >= floor.return_mean + 10.0
