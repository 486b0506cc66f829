"""Random image shift: one shift for each sequence, with repeated edges."""

import numpy as np
import torch

from trainer.data.image_shift import shift_images


def test_no_shift_returns_the_same_tensor():
    image = torch.zeros(4, 3, 8, 8, 3, dtype=torch.uint8)
    assert shift_images(image, 0, np.random.default_rng(0)) is image
    empty = torch.zeros(4, 3, 0, 0, 3, dtype=torch.uint8)
    assert shift_images(empty, 2, np.random.default_rng(0)) is empty


def test_a_sequence_has_one_shift_and_its_edge_is_repeated():
    image = torch.arange(4 * 3 * 8 * 8 * 3).reshape(4, 3, 8, 8, 3).to(torch.uint8)
    shifted = shift_images(image, 2, np.random.default_rng(0))
    down, right = np.random.default_rng(0).integers(-2, 3, (2, 4)).tolist()
    assert any(down)
    assert any(right)
    for i in range(4):
        for y in range(8):
            for x in range(8):
                from_y, from_x = (min(max(v, 0), 7) for v in (y + down[i], x + right[i]))
                assert torch.equal(shifted[i, :, y, x], image[i, :, from_y, from_x])
