"""A new run with the networks of another run: what is copied, what is named, what is refused."""

import dataclasses
import hashlib
import json
import zlib

import numpy as np
import pytest
import torch

from agent.acting.brain import select_actions
from agent.networks.agent_networks import acting_items, build_method_networks
from agent.networks.noise import CounterNoise
from configs.errors import BadInput
from configs.load import load_config
from configs.world.ray_sense import RaysConfig
from interfaces.core.world import Observation
from interfaces.runtime.run_folder import create_run, open_run
from interfaces.vrchat.vrchat_world import vrchat_spaces
from tests.conftest import ROOT
from tests.trainer.batches import random_batch
from tests.trainer.rollouts import random_rollout
from trainer.learners.checkpoints import Checkpoint, CheckpointError, Checkpoints
from trainer.learners.ppo import PPOLearner
from trainer.learners.registry import make_learner
from trainer.learners.restore import learner_tensors
from trainer.learners.start_from import start_from
from trainer.learners.tensor_axes import TensorAxes
from trainer.learners.transfer import transfer
from trainer.running.learner_setup import set_up_learner

CPU = torch.device("cpu")


def with_world(config, **changes):
    return config.model_copy(update={"world": config.world.model_copy(update=changes)})


def trained(config):
    """A learner after two updates."""
    spaces = vrchat_spaces(config.world)
    learner = make_learner(spaces, config, CPU)
    for seed in range(2):
        learner.update(random_batch(spaces, (4, 8), (0, 3), seed))
    return learner


@pytest.fixture(scope="module")
def config():
    return load_config(ROOT / "configs" / "tiny.yaml", ["model.normalize=true"])


@pytest.fixture(scope="module")
def learner(config):
    return trained(config)


@pytest.fixture
def source(config, learner, tmp_path):
    """A run with one checkpoint, of step 100 and weights version 3."""
    run = create_run(tmp_path / "source", config, "tiny", ROOT)
    Checkpoints(run.checkpoints, keep=2).save(Checkpoint(learner_tensors(learner), 100, 2, 3))
    return run


def started(config, source, folder, *, spaces=None):
    """(learner, lines) of a new run that starts from `source`."""
    run = create_run(folder, config, "tiny", ROOT)
    spaces = spaces or vrchat_spaces(config.world)
    lines = start_from(run, config, spaces, source.path)
    setup = set_up_learner(run, config, spaces, resume=False)
    assert setup.restored is None, "the run is new"
    return setup.learner, lines


def decisions(networks, spaces, steps=5):
    """Most likely actions of `steps` random observations, in the order of the actions' names."""
    rng, actions = np.random.default_rng(0), [action.name for action in spaces.actions]
    state, result = networks.dynamics.initial(1), []

    def number(name, step):
        return np.random.default_rng([zlib.crc32(name.encode()), step]).standard_normal()

    for i in range(steps):
        vector = [number(name, i) for name in (*spaces.features, *actions)]
        image = rng.integers(0, 255, (64, 64, 3), np.uint8)
        height, width, _ = spaces.image_shape
        observation = Observation(
            image=np.ascontiguousarray(image[:height, :width]),
            vector=np.array(vector, np.float32),
            is_first=i == 0,
        )
        noise = CounterNoise(0, i)
        state, action = select_actions(networks, state, [observation], noise, explore=False)
        result.append(action[0][np.argsort(actions)])
    return np.array(result)


def test_equal_spaces_copy_every_tensor_and_the_optimisers(config, learner, source, tmp_path):
    other = config.model_copy(update={"seed": 99})
    new, lines = started(other, source, tmp_path / "new")
    for (name, own), (_, theirs) in zip(
        acting_items(new.networks), acting_items(learner.networks), strict=True
    ):
        assert torch.equal(own, theirs), name
    saved, tensors = learner_tensors(learner), learner_tensors(new)
    assert saved.keys() == tensors.keys()
    for name, tensor in saved.items():
        assert torch.equal(tensor, tensors[name]) or not name.startswith(("network", "optimizer"))
    assert new.updates == 0
    assert "everything matches" in lines[-1]
    spaces = vrchat_spaces(config.world)
    same = decisions(new.networks, spaces), decisions(learner.networks, spaces)
    np.testing.assert_array_equal(*same)
    origin = json.loads((tmp_path / "new" / "meta.json").read_text(encoding="utf-8"))["from"]
    assert origin == {"path": str(source.path), "step": 100, "update": 2, "version": 3}


