"""Optimisers, guarded steps and running scales."""
