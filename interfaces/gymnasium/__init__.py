"""Gymnasium and DeepMind Control environments as Worlds in lockstep."""
