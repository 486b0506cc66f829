"""What a learned policy expects of whole episodes, from the starts it is looked at with."""

from collections.abc import Callable

import torch
from torch import Tensor

from agent.networks.agent_networks import Networks
from agent.networks.dynamics import State
from agent.networks.noise import TorchNoise
from agent.networks.patch_codec import to_patches
from configs.schema import Config
from interfaces.core.world import World


@torch.no_grad()
def starts(
    networks: Networks,
    config: Config,
    make_world: Callable[[int], World],
    episodes: int,
    first_seed: int,
) -> tuple[State, TorchNoise]:
    """Posteriors (episodes, ...) of the first observation of the worlds of first_seed + i, and the
    noise to dream on with."""
    noise = TorchNoise(torch.device("cpu"))
    noise.begin(config.seed, 0)
    images: list[Tensor] = []
    vectors: list[Tensor] = []
    for i in range(episodes):
        world = make_world(first_seed + i)
        seen = world.observe()
        images.append(torch.from_numpy(seen.image.copy()))
        vectors.append(torch.from_numpy(seen.vector.copy()))
        world.close()
    vector = torch.stack(vectors).unsqueeze(1)
    tokens = networks.encoder(to_patches(torch.stack(images)).unsqueeze(1), vector)
    lived = networks.dynamics.observe(
        tokens,
        torch.zeros(episodes, 1, networks.policy.num_actions),
        torch.ones(episodes, 1, dtype=torch.bool),
        networks.dynamics.initial(episodes),
        noise,
    ).state
    return State(*(part[:, 0] for part in lived)), noise


@torch.no_grad()
def dreamed_returns(
    networks: Networks, start: State, noise: TorchNoise, steps: int, *, sample: bool
) -> list[float]:
    """Undiscounted, of `steps` greedy steps from `start` (N, ...): each reward by how likely life
    still was. `sample`: f is sampled; else its mode is taken."""
    state = start
    weight = torch.ones(state.stoch.shape[0])
    total = torch.zeros_like(weight)
    for _ in range(steps):
        action = networks.policy.mode(state.feature)
        if sample:
            state = networks.dynamics.imagine_step(state, action, noise)
        else:
            state = networks.dynamics.expect_step(state, action)
        total += weight * networks.reward(state.feature)
        weight *= torch.sigmoid(networks.continues(state.feature).squeeze(-1))
    return [round(float(each), 3) for each in total]
