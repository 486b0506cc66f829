"""The other avatar's body: parts that hang on joints, so that it walks and raises its arms."""

import math
from dataclasses import dataclass

from interfaces.standin.geometry import Colour, View
from interfaces.standin.meshes import Mesh, Vector, box, join, revolve, sphere

_SKIN: Colour = (0.98, 0.80, 0.66)
_HAIR: Colour = (0.98, 0.55, 0.75)
_SHIRT: Colour = (0.15, 0.25, 0.80)
_TROUSERS: Colour = (0.20, 0.20, 0.24)
_EYES: Colour = (0.08, 0.06, 0.12)
_STRIDES_PER_M = 1.2


@dataclass(frozen=True, slots=True)
class Part:
    """A mesh around its joint, and where the joint is in the body (metres; it faces north)."""

    name: str
    joint: Vector
    mesh: Mesh


def parts() -> list[Part]:
    """The parts of a person 1.65 m tall that stands at the origin and looks north."""
    torso = join(
        revolve([(0.15, 0.72), (0.17, 0.95), (0.21, 1.25), (0.09, 1.34)], (0, 0, 0), _SHIRT, 10),
        sphere((0.0, 0.0, 1.47), 0.17, _SKIN, 10),
        sphere((0.0, -0.035, 1.53), 0.18, _HAIR, 10),
        box((0.0, -0.17, 0.95), (0.20, 0.08, 0.55), _HAIR),
        box((-0.065, 0.125, 1.45), (0.035, 0.06, 0.055), _EYES),
        box((0.065, 0.125, 1.45), (0.035, 0.06, 0.055), _EYES),
    )
    leg = box((0.0, 0.0, -0.78), (0.15, 0.16, 0.80), _TROUSERS)
    arm = join(
        box((0.0, 0.0, -0.30), (0.11, 0.11, 0.34), _SHIRT),
        box((0.0, 0.0, -0.58), (0.10, 0.10, 0.30), _SKIN),
    )
    return [
        Part("torso", (0.0, 0.0, 0.0), torso),
        Part("left_leg", (-0.10, 0.0, 0.78), leg),
        Part("right_leg", (0.10, 0.0, 0.78), leg),
        Part("left_arm", (-0.26, 0.0, 1.27), arm),
        Part("right_arm", (0.26, 0.0, 1.27), arm),
    ]


def swings(view: View) -> dict[str, float]:
    """Degrees each part is swung forward about its joint."""
    step = 28.0 * math.sin(2.0 * math.pi * _STRIDES_PER_M * view.other_stride)
    walking = 1.0 - view.other_arm
    return {
        "left_leg": step * walking,
        "right_leg": -step * walking,
        "left_arm": -0.8 * step * walking + 105.0 * view.other_arm,
        "right_arm": 0.8 * step * walking + 125.0 * view.other_arm,
    }
