"""Loudspeaker and microphone: their rules without a device, then on a PulseAudio of their own."""

import subprocess
import sys
import time
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from configs.errors import BadInput
from interfaces.devices.audio_device import Device, NoSound, choose
from interfaces.standin.sound.mixer import Listener, Mixer, Source
from interfaces.standin.sound.sound_io import (
    Microphone,
    Speaker,
    level_of,
    viseme_of,
    voice_parameters,
)
from interfaces.standin.sound.voice_synthesis import VOWELS_HZ, babble
from tests.pulse import Pulse, ask, ask_until, heard

RATE = 48000
PATIENCE_S = 10.0


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
    ("level", "viseme", "muted", "told"),
    [
        (0.4, 10, False, (0.4, 10)),
        (0.4, 10, True, (0.0, 0)),
        (1.7, 99, False, (1.0, 14)),
        (-0.1, -3, False, (0.0, 0)),
        (float("nan"), 0, False, (0.0, 0)),
    ],
)
def test_voice_parameters(level: float, viseme: int, muted: bool, told: tuple[float, int]) -> None:
    assert voice_parameters(level, viseme, muted) == told


@pytest.mark.parametrize(
    ("peak", "level"), [(0.0, 0.0), (0.004, 0.0), (0.1, 0.2828), (0.2, 0.5657), (0.9, 1.0)]
)
def test_level_is_loudness(peak: float, level: float) -> None:
    assert level_of(tone(440.0, peak)) == pytest.approx(level, abs=1e-3)
    assert level_of(np.zeros(0, np.float32)) == 0.0


@pytest.mark.parametrize(
    ("hertz", "viseme"),
    [(120, 8), (300, 14), (440, 14), (560, 13), (800, 10), (4000, 6), (8000, 7)],
)
def test_viseme_of_a_tone(hertz: float, viseme: int) -> None:
    assert viseme_of(tone(hertz, 0.2), RATE) == viseme
    assert viseme_of(tone(hertz, 0.002), RATE) == 0


@pytest.mark.parametrize(
    ("name", "viseme"), [("a", 10), ("e", 11), ("i", 12), ("o", 13), ("u", 14)]
)
def test_viseme_of_a_vowel(name: str, viseme: int) -> None:
    assert [viseme_of(vowel(name, hertz), RATE) for hertz in (110.0, 140.0)] == [viseme] * 2


def test_a_voice_moves_the_mouth() -> None:
    voice = babble(1, 3.0)
    seen = [viseme_of(voice[at : at + 2400], RATE) for at in range(0, voice.size - 2400, 800)]
    assert {0, 10, 13, 14} <= set(seen) <= set(range(15))
    assert {11, 12} & set(seen)


DEVICES = [
    Device(0, "CABLE Input (VB-Audio Virtual C", "MME", 0, 2),
    Device(1, "Speakers (Realtek)", "MME", 0, 2),
    Device(2, "CABLE Output (VB-Audio Virtual Cable)", "Windows WASAPI", 2, 0),
    Device(3, "CABLE Input (VB-Audio Virtual Cable)", "Windows WASAPI", 0, 2),
    Device(4, "Speakers (Realtek)", "Windows WASAPI", 0, 2),
    Device(5, "Speakers", "Windows WDM-KS", 0, 2),
    Device(6, "pulse", "ALSA", 32, 32),
    Device(7, "pulse two", "ALSA", 32, 32),
]


@pytest.mark.parametrize(
    ("wanted", "kind", "index"),
    [
        (1, "output", 1),
        ("1", "output", 1),
        ("cable input", "output", 3),  # by WASAPI, whole name and all
        ("CABLE", "input", 2),
        ("realtek", "output", 4),
        ("speakers", "output", 5),  # exactly that
        ("pulse", "input", 6),
    ],
)
def test_a_device_by_index_or_by_part_of_its_name(wanted: str | int, kind: Any, index: int) -> None:
    assert choose(wanted, DEVICES, kind).index == index


@pytest.mark.parametrize(
    ("wanted", "kind", "told"),
    [
        ("Voicemeeter", "output", "there is none. Allowed is one of: 0 CABLE Input"),
        (99, "output", "99: there is none"),
        (-1, "output", "-1: there is none"),
        (2, "output", "there is none"),  # an input
        ("puls", "input", "several are called like that. Allowed is one of: 6 pulse (ALSA); 7"),
    ],
)
def test_another_device_is_refused_with_the_names(wanted: str | int, kind: Any, told: str) -> None:
    with pytest.raises(BadInput) as caught:
        choose(wanted, DEVICES, kind)
    assert told in str(caught.value)
    with pytest.raises(NoSound, match="nothing here"):
        choose(wanted, [], kind)


