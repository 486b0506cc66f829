"""The bodies of people: parts on joints, so that they walk and raise their arms."""

import math
from dataclasses import dataclass

from interfaces.standin.geometry.meshes import Mesh, Vector, box, join, revolve, sphere
from interfaces.standin.geometry.solids import Colour
from interfaces.standin.picture.scene import DrawnAvatar

_SKIN: Colour = (0.98, 0.80, 0.66)
_TROUSERS: Colour = (0.20, 0.20, 0.24)
_EYES: Colour = (0.08, 0.06, 0.12)
# hair and shirt, by which a person can be recognised
_LOOKS: tuple[tuple[Colour, Colour], ...] = (
    ((0.98, 0.55, 0.75), (0.15, 0.25, 0.80)),
    ((0.20, 0.16, 0.14), (0.90, 0.25, 0.20)),
    ((0.95, 0.85, 0.45), (0.20, 0.65, 0.35)),
    ((0.55, 0.30, 0.15), (0.95, 0.75, 0.20)),
    ((0.45, 0.60, 0.95), (0.92, 0.92, 0.95)),
    ((0.85, 0.85, 0.90), (0.45, 0.20, 0.60)),
    ((0.80, 0.25, 0.15), (0.15, 0.60, 0.70)),
    ((0.30, 0.75, 0.55), (0.30, 0.30, 0.35)),
)
_STRIDES_PER_M = 1.2


@dataclass(frozen=True, slots=True)
class Part:
    """A mesh around its joint; `joint` is its position in a body that faces north, in metres."""

    name: str
    joint: Vector
    mesh: Mesh


def parts(look: int) -> list[Part]:
    """The parts of a person 1.65 m tall at the origin, facing north."""
    hair, shirt = _LOOKS[look % len(_LOOKS)]
    torso = join(
        revolve([(0.15, 0.72), (0.17, 0.95), (0.21, 1.25), (0.09, 1.34)], (0, 0, 0), shirt, 8),
        sphere((0.0, 0.0, 1.47), 0.17, _SKIN, 8, 6),
        sphere((0.0, -0.035, 1.53), 0.18, hair, 8, 6),
        box((0.0, -0.17, 0.95), (0.20, 0.08, 0.55), hair),
        box((-0.065, 0.125, 1.45), (0.035, 0.06, 0.055), _EYES),
        box((0.065, 0.125, 1.45), (0.035, 0.06, 0.055), _EYES),
    )
    leg = box((0.0, 0.0, -0.78), (0.15, 0.16, 0.80), _TROUSERS)
    arm = join(
        box((0.0, 0.0, -0.40), (0.11, 0.11, 0.44), shirt),
        box((0.0, 0.0, -0.72), (0.10, 0.10, 0.34), _SKIN),
    )
    return [
        Part("torso", (0.0, 0.0, 0.0), torso),
        Part("left_leg", (-0.10, 0.0, 0.78), leg),
        Part("right_leg", (0.10, 0.0, 0.78), leg),
        Part("left_arm", (-0.26, 0.0, 1.27), arm),
        Part("right_arm", (0.26, 0.0, 1.27), arm),
    ]


def swing_angles(avatar: DrawnAvatar) -> dict[str, float]:
    """Degrees by which each part swings forward around its joint."""
    step = 28.0 * math.sin(2.0 * math.pi * _STRIDES_PER_M * avatar.stride_m)
    walking, raised = 1.0 - avatar.arm, avatar.arm * avatar.swing_deg
    return {
        "left_leg": step * walking,
        "right_leg": -step * walking,
        "left_arm": -0.8 * step * walking + raised,
        "right_arm": 0.8 * step * walking + raised,
    }
