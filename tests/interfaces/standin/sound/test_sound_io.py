"""Level and viseme of sound, and loudspeaker and microphone with a simulated PortAudio."""

import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from interfaces.devices.audio_device import NoSound
from interfaces.standin.sound.mixer import Listener, Mixer, Source
from interfaces.standin.sound.sound_io import Microphone, Speaker, level_of, viseme_of
from interfaces.standin.sound.voice_synthesis import VOWELS_HZ, babble

RATE = 48000


def tone(hertz: float, peak: float, seconds: float = 0.05) -> np.ndarray:
    angle = 2.0 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE
    return (peak * np.sin(angle)).astype(np.float32)


def vowel(name: str, pitch_hz: float) -> np.ndarray:
    """Pulses through three resonators."""
    sound, ring_s = np.zeros(RATE // 4), np.arange(RATE // 20) / RATE
    for at in range(0, sound.size - ring_s.size, round(RATE / pitch_hz)):
        for hertz, share in zip(VOWELS_HZ[name], (1.0, 0.6, 0.3), strict=True):
            ring = np.exp(-300.0 * ring_s) * np.sin(2.0 * np.pi * hertz * ring_s)
            sound[at : at + ring.size] += share * ring
    return (0.3 * sound / np.abs(sound).max())[4800:7200].astype(np.float32)


@pytest.mark.parametrize(
    ("peak", "level"), [(0.0, 0.0), (0.004, 0.0), (0.1, 0.2828), (0.2, 0.5657), (0.9, 1.0)]
)
def test_the_level_follows_the_loudness(peak: float, level: float) -> None:
    assert level_of(tone(440.0, peak)) == pytest.approx(level, abs=1e-3)
    assert level_of(np.zeros(0, np.float32)) == 0.0


@pytest.mark.parametrize(
    ("hertz", "viseme"),
    [(120, 8), (300, 14), (440, 14), (560, 13), (800, 10), (4000, 6), (8000, 7)],
)
def test_the_viseme_of_a_tone_depends_on_its_frequency(hertz: float, viseme: int) -> None:
    assert viseme_of(tone(hertz, 0.2), RATE) == viseme
    assert viseme_of(tone(hertz, 0.002), RATE) == 0


@pytest.mark.parametrize(
    ("name", "viseme"), [("a", 10), ("e", 11), ("i", 12), ("o", 13), ("u", 14)]
)
def test_each_vowel_has_its_viseme(name: str, viseme: int) -> None:
    assert [viseme_of(vowel(name, hertz), RATE) for hertz in (110.0, 140.0)] == [viseme] * 2


def test_a_synthetic_voice_has_many_visemes() -> None:
    voice = babble(1, 3.0)
    visemes = {viseme_of(voice[at : at + 2400], RATE) for at in range(0, voice.size - 2400, 800)}
    assert {0, 10, 13, 14} <= visemes <= set(range(15))
    assert {11, 12} & visemes


class SimulatedStream:
    """The part of a PortAudio stream that is used; the test calls the callback."""

    latency = 0.06

    def __init__(self, **settings: Any) -> None:
        self.settings, self.closed, self.active = settings, False, False

    def start(self) -> None:
        if self.settings["samplerate"] != RATE:
            raise RuntimeError("Invalid sample rate")
        self.active = True

    def abort(self) -> None:
        assert not self.closed
        self.active = False

    def close(self) -> None:
        assert not self.closed
        self.closed = True

    def call(self, block: np.ndarray, *, xrun: bool = False) -> np.ndarray:
        status = SimpleNamespace(output_underflow=xrun, input_overflow=xrun)
        self.settings["callback"](block, len(block), None, status)
        return block


@pytest.fixture
def streams(monkeypatch: pytest.MonkeyPatch) -> list[SimulatedStream]:
    """Every stream that was opened."""
    opened: list[SimulatedStream] = []

    def open_stream(**settings: Any) -> SimulatedStream:
        opened.append(SimulatedStream(**settings))
        return opened[-1]

    device = {
        "index": 0,
        "name": "simulated",
        "hostapi": 0,
        "max_input_channels": 2,
        "max_output_channels": 2,
    }
    portaudio = SimpleNamespace(
        query_hostapis=lambda: [{"name": "ALSA"}],
        query_devices=lambda: [device],
        InputStream=open_stream,
        OutputStream=open_stream,
        PortAudioError=RuntimeError,
    )
    monkeypatch.setitem(sys.modules, "sounddevice", portaudio)
    return opened


def test_the_speaker_plays_the_mix_of_the_newest_scene(streams: list[SimulatedStream]) -> None:
    speaker, mixer, sound = Speaker("simulated"), Mixer(), tone(440.0, 0.5, 1.0)
    scenes = [(Listener(0.0, 0.0, 0.0), [])] + [
        (Listener(0.0, 0.0, 30.0 * i), [Source(-1.0, 2.0, sound, 480)]) for i in range(4)
    ]
    assert speaker.next_sample == 480
    for i, (listener, sources) in enumerate(scenes):
        speaker.update(listener, sources)
        played = streams[0].call(np.ones((480, 2), np.float32), xrun=i == 2)
        np.testing.assert_array_equal(played, mixer.mix(listener, sources, 480 * i, 480))
    assert speaker.next_sample == 480 * 6
    assert speaker.xruns == 1
    assert speaker.alive
    speaker.close()
    speaker.close()
    assert not speaker.alive


def test_a_failed_mixer_is_silent_and_the_next_update_raises(
    streams: list[SimulatedStream],
) -> None:
    speaker, listener = Speaker("simulated"), Listener(0.0, 0.0, 0.0)
    speaker.update(listener, [None])  # type: ignore[list-item]
    assert not streams[0].call(np.ones((480, 2), np.float32)).any()
    with pytest.raises(RuntimeError, match="mixer failed"):
        speaker.update(listener, [])


def test_the_microphone_measures_the_newest_twentieth_of_a_second(
    streams: list[SimulatedStream],
) -> None:
    microphone = Microphone("simulated")
    assert (microphone.level(), microphone.viseme()) == (0.0, 0)
    sound = tone(440.0, 0.2)
    for block in sound.reshape(-1, 480, 1):
        streams[0].call(block)
    assert microphone.level() == pytest.approx(level_of(sound))
    assert microphone.viseme() == 14
    for _ in range(5):
        streams[0].call(np.zeros((480, 1), np.float32), xrun=True)
    assert (microphone.level(), microphone.viseme(), microphone.xruns) == (0.0, 0, 5)
    streams[0].call(np.ones((480, 1), np.float32))
    assert microphone.level() > 0.0
    streams[0].active = False  # the device is lost
    assert (microphone.level(), microphone.viseme(), microphone.alive) == (0.0, 0, False)
    microphone.close()
    microphone.close()


def test_a_device_that_does_not_open_is_named(streams: list[SimulatedStream]) -> None:
    message = r"output 'simulated' \(ALSA\) does not open .* at 1234 Hz: Inv"
    with pytest.raises(NoSound, match=message):
        Speaker("simulated", 1234)
    assert streams[0].closed
