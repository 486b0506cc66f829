"""Weights: the trainer publishes versions in a mapped file, the body receives them."""

from interfaces.weights.publisher import WeightsWriter
from interfaces.weights.receiver import Applied, WeightsReader
from interfaces.weights.slots import Manifest, WeightsError
from interfaces.weights.versions import discard_versions_from, newest_applied, pin, unpin

__all__ = [
    "Applied",
    "Manifest",
    "WeightsError",
    "WeightsReader",
    "WeightsWriter",
    "discard_versions_from",
    "newest_applied",
    "pin",
    "unpin",
]
