"""Sequences of noise, for tests that care for shapes and gradients, not for meaning."""

import torch

from configs.schema import Config
from interfaces.core.spaces import Spaces
from trainer.objectives.losses import Batch


def spaces_of(config: Config) -> Spaces:
    camera = config.world.camera
    return Spaces((camera.height, camera.width, 3), config.world.parameters, config.world.actions)


def random_batch(spaces: Spaces, size: tuple[int, int], first: tuple[int, int], seed: int) -> Batch:
    """size (B, T); `first` is the one step that begins something new."""
    generator = torch.Generator().manual_seed(seed)
    is_first = torch.zeros(size, dtype=torch.bool)
    is_first[first] = True
    return Batch(
        torch.randint(0, 255, (*size, *spaces.image_shape), dtype=torch.uint8, generator=generator),
        torch.randn(*size, spaces.vector_size, generator=generator),
        torch.randn(*size, generator=generator),
        is_first,
        torch.zeros(size, dtype=torch.bool),
        torch.zeros(size, dtype=torch.bool),
    )
