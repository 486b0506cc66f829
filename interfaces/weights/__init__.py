"""Weights: from the trainer to the body, through three slots in a mapped file."""

from interfaces.weights.publisher import WeightsWriter
from interfaces.weights.receiver import Applied, WeightsReader
from interfaces.weights.slots import Manifest, WeightsError
from interfaces.weights.versions import go_back, newest_applied, pin, unpin

__all__ = [
    "Applied",
    "Manifest",
    "WeightsError",
    "WeightsReader",
    "WeightsWriter",
    "go_back",
    "newest_applied",
    "pin",
    "unpin",
]