def test_presets_vrchat_and_default_observe_and_act_alike():
    default, vrchat = (load_config(ROOT / "configs" / f"{n}.yaml") for n in ("default", "vrchat"))
    assert vrchat_spaces(default.world) == vrchat_spaces(vrchat.world)
    assert default.model == vrchat.model


def test_features_and_actions_in_another_order_give_the_same_decisions(
    config, learner, source, tmp_path
):
    world = config.world
    reordered = with_world(
        config, parameters=world.parameters[::-1], actions=world.actions[2:] + world.actions[:2]
    )
    new, lines = started(reordered.model_copy(update={"seed": 9}), source, tmp_path / "new")
    assert sum("in another order" in line for line in lines) == 2
    assert "not copied" in lines[-1]
    expected = decisions(learner.networks, vrchat_spaces(world))
    assert np.ptp(expected, axis=0).max() > 1e-4, "the actions vary"
    own = decisions(new.networks, vrchat_spaces(reordered.world))
    np.testing.assert_allclose(own, expected, atol=1e-5)
    vector = new.networks.decoder.vector[-1].bias.detach()
    theirs = learner.networks.decoder.vector[-1].bias.detach()
    count = len(world.parameters)
    torch.testing.assert_close(vector[:count], theirs[:count].flip(0))


def test_a_new_feature_is_named_and_does_not_change_the_decisions(
    config, learner, source, tmp_path
):
    more = with_world(config, parameters=("YumeNear0", *config.world.parameters))
    new, lines = started(more, source, tmp_path / "new")
    assert [line for line in lines if line.startswith("feature")] == [
        "feature YumeNear0: not in the source; newly initialised"
    ]
    felt = new.networks.encoder.felt
    assert felt.square[0] == felt.weight[0] > 0, "the new number is not amplified"
    expected = decisions(learner.networks, vrchat_spaces(config.world))
    own = decisions(new.networks, vrchat_spaces(more.world))
    np.testing.assert_allclose(own, expected, atol=1e-5)
    weight = new.networks.encoder.vector[0].linear.weight
    assert torch.equal(weight[:, 1:], learner.networks.encoder.vector[0].linear.weight)
    assert not weight[:, 0].any()
    new.update(random_batch(vrchat_spaces(more.world), (4, 8), (0, 3), 5))
    assert new.networks.encoder.vector[0].linear.weight[:, 0].any(), "it learns"


def test_added_rays_share_one_line_and_do_not_change_the_decisions(
    config, learner, source, tmp_path
):
    more = with_world(config, rays=RaysConfig(mode="on"))
    new, lines = started(more, source, tmp_path / "new")
    assert [line for line in lines if line.startswith("feature")] == [
        "features YumeRayP0, YumeRayP1, …, YumeRayW23_Known (128): not in the source; newly "
        "initialised"
    ]
    expected = decisions(learner.networks, vrchat_spaces(config.world))
    own = decisions(new.networks, vrchat_spaces(more.world))
    np.testing.assert_allclose(own, expected, atol=1e-5)


