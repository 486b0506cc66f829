"""Faults on purpose: what a person loses, and how long it takes until all is safe."""
