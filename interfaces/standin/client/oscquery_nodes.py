"""The client's OSC addresses as OSCQuery nodes: type, access and value of each."""

from collections.abc import Mapping

from configs.standin import BUILT_IN, AvatarConfig, ParameterType
from configs.world.standin_rays import ray_parameters
from interfaces.osc.oscquery import Node
from interfaces.standin.client.input import AXES, BUTTONS
from interfaces.standin.client.parameters import PREFIX, Value, type_of
from interfaces.standin.client.usercamera import PREFIX as CAMERA_PREFIX
from interfaces.standin.client.usercamera import TRIGGERS, UserCamera

READ, WRITE, BOTH = 1, 2, 3
_TYPES: dict[ParameterType, str] = {"bool": "T", "int": "i", "float": "f"}


def nodes(
    avatar: AvatarConfig,
    values: Mapping[str, Value],
    camera: UserCamera,
) -> list[Node]:
    """All nodes. `values`: avatar parameters by name; a parameter without a value has no node.

    So there are none before the avatar is loaded, as in VRChat. What can only be written has a
    value that says nothing: no program can read the inputs.
    """
    result = [Node("/avatar/change", "s", BOTH, (avatar.id,))]
    if "/avatar/eyeheight" in values:
        result += [
            Node("/avatar/eyeheight", "f", BOTH, (values["/avatar/eyeheight"],)),
            Node("/avatar/eyeheightmin", "f", READ, (0.2,)),
            Node("/avatar/eyeheightmax", "f", READ, (5.0,)),
            Node("/avatar/eyeheightscalingallowed", "T", READ, (True,)),
            Node("/avatar/avatarfullfacetracking", "T", READ, (False,)),
        ]
    for name in (*BUILT_IN, *avatar.parameters, *avatar.contacts):
        if name in values:
            access = BOTH if name in avatar.parameters else READ
            kind = _TYPES[type_of(name, avatar)]
            result.append(Node(PREFIX + name, kind, access, (values[name],)))
    result += [
        Node(PREFIX + name, _TYPES[kind], READ, (values[name],))
        for name, kind in ray_parameters(avatar.rays).items()
        if name in values
    ]
    result += [Node(f"/input/{name}", "f", WRITE, (0.0,)) for name in AXES]
    result += [Node(f"/input/{name}", "T", WRITE, (False,)) for name in BUTTONS]
    result += [
        Node("/chatbox/input", "sTT", WRITE, ("", False, False)),
        Node("/chatbox/typing", "T", WRITE, (False,)),
        # VRChat never sends the pose of its camera: the value is always 0.
        Node("/usercamera/Pose", "ffffff", BOTH, (0.0,) * 6),
    ]
    result += [Node(CAMERA_PREFIX + name, "T", WRITE, (False,)) for name in TRIGGERS]
    for name, value in camera.values.items():
        kind = "T" if isinstance(value, bool) else "i" if isinstance(value, int) else "f"
        result.append(Node(CAMERA_PREFIX + name, kind, BOTH, (value,)))
    return result
