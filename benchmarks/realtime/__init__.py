"""Timing and memory of a live run: tick, input release, VRChat connection, and its parts."""
