"""Which messages the simulated client accepts, and what its avatars send."""

import math

import pytest

from configs.standin import AvatarConfig, StandinConfig
from interfaces.osc.message import decode, encode
from interfaces.standin.client.parameters import OwnParameters
from interfaces.standin.core import StandinCore

SMALL = {"width": 64, "height": 64}


def test_known_tracking_messages_are_accepted_and_others_ignored() -> None:
    core = StandinCore(StandinConfig(**SMALL), 0)
    core.step(1, [encode("/tracking/eye/EyesClosedAmount", 0.5)])
    assert core.truth()["ignored"] == 0
    core.step(1, [encode("/tracking/nonsense", 0.5), encode("/tracking/eye/CenterPitchYaw", 0.5)])
    assert core.truth()["ignored"] == 2


def test_a_parameter_name_may_have_slashes_and_its_spaces_become_underscores() -> None:
    avatar = AvatarConfig(
        id="avtr_1", parameters={"Head Pat": "bool"}, contacts={"Contact/Receiver/Pat": {}}
    )
    core = StandinCore(StandinConfig(**SMALL, avatars=(avatar,)), 0)
    addresses = {address for d in core.step(60, []) for address, _ in decode(d)}
    assert {
        "/avatar/parameters/Head_Pat",
        "/avatar/parameters/Contact/Receiver/Pat",
    } <= addresses
    with pytest.raises(ValueError, match="pattern"):
        AvatarConfig(id="avtr_1", contacts={"Contact//Pat": {}})


def test_own_parameters_keep_vrchats_ranges() -> None:
    own = OwnParameters(
        AvatarConfig(id="a", parameters={"I": "int", "F": "float", "B": "bool"}, contacts={})
    )
    assert own.values == {"I": 0, "F": 0.0, "B": False}
    for name, value, stored in (
        ("I", 999, 255),
        ("I", -4, 0),
        ("I", 3.9, 3),
        ("F", -7.0, -1.0),
        ("F", 1, 1.0),
        ("B", 1, True),
        ("B", 0.0, False),
    ):
        assert own.receive(name, value)
        assert own.values[name] == stored
        assert type(own.values[name]) is type(stored)
    for name, value in (("X", 1), ("F", "1"), ("F", math.nan), ("I", math.inf)):
        assert own.receive(name, value) is False


@pytest.mark.parametrize(
    ("voice", "before", "after"), [("push_to_talk", True, False), ("push_to_mute", False, True)]
)
def test_push_to_talk_and_push_to_mute_act_while_voice_is_held(
    voice: str, before: bool, after: bool
) -> None:
    core = StandinCore(StandinConfig(**SMALL, voice=voice), 0)
    core.step(10, [])
    assert core.parameters["MuteSelf"] is before
    core.step(10, [encode("/input/Voice", 1)])
    assert core.parameters["MuteSelf"] is after
    core.step(10, [encode("/input/Voice", 0)])
    assert core.parameters["MuteSelf"] is before


def test_voice_and_viseme_are_zero_while_muted() -> None:
    def voice(core: StandinCore) -> tuple[object, ...]:
        return tuple(core.parameters[name] for name in ("MuteSelf", "Voice", "Viseme"))

    core = StandinCore(StandinConfig(**SMALL), 0)
    core.set_voice(0.5, 10)
    core.step(10, [])
    assert voice(core) == (True, 0.0, 0)
    core.step(10, [encode("/input/Voice", 1)])
    assert voice(core) == (False, 0.5, 10)
    core.set_voice(0.0, 0)
    core.step(1, [])
    assert voice(core) == (False, 0.0, 0)
