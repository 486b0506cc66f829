"""Contacts and rays as messages that the 3D panel of Foxglove draws. For people only.

They are derived from the vector, which `/feeling` holds completely: a Step is complete without
them. Frame `avatar`: x is ahead, y is left, z is up, in metres; the origin is the avatar.
"""

import math
from typing import Any

import numpy as np
from foxglove_schemas_protobuf.Color_pb2 import Color
from foxglove_schemas_protobuf.LaserScan_pb2 import LaserScan
from foxglove_schemas_protobuf.Pose_pb2 import Pose
from foxglove_schemas_protobuf.Quaternion_pb2 import Quaternion
from foxglove_schemas_protobuf.SceneEntity_pb2 import SceneEntity
from foxglove_schemas_protobuf.SceneUpdate_pb2 import SceneUpdate
from foxglove_schemas_protobuf.SpherePrimitive_pb2 import SpherePrimitive
from foxglove_schemas_protobuf.Vector3_pb2 import Vector3
from numpy.typing import NDArray

from interfaces.core.sense_map import SenseKind, SenseMap, SenseReading

SENSE_TOPICS: dict[SenseKind, str] = {
    "contact": "/contacts",
    "players": "/rays/players",
    "world": "/rays/world",
}
FRAME = "avatar"
_UPRIGHT = Quaternion(w=1.0)
_SMALLEST_M, _LARGEST_M = 0.2, 1.0  # diameter of the ball of a contact
_NEAREST_M = 0.3  # so that the balls of a ring without a radius are beside each other


def sense_schemas(senses: SenseMap) -> dict[str, Any]:
    """The protobuf class of each topic that these senses have."""
    return {
        topic: SceneUpdate if kind == "contact" else LaserScan
        for kind, topic in SENSE_TOPICS.items()
        if senses.of_kind(kind)
    }


def encode_senses(senses: SenseMap, vector: NDArray[np.float32], wall_ns: int) -> dict[str, bytes]:
    """The messages of one Step by topic. `vector` is that of the Step, `wall_ns` its time."""
    readings: dict[SenseKind, list[SenseReading]] = {kind: [] for kind in SENSE_TOPICS}
    for reading in senses.readings(vector):
        readings[reading.sense.kind].append(reading)
    messages: dict[str, bytes] = {}
    for kind, topic in SENSE_TOPICS.items():
        if readings[kind]:
            encode = _balls if kind == "contact" else _scan
            messages[topic] = encode(readings[kind], max(0, wall_ns))
    return messages


def _scan(rays: list[SenseReading], wall_ns: int) -> bytes:
    """A point where each ray ends: at its full length for a miss. Unknown rays have NaN."""
    # LaserScan counts angles counterclockwise.
    first, last = (-math.radians(ray.sense.angle_deg) for ray in (rays[0], rays[-1]))
    ranges = [ray.distance_m if ray.known else math.nan for ray in rays]
    message = LaserScan(
        frame_id=FRAME,
        pose=Pose(orientation=_UPRIGHT),
        start_angle=first,
        end_angle=last,
        ranges=ranges,
    )
    message.timestamp.FromNanoseconds(wall_ns)
    return message.SerializeToString()


def _balls(contacts: list[SenseReading], wall_ns: int) -> bytes:
    """A ball at each contact: the nearer a person is, the larger and brighter. Grey: unknown."""
    entity = SceneEntity(id="contacts", frame_id=FRAME, frame_locked=True)
    entity.timestamp.FromNanoseconds(wall_ns)
    for sense, closeness, known in contacts:
        angle, at_m = math.radians(sense.angle_deg), max(_NEAREST_M, sense.centre_m)
        size = _SMALLEST_M + closeness * (_LARGEST_M - _SMALLEST_M)
        if known:
            color = Color(r=0.3 + 0.7 * closeness, g=0.2 + 0.6 * closeness, b=0.1, a=0.8)
        else:
            color = Color(r=0.5, g=0.5, b=0.5, a=0.3)
        place = Vector3(x=at_m * math.cos(angle), y=-at_m * math.sin(angle))
        entity.spheres.append(
            SpherePrimitive(
                pose=Pose(position=place, orientation=_UPRIGHT),
                size=Vector3(x=size, y=size, z=size),
                color=color,
            )
        )
    return SceneUpdate(entities=[entity]).SerializeToString()
