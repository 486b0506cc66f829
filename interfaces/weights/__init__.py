"""Weights: from the trainer to the body, through three slots in a mapped file."""

from interfaces.weights.kept import go_back, newest_applied, pin, unpin
from interfaces.weights.layout import Manifest, WeightsError
from interfaces.weights.reader import Applied, WeightsReader
from interfaces.weights.writer import WeightsWriter

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
