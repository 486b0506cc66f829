"""Batches from the journal: replay buffer, rollouts and train ratio."""
