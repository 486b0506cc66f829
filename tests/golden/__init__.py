"""DreamerV3's own parts against tensors computed with the official code; see README.md."""