def test_missing_portaudio_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    for make in (Speaker, Microphone):
        with pytest.raises(NoSound, match="the package sounddevice is missing"):
            make("pulse")


class FakeStream:
    """As much of a PortAudio stream as the two use; the test is the driver."""

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
def driver(monkeypatch: pytest.MonkeyPatch) -> list[FakeStream]:
    opened: list[FakeStream] = []

    def open_stream(**settings: Any) -> FakeStream:
        opened.append(FakeStream(**settings))
        return opened[-1]

    device = {
        "index": 0,
        "name": "fake",
        "hostapi": 0,
        "max_input_channels": 2,
        "max_output_channels": 2,
    }
    fake = SimpleNamespace(
        query_hostapis=lambda: [{"name": "ALSA"}],
        query_devices=lambda: [device],
        InputStream=open_stream,
        OutputStream=open_stream,
        PortAudioError=RuntimeError,
    )
    monkeypatch.setitem(sys.modules, "sounddevice", fake)
    return opened


def test_the_speaker_plays_what_the_mixer_makes_of_the_newest_scene(
    driver: list[FakeStream],
) -> None:
    speaker, mixer, sound = Speaker("fake"), Mixer(), tone(440.0, 0.5, 1.0)
    scenes = [(Listener(0.0, 0.0, 0.0), [])] + [
        (Listener(0.0, 0.0, 30.0 * i), [Source(-1.0, 2.0, sound, 480)]) for i in range(4)
    ]
    assert speaker.next_sample == 480
    for i, (listener, sources) in enumerate(scenes):
        speaker.update(listener, sources)
        played = driver[0].call(np.ones((480, 2), np.float32), xrun=i == 2)
        np.testing.assert_array_equal(played, mixer.mix(listener, sources, 480 * i, 480))
    assert speaker.next_sample == 480 * 6
    assert speaker.xruns == 1
    assert speaker.alive
    speaker.close()
    speaker.close()
    assert not speaker.alive


def test_a_mixer_that_fails_is_silent_and_told_to_the_world(driver: list[FakeStream]) -> None:
    speaker, listener = Speaker("fake"), Listener(0.0, 0.0, 0.0)
    speaker.update(listener, [None])  # type: ignore[list-item]
    assert not driver[0].call(np.ones((480, 2), np.float32)).any()
    with pytest.raises(RuntimeError, match="mixer failed"):
        speaker.update(listener, [])


def test_the_microphone_hears_the_newest_twentieth_of_a_second(driver: list[FakeStream]) -> None:
    microphone = Microphone("fake")
    assert (microphone.level(), microphone.viseme()) == (0.0, 0)
    sound = tone(440.0, 0.2)
    for block in sound.reshape(-1, 480, 1):
        driver[0].call(block)
    assert microphone.level() == pytest.approx(level_of(sound))
    assert microphone.viseme() == 14
    for _ in range(5):
        driver[0].call(np.zeros((480, 1), np.float32), xrun=True)
    assert (microphone.level(), microphone.viseme(), microphone.xruns) == (0.0, 0, 5)
    driver[0].call(np.ones((480, 1), np.float32))
    assert microphone.level() > 0.0
    driver[0].active = False  # the device is gone
    assert (microphone.level(), microphone.viseme(), microphone.alive) == (0.0, 0, False)
    microphone.close()
    microphone.close()


def test_a_device_that_does_not_open_is_named(driver: list[FakeStream]) -> None:
    with pytest.raises(NoSound, match=r"output 'fake' \(ALSA\) does not open .* at 1234 Hz: Inv"):
        Speaker("fake", 1234)
    assert driver[0].closed


# From here on with real ones: every process sees two devices, yume_out and yume_mic, each a null
# sink of a PulseAudio that nobody else knows of.

