"""People are audible from where they are; each person has an own voice."""

import numpy as np
import pytest

from configs.standin import StandinConfig
from interfaces.devices.audio_device import NoSound
from interfaces.standin.core import StandinCore
from interfaces.standin.people import Person
from interfaces.standin.sound import sound_scene
from interfaces.standin.sound.mixer import mix
from interfaces.standin.sound.sound_scene import SoundScene

CONFIG = StandinConfig(place="plaza", people=3, speaker="any", width=64, height=64)


class RecordingSpeaker:
    """Replaces the loudspeaker and records the scenes."""

    def __init__(self, device: object, ambient: object = None) -> None:
        self.scenes: list[tuple[object, list[object]]] = []
        self.next_sample = 0
        self.closed = False

    def update(self, listener, sources) -> None:
        self.scenes.append((listener, sources))
        self.next_sample += 1600  # 30 pictures a second

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> SoundScene:
    monkeypatch.setattr(sound_scene, "Speaker", RecordingSpeaker)
    return SoundScene(CONFIG, 0)


def core_beside_talker() -> StandinCore:
    """The agent 1.5 m west of a talker, facing north."""
    core = StandinCore(CONFIG, 0)
    core.step(1, [])
    talker = next(i for i, each in enumerate(core.people) if each.nature == "talker")
    snapshot = core.snapshot()
    pose = snapshot["people"][talker]
    snapshot["avatar"] |= {"x": pose["x"] - 1.5, "z": pose["z"], "heading_deg": 0.0}
    core.restore(snapshot)
    return core


def run_two_seconds(core: StandinCore, scene: SoundScene) -> None:
    for _ in range(60):
        core.step(2, [])
        scene.update(core)


def test_a_talker_is_audible_from_its_position(scene: SoundScene) -> None:
    core = core_beside_talker()
    run_two_seconds(core, scene)
    listener, sources = scene._speaker.scenes[-1]
    assert len(sources) == 1
    talker = next(each for each in core.people if each.nature == "talker")
    assert talker.bubble
    assert (sources[0].x, sources[0].z) == (talker.x, talker.z)
    sound = mix(listener, sources, sources[0].start_sample, 48_000)
    left, right = np.abs(sound).max(axis=0)
    assert right > 2 * left > 0  # the talker is to the right


def test_each_person_has_an_own_voice_with_several_phrases(scene: SoundScene) -> None:
    ren, mio = (Person(name, "talker", 0, spoken=1) for name in ("Ren", "Mio"))
    assert np.array_equal(scene._phrase_of(ren), scene._phrase_of(ren))
    assert not np.array_equal(scene._phrase_of(ren), scene._phrase_of(mio))
    again = Person("Ren", "talker", 0, spoken=2)
    assert not np.array_equal(scene._phrase_of(ren), scene._phrase_of(again))


def test_a_missing_microphone_leaves_no_loudspeaker_open(monkeypatch) -> None:
    opened: list[RecordingSpeaker] = []

    def speaker(device: object, ambient: object = None) -> RecordingSpeaker:
        opened.append(RecordingSpeaker(device))
        return opened[-1]

    def microphone(device: object) -> None:
        raise NoSound("no such microphone")

    monkeypatch.setattr(sound_scene, "Speaker", speaker)
    monkeypatch.setattr(sound_scene, "Microphone", microphone)
    with pytest.raises(NoSound):
        SoundScene(CONFIG.model_copy(update={"microphone": "none"}), 0)
    assert [each.closed for each in opened] == [True]


def test_a_phrase_begins_once(scene: SoundScene) -> None:
    core = core_beside_talker()
    run_two_seconds(core, scene)
    starts = {source.start_sample for _, sources in scene._speaker.scenes for source in sources}
    assert len(starts) == 1


def test_another_place_is_silent_until_its_people_speak(scene: SoundScene) -> None:
    core = core_beside_talker()
    run_two_seconds(core, scene)
    core.trigger_event("world_load")
    core.step(301, [])
    scene.update(core)
    assert not any(person.spoken for person in core.people)
    assert scene._speaker.scenes[-1][1] == []
    assert not scene._spoken, "the table does not grow with the number of places"
