"""The registry of learning methods."""

import subprocess
import sys
from typing import get_args

import pytest
import torch

from agent.networks.agent_networks import Networks
from configs.load import load_config
from configs.methods import Method
from tests.conftest import ROOT
from tests.trainer.batches import spaces_of
from trainer.learners.registry import METHODS, make_learner


@pytest.mark.parametrize("method", get_args(Method))
def test_every_method_has_a_learner_with_the_registered_capabilities(method):
    preset = "tiny" if method == "dreamer" else method
    config = load_config(ROOT / "configs" / f"{preset}.yaml", [f"method={method}"])
    learner = make_learner(spaces_of(config), config, torch.device("cpu"))
    assert type(learner).__name__ == METHODS[method].learner.split(":")[1]
    assert isinstance(learner.networks, Networks) == METHODS[method].has_world_model


def test_a_learner_needs_only_its_own_module():
    code = (
        "import sys, torch; from pathlib import Path; from configs.load import load_config;"
        "from tests.trainer.batches import spaces_of;"
        "from trainer.learners.registry import make_learner;"
        "config = load_config(Path('configs/ppo.yaml'));"
        "make_learner(spaces_of(config), config, torch.device('cpu'));"
        "assert not {'cma', 'trainer.learners.world_models'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