IMPORTS = """
from interfaces.standin.sound.mixer import Listener, Source
from interfaces.devices.audio_device import NoSound
from interfaces.standin.sound.sound_io import Microphone, Speaker
"""
SPEAK = (
    IMPORTS
    + """
speaker = Speaker("yume_out")
sound = (0.5 * np.sin(2 * np.pi * 440 * np.arange(48000 * 20) / 48000)).astype(np.float32)
source = Source(-1.0, 0.0, sound, speaker.next_sample)
speaker.update(Listener(0.0, 0.0, 0.0), [source])
tell(speaker.latency_s)
for line in sys.stdin:
    speaker.update(Listener(0.0, 0.0, float(line)), [source])
    tell(speaker.alive, speaker.next_sample, speaker.xruns)
speaker.close()
"""
)
LISTEN = (
    IMPORTS
    + """
microphone = Microphone("YUME_MIC")
for line in sys.stdin:
    tell(microphone.level(), microphone.viseme(), microphone.alive)
microphone.close()
"""
)
ERR = (
    IMPORTS
    + """
try:
    Speaker("nowhere")
except NoSound as error:
    tell(str(error))
"""
)


def strengths(recorder: subprocess.Popen[bytes], seconds: float) -> tuple[float, float, float]:
    """The strongest frequency in Hz of what is recorded next, and the RMS of left and right."""
    assert recorder.stdout is not None
    count = round(seconds * RATE)
    both = np.frombuffer(recorder.stdout.read(8 * count), np.float32).reshape(-1, 2)
    spectrum = np.abs(np.fft.rfft(both.sum(1) * np.hanning(count)))
    left, right = np.sqrt(np.mean(both.astype(np.float64) ** 2, axis=0))
    return float(spectrum.argmax()) / seconds, float(left), float(right)


@pytest.mark.e2e
def test_the_speaker_is_heard_on_the_side_the_sound_is_on(pulse: Pulse) -> None:
    record = ["parec", "-d", "yume_out.monitor", "--format=float32le", f"--rate={RATE}", "--raw"]
    with pulse.child(SPEAK) as child, pulse.start([*record, "--channels=2"]) as recorder:
        assert 0.0 < heard(child)[0] < 0.5
        deadline = time.monotonic() + PATIENCE_S
        while strengths(recorder, 0.1)[1] < 0.1:
            assert time.monotonic() < deadline
        hertz, left, right = strengths(recorder, 0.5)
        assert hertz == pytest.approx(440.0, abs=2.0)
        assert left == pytest.approx(0.5 / np.sqrt(2.0), rel=0.1)
        assert right < 0.01 * left
        alive, position, _ = ask(child, 180.0)  # the listener turns around
        while strengths(recorder, 0.1)[1] > 0.01:
            assert time.monotonic() < deadline
        hertz, left, right = strengths(recorder, 0.5)
        assert hertz == pytest.approx(440.0, abs=2.0)
        assert left < 0.01 * right
        assert alive
        assert ask(child, 180.0)[1] > position
        recorder.kill()


@pytest.mark.e2e
def test_the_microphone_hears_what_the_agent_says(pulse: Pulse) -> None:
    play = ["pacat", "-d", "yume_mic", "--format=float32le", f"--rate={RATE}", "--raw"]
    with pulse.child(LISTEN) as child:
        assert ask(child) == [0.0, 0, True]
        with pulse.start([*play, "--channels=1"]) as player:
            assert player.stdin is not None
            player.stdin.write(tone(440.0, 0.2, 2.0).tobytes())
            player.stdin.flush()
            level = pytest.approx(0.2 / np.sqrt(2.0) / 0.25, abs=0.02)
            ask_until(child, lambda answer: answer == [level, 14, True])
            player.kill()
        ask_until(child, lambda answer: answer == [0.0, 0, True])


@pytest.mark.e2e
def test_an_unknown_device_is_told_with_those_there_are(pulse: Pulse) -> None:
    with pulse.child(ERR) as child:
        (told,) = heard(child)
    assert "sound output 'nowhere': there is none" in told
    assert "yume_out (ALSA)" in told


@pytest.mark.e2e
def test_when_the_device_goes_there_is_silence_and_no_crash(pulse: Pulse) -> None:
    with pulse.child(SPEAK) as speaking, pulse.child(LISTEN) as listening:
        heard(speaking)
        assert ask(speaking, 0.0)[0]
        assert ask(listening)[2]
        pulse.kill()
        ask_until(listening, lambda answer: answer == [0.0, 0, False])
        deadline = time.monotonic() + PATIENCE_S
        while ask(speaking, 0.0)[0]:
            assert time.monotonic() < deadline
        for child in (speaking, listening):
            assert child.stdin is not None
            child.stdin.close()
            assert child.wait(PATIENCE_S) == 0
