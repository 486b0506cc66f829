"""Losses, returns and imagined rollouts as free functions."""
