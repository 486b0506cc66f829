"""Random batches, for tests of shapes and gradients."""

import torch

from configs.schema import Config
from interfaces.core.spaces import Spaces
from trainer.data.batch import Batch


def spaces_of(config: Config) -> Spaces:
    camera = config.world.camera
    return Spaces((camera.height, camera.width, 3), config.world.parameters, config.world.actions)


def random_batch(spaces: Spaces, size: tuple[int, int], first: tuple[int, int], seed: int) -> Batch:
    """A random batch of size (B, T); `first` is its only step with is_first."""
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


def training_batch(config: Config, seed: int = 0) -> Batch:
    """A random batch of the configured size; the step (0, 3) has is_first."""
    size = (config.trainer.batch, config.trainer.length)
    return random_batch(spaces_of(config), size, (0, 3), seed)
