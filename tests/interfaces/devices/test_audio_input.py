"""Audio input: log-mel bands follow the formula, and a real tone arrives through PulseAudio."""

import subprocess

import numpy as np
import pytest

from configs.actions import ActionConfig
from configs.devices import AudioInputConfig
from configs.load import load_config
from interfaces.core.clock import RealClock
from interfaces.core.spaces import Spaces
from interfaces.core.step import StepLayout
from interfaces.devices.audio_input import AudioInput, LogMel, raw_shape, samples
from interfaces.journal import JournalReader, JournalWriter
from interfaces.vrchat.vrchat_world import vrchat_spaces
from tests.conftest import ROOT
from tests.pulse import Pulse, ask_until

AUDIO = AudioInputConfig(device="yume_mic", keep_raw=True)


def tone(config, hertz, amplitude=1.0):
    time_s = np.arange(samples(config)) / config.rate_hz
    one = amplitude * np.sin(2 * np.pi * hertz * time_s)
    return np.repeat(one[None], config.channels, 0).astype(np.float32)


def centers_hz(config):
    """The center frequency of each band by the formula."""
    top = 2595 * np.log10(1 + 0.5 * config.rate_hz / 700)
    mel = np.linspace(0, top, config.mels + 2)[1:-1]
    return 700 * (10 ** (mel / 2595) - 1)


@pytest.mark.parametrize("hertz", [150.0, 440.0, 1000.0, 5000.0])
@pytest.mark.parametrize("config", [AUDIO, AudioInputConfig(rate_hz=48000, mels=64, channels=2)])
def test_tone_has_its_maximum_in_its_band(config, hertz):
    bands = LogMel(config)(tone(config, hertz))
    assert bands.shape == LogMel(config).shape
    assert bands.dtype == np.float32
    nearest = np.abs(centers_hz(config) - hertz).argmin()
    loudest = bands.argmax(-1)
    assert np.abs(loudest - nearest).max() <= 1
    assert bands.max() == pytest.approx(1.0, abs=0.1), "full scale is 1"


def test_bands_are_in_decibels_and_silence_is_minus_one():
    mel = LogMel(AUDIO)
    loud, faint = mel(tone(AUDIO, 1000.0, 0.5)), mel(tone(AUDIO, 1000.0, 0.05))
    band = loud[0, 0].argmax()
    # The range -1..1 is 80 dB, so 20 dB are 0.5.
    assert loud[0, :, band] - faint[0, :, band] == pytest.approx(0.5, abs=0.01)
    assert (mel(np.zeros((1, samples(AUDIO)), np.float32)) == -1.0).all()


def test_newest_sound_is_in_the_last_frame():
    sound = np.zeros((1, samples(AUDIO)), np.float32)
    sound[:, -200:] = tone(AUDIO, 1000.0)[:, :200]
    bands = LogMel(AUDIO)(sound)
    assert bands[0, -1].max() > 0.0
    assert (bands[0, 0] == -1.0).all()


@pytest.mark.parametrize("rate", [8000, 16000, 44100, 48000])
@pytest.mark.parametrize("mels", [8, 32, 128])
def test_every_band_responds_to_noise(rate, mels):
    config = AudioInputConfig(rate_hz=rate, mels=mels, window_s=0.05)
    noise = np.random.default_rng(0).uniform(-1, 1, (1, samples(config))).astype(np.float32)
    assert LogMel(config)(noise).min() > -0.5


def test_journal_stores_sound_and_raw_sound(tmp_path):
    spaces = Spaces((0, 0, 3), ("Speed",), (ActionConfig(name="Vertical"),), (1, 3, 8), (1, 50))
    step = np.zeros((), StepLayout(spaces).dtype)
    step["sound"], step["sound_raw"] = 0.25, -7
    writer = JournalWriter(tmp_path, StepLayout(spaces), segment_steps=16, max_steps=64)
    writer.append(step)
    writer.close()
    reader = JournalReader(tmp_path)
    rows = reader.gather(np.array([0]), 1, ("sound", "sound_raw"))
    assert (rows["sound"] == 0.25).all()
    assert rows["sound"].shape == (1, 1, 1, 3, 8)
    assert (rows["sound_raw"] == -7).all()


def test_sound_spaces_follow_the_configuration():
    config = load_config(ROOT / "configs" / "tiny.yaml", ["world.audio_input.device=CABLE"]).world
    assert vrchat_spaces(config).sound_shape == LogMel(config.audio_input).shape
    assert vrchat_spaces(config).raw_shape == ()
    without = load_config(ROOT / "configs" / "tiny.yaml").world
    assert vrchat_spaces(without).sound_shape == ()
    assert "sound_shape" not in vrchat_spaces(without).to_json()


def test_missing_device_gives_silence():
    audio_input = AudioInput(AUDIO.model_copy(update={"device": "missing device"}), RealClock())
    try:
        window = audio_input.newest()
        assert (window.bands == -1.0).all()
        assert not window.raw.any()
        assert window.raw.shape == raw_shape(AUDIO)
        assert window.age_s > 1.0
    finally:
        audio_input.close()


LISTEN = """
import time
from configs.devices import AudioInputConfig
from interfaces.core.clock import RealClock
from interfaces.devices.audio_input import AudioInput
audio_input = AudioInput(AudioInputConfig(device="yume_mic", keep_raw=True), RealClock())
for line in sys.stdin:
    window = audio_input.newest()
    power = np.abs(np.fft.rfft(window.raw[0] * np.hanning(window.raw.shape[1])))
    send(float(power.argmax()) * 16000 / window.raw.shape[1], window.age_s,
         float(window.bands.max()), int(window.bands[0, -1].argmax()), audio_input.overflows)
audio_input.close()
"""


@pytest.mark.e2e
def test_tone_of_440_hz_arrives_at_440_hz(pulse: Pulse, tmp_path) -> None:
    with pulse.child(LISTEN) as listener:
        ask_until(listener, lambda answer: answer[1] < 0.1)
        wave = tmp_path / "tone.raw"
        sound = 0.5 * np.sin(2 * np.pi * 440 * np.arange(48000 * 8) / 48000)
        wave.write_bytes(sound.astype(np.float32).tobytes())
        player = pulse.start(
            [
                "pacat",
                "-d",
                "yume_mic",
                "--format=float32le",
                "--rate=48000",
                "--channels=1",
                str(wave),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        hertz, age_s, _level, band, overflows = ask_until(
            listener, lambda answer: answer[2] > 0.5 and abs(answer[0] - 440) < 6
        )
        assert band == np.abs(centers_hz(AUDIO) - hertz).argmin()
        assert age_s < 0.2
        assert overflows == 0
        player.kill()
        player.wait()
        ask_until(listener, lambda answer: answer[2] == -1.0)
