"""Imagined returns of a policy over whole episodes, from the starts of its evaluation."""

from collections.abc import Callable

import torch
from torch import Tensor

from agent.networks.agent_networks import Networks
from agent.networks.dynamics import LatentState
from agent.networks.noise import TorchNoise
from agent.networks.observing import filter_steps
from agent.networks.patch_codec import to_patches
from configs.schema import Config
from interfaces.core.world import World


@torch.no_grad()
def initial_states(
    networks: Networks,
    config: Config,
    make_world: Callable[[int], World],
    episodes: int,
    first_seed: int,
) -> tuple[LatentState, TorchNoise]:
    """Posteriors (episodes, ...) of the first observations, and the noise for their rollouts.

    Observation i comes from the world with seed first_seed + i.
    """
    noise = TorchNoise(torch.device("cpu"))
    noise.begin(config.seed, 0)
    images: list[Tensor] = []
    vectors: list[Tensor] = []
    for i in range(episodes):
        world = make_world(first_seed + i)
        observation = world.observe()
        images.append(torch.from_numpy(observation.image.copy()))
        vectors.append(torch.from_numpy(observation.vector.copy()))
        world.close()
    vector = torch.stack(vectors).unsqueeze(1)
    posterior = filter_steps(
        networks,
        to_patches(torch.stack(images)).unsqueeze(1),
        vector,
        None,
        torch.ones(episodes, 1, dtype=torch.bool),
        networks.dynamics.initial(episodes),
        noise,
    ).state
    return LatentState(*(part[:, 0] for part in posterior)), noise


@torch.no_grad()
def imagined_returns(
    networks: Networks, start: LatentState, noise: TorchNoise, steps: int, *, sample: bool
) -> list[float]:
    """Undiscounted returns of `steps` greedy steps from `start` (N, ...).

    Each reward is weighted by the probability that the episode has not ended. `sample` samples f;
    otherwise f gives its mode.
    """
    state = start
    weight = torch.ones(state.stoch.shape[0])
    total = torch.zeros_like(weight)
    for _ in range(steps):
        action = networks.policy.mode(state.feature)
        if sample:
            state = networks.dynamics.imagine_step(state, action, noise)
        else:
            state = networks.dynamics.predict_step(state, action)
        total += weight * networks.reward(state.feature)
        weight *= torch.sigmoid(networks.continues(state.feature).squeeze(-1))
    return [round(float(each), 3) for each in total]