def test_another_picture_size_begins_its_encoder_anew(config, learner, source, tmp_path):
    camera = config.world.camera
    smaller = camera.model_copy(update={"height": camera.height // 2, "width": camera.width // 2})
    changed = with_world(config, camera=smaller).model_copy(update={"seed": 5})
    new, lines = started(changed, source, tmp_path / "new")
    assert sum(line.startswith("picture: ") for line in lines) == 1
    initial = build_method_networks(vrchat_spaces(changed.world), changed)
    own, fresh = new.networks.state_dict(), initial.state_dict()
    theirs = learner.networks.state_dict()
    assert torch.equal(own["encoder.convolutions.0.weight"], fresh["encoder.convolutions.0.weight"])
    for name in ("encoder.vector.0.linear.weight", "dynamics.core.gates.weight"):
        assert torch.equal(own[name], theirs[name]), name
    columns, units = own["dynamics.posterior_from_tokens.weight"], config.model.units
    assert torch.equal(
        columns[:, :units], theirs["dynamics.posterior_from_tokens.weight"][:, :units]
    )
    assert not columns[:, units:].any()


def test_an_action_of_another_kind_is_not_the_same_action(config, learner):
    spaces = vrchat_spaces(config.world)
    first = spaces.actions[0]
    kind = "press" if first.kind == "axis" else "axis"
    actions = (first.model_copy(update={"kind": kind}), *spaces.actions[1:])
    other = dataclasses.replace(spaces, actions=actions)
    own = build_method_networks(other, config.model_copy(update={"seed": 4})).state_dict()
    moved = transfer(
        own, learner.networks.state_dict(), TensorAxes(other, config), TensorAxes(spaces, config)
    )
    assert f"action {first.name}: another kind or group in the source" in " ".join(moved.notes)
    name = f"policy.net.{len(learner.networks.policy.net) - 1}.weight"
    assert torch.equal(moved.tensors[name][0], own[name][0])
    assert torch.equal(moved.tensors[name][1], learner.networks.state_dict()[name][1])


def test_other_network_sizes_are_named_and_nothing_in_common_is_refused(config, source, tmp_path):
    model = config.model.model_copy(update={"units": 24, "deter": 40})
    larger = config.model_copy(update={"model": model})
    _, lines = started(larger, source, tmp_path / "larger")
    assert "model.units: 24 here" in " ".join(lines)
    assert any(line.startswith("dynamics: ") for line in lines)
    model = model.model_copy(update={"depth": config.model.depth * 2, "stoch": 3})
    nothing = config.model_copy(update={"model": model})
    run = create_run(tmp_path / "nothing", nothing, "tiny", ROOT)
    with pytest.raises(BadInput, match=r"nothing .*matches.*model\.units: 24 here"):
        start_from(run, nothing, vrchat_spaces(nothing.world), source.path)
    assert not run.checkpoints.exists()


def test_a_wrong_source_is_refused_and_left_unchanged(config, source, tmp_path):
    spaces, run = vrchat_spaces(config.world), create_run(tmp_path / "new", config, "tiny", ROOT)
    with pytest.raises(BadInput, match=r"absent is not a run"):
        start_from(run, config, spaces, tmp_path / "absent")
    empty = create_run(tmp_path / "empty", config, "tiny", ROOT)
    with pytest.raises(CheckpointError, match="no checkpoint"):
        start_from(run, config, spaces, empty.path)
    assert not empty.checkpoints.exists(), "the source is only read"
    ppo = load_config(ROOT / "configs" / "ppo.yaml")
    with pytest.raises(BadInput, match="its method is dreamer, but this run has ppo"):
        start_from(run, ppo, spaces, source.path)
    before = hashes(source.path)
    start_from(run, config, spaces, source.path, publish=True)
    assert hashes(source.path) == before


def hashes(folder):
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_ppo_without_memory_keeps_its_decisions_in_another_order():
    ppo = load_config(
        ROOT / "configs" / "ppo.yaml", ["world.camera.width=16", "world.camera.height=16"]
    )
    spaces = vrchat_spaces(ppo.world)
    learner = PPOLearner(spaces, ppo, CPU)
    blind = dataclasses.replace(spaces, image_shape=(0, 0, 3))
    learner = PPOLearner(blind, ppo, CPU)
    learner.update(random_rollout(blind, 64, 0))
    turned = dataclasses.replace(blind, features=blind.features[::-1])
    own = build_method_networks(turned, ppo.model_copy(update={"seed": 3}))
    moved = transfer(
        own.state_dict(),
        learner.networks.state_dict(),
        TensorAxes(turned, ppo),
        TensorAxes(blind, ppo),
    )
    own.load_state_dict(moved.tensors)
    expected = decisions(learner.networks, blind)
    np.testing.assert_allclose(decisions(own, turned), expected, atol=1e-5)


def test_a_resumed_run_continues_from_its_own_checkpoints(config, source, tmp_path):
    new, _ = started(config, source, tmp_path / "new")
    run, spaces = open_run(tmp_path / "new"), vrchat_spaces(config.world)
    again = set_up_learner(run, config, spaces)
    assert again.restored is None, "without an own checkpoint it starts from the source again"
    new.update(random_batch(spaces, (4, 8), (0, 3), 5))
    Checkpoints(run.checkpoints, keep=2).save(Checkpoint(learner_tensors(new), 50, 1, 1))
    assert set_up_learner(run, config, spaces).restored.steps == 50
