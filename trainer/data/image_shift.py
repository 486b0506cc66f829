"""Random image shift: the augmentation of the pictures in a batch.

Shapes: B sequences, T steps, H and W pixels.
"""

import numpy as np
import torch


def shift_images(image: torch.Tensor, max_pixels: int, random: np.random.Generator) -> torch.Tensor:
    """Shifts each sequence of `image` (B, T, H, W, 3) by up to `max_pixels` in both directions.

    The edge pixels are repeated (Kostrikov 2020, DrQ). All T pictures of a sequence get the same
    shift, so that motion within the sequence is unchanged.
    """
    size, _, height, width, _ = image.shape
    if max_pixels == 0 or height == 0:
        return image
    down, right = random.integers(-max_pixels, max_pixels + 1, (2, size)).tolist()
    rows, columns = (torch.arange(n, device=image.device) for n in (height, width))
    shifted = torch.empty_like(image)
    for i in range(size):
        row, column = (
            (rows + down[i]).clamp(0, height - 1),
            (columns + right[i]).clamp(0, width - 1),
        )
        shifted[i] = image[i][:, row][:, :, column]
    return shifted
