"""Who speaks in the place is heard from where they are, and the agent's voice is told by OSC."""

import numpy as np
import pytest

from configs.standin import StandinConfig
from interfaces.devices.audio_device import NoSound
from interfaces.osc.message import encode
from interfaces.standin.core import StandinCore
from interfaces.standin.people import Person
from interfaces.standin.sound import sound_scene as hearing
from interfaces.standin.sound.mixer import mix

CONFIG = StandinConfig(place="plaza", people=3, speaker="any", width=64, height=64)


class Recorder:
    """In the loudspeaker's place: keeps the scenes. Sound itself is tested in test_sound."""

    def __init__(self, device: object, ambient: object = None) -> None:
        self.scenes: list[tuple[object, list[object]]] = []
        self.next_sample = 0

    def update(self, listener, sources) -> None:
        self.scenes.append((listener, sources))
        self.next_sample += 1600  # a picture at 30 a second

    def close(self) -> None: ...


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> hearing.Hearing:
    monkeypatch.setattr(hearing, "Speaker", Recorder)
    return hearing.Hearing(CONFIG, 0)


def beside_the_talker() -> StandinCore:
    core = StandinCore(CONFIG, 0)
    core.step(1, [])
    talker = next(i for i, each in enumerate(core.people) if each.nature == "talker")
    snapshot = core.snapshot()
    them = snapshot["people"][talker]
    snapshot["avatar"] |= {"x": them["x"] - 1.5, "z": them["z"], "heading_deg": 0.0}
    core.restore(snapshot)
    return core


def test_a_talker_is_heard_from_where_it_stands(heard: hearing.Hearing) -> None:
    core = beside_the_talker()
    for _ in range(60):
        core.step(2, [])
        heard.update(core)
    listener, sources = heard._speaker.scenes[-1]
    assert len(sources) == 1
    talker = next(each for each in core.people if each.nature == "talker")
    assert talker.bubble
    assert (sources[0].x, sources[0].z) == (talker.x, talker.z)
    sound = mix(listener, sources, sources[0].start_sample, 48_000)
    loud = np.abs(sound).max(axis=0)
    assert loud[1] > 2 * loud[0] > 0  # it stands to the right


def test_everybody_has_a_voice_of_their_own_and_keeps_it(heard: hearing.Hearing) -> None:
    ren, mio = (Person(name, "talker", 0, spoken=1) for name in ("Ren", "Mio"))
    assert np.array_equal(heard._said(ren), heard._said(ren))
    assert not np.array_equal(heard._said(ren), heard._said(mio))
    again = Person("Ren", "talker", 0, spoken=2)
    assert not np.array_equal(heard._said(ren), heard._said(again))


def test_a_microphone_that_cannot_be_had_leaves_no_loudspeaker_open(monkeypatch) -> None:
    opened: list[Recorder] = []

    class Closing(Recorder):
        def __init__(self, device: object, ambient: object = None) -> None:
            super().__init__(device)
            opened.append(self)
            self.closed = False

        def close(self) -> None:
            self.closed = True

    def none(device: object) -> None:
        raise NoSound("no such microphone")

    monkeypatch.setattr(hearing, "Speaker", Closing)
    monkeypatch.setattr(hearing, "Microphone", none)
    with pytest.raises(NoSound):
        hearing.Hearing(CONFIG.model_copy(update={"microphone": "none"}), 0)
    assert [each.closed for each in opened] == [True]


def test_it_speaks_once_each_time(heard: hearing.Hearing) -> None:
    core = beside_the_talker()
    for _ in range(60):
        core.step(2, [])
        heard.update(core)
    starts = {source.start_sample for _, sources in heard._speaker.scenes for source in sources}
    assert len(starts) == 1


def test_a_voice_is_told_unless_muted() -> None:
    core = StandinCore(StandinConfig(width=64, height=64), 0)
    core.hear(0.5, 10)
    core.step(10, [])
    assert (core.values["MuteSelf"], core.values["Voice"], core.values["Viseme"]) == (True, 0.0, 0)
    core.step(10, [encode("/input/Voice", 1)])
    assert (core.values["MuteSelf"], core.values["Voice"], core.values["Viseme"]) == (
        *(False, 0.5, 10),
    )
    core.hear(0.0, 0)
    core.step(1, [])
    assert (core.values["Voice"], core.values["Viseme"]) == (0.0, 0)


@pytest.mark.parametrize(
    ("voice", "before", "after"), [("push_to_talk", True, False), ("push_to_mute", False, True)]
)
def test_voice_can_be_pushed(voice: str, before: bool, after: bool) -> None:
    core = StandinCore(StandinConfig(width=64, height=64, voice=voice), 0)
    core.step(10, [])
    assert core.values["MuteSelf"] is before
    core.step(10, [encode("/input/Voice", 1)])
    assert core.values["MuteSelf"] is after
    core.step(10, [encode("/input/Voice", 0)])
    assert core.values["MuteSelf"] is before
