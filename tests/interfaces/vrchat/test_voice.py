"""The voice: the mute switch with a client that answers late or never, and a real sound."""

import wave

import numpy as np
import pytest
from pydantic import ValidationError

from configs.actions import ActionConfig
from configs.errors import BadInput
from configs.load import load_config
from configs.vrchat import VoiceConfig
from interfaces.devices.wav import BadWav
from interfaces.osc.message import decode, encode
from interfaces.vrchat import voice as module
from interfaces.vrchat.voice import MuteSwitch, Voice, voice_rest_datagrams
from tests.conftest import ROOT
from tests.pulse import Pulse, ask

TICK_S = 0.1


class Client:
    """VRChat's microphone in toggle mode: MuteSelf follows a press `late` ticks later."""

    def __init__(self, muted, late=2):
        self.muted, self.down = muted, False
        self.mute_self = [muted] * (late + 1)

    def receive(self, down):
        self.muted ^= down and not self.down
        self.down = down
        self.mute_self = [*self.mute_self[1:], self.muted]
        return self.mute_self[0]


def run(switch, client, wanted, ticks):
    """Whether the button was down, tick by tick."""
    muted, downs = client.mute_self[0], []
    for _ in range(ticks):
        down = switch.tick(wanted=wanted, muted=muted)
        muted = client.receive(down)
        downs.append(down)
    return downs


@pytest.mark.parametrize("late", [0, 2, 5])
def test_switch_opens_a_closed_microphone_and_closes_it_again(late):
    switch, client = MuteSwitch("toggle", TICK_S), Client(True, late)
    downs = run(switch, client, True, 30)
    assert not client.muted
    assert sum(downs) == 2, "one press of two ticks"
    downs = run(switch, client, False, 30)
    assert client.muted
    assert sum(downs) == 2


def test_microphone_that_a_person_opened_stays_open():
    switch, client = MuteSwitch("toggle", TICK_S), Client(False)
    assert not any(run(switch, client, True, 20))
    assert not any(run(switch, client, False, 20))
    assert not client.muted


def test_switch_gives_up_after_three_presses_without_an_answer():
    switch = MuteSwitch("toggle", TICK_S)
    downs = [switch.tick(wanted=True, muted=True) for _ in range(100)]
    assert sum(downs) == 6, "three presses of two ticks"
    assert switch.given_up


def test_push_to_talk_follows_and_the_other_modes_stay_up_while_wanted():
    talk = MuteSwitch("push_to_talk", TICK_S)
    assert [talk.tick(wanted=wanted, muted=not wanted) for wanted in (True, True, False)] == [
        True,
        True,
        False,
    ]
    for mode in ("push_to_mute", "never"):
        switch = MuteSwitch(mode, TICK_S)
        assert not any(switch.tick(wanted=True, muted=True) for _ in range(50))
        assert switch.given_up


def test_push_to_mute_keeps_the_microphone_closed_except_for_sounds():
    switch = MuteSwitch("push_to_mute", TICK_S)
    assert switch.tick(wanted=False, muted=False)
    assert not switch.tick(wanted=True, muted=True)
    assert switch.tick(wanted=False, muted=True)


class FakeStream:
    active, closed = True, False

    def abort(self): ...
    def close(self):
        self.closed = True


@pytest.fixture
def wav(awkward_path):
    path = awkward_path / "hello.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(48000)
        sound = 0.5 * np.sin(2 * np.pi * 440 * np.arange(24000) / 48000)
        file.writeframes((sound * 32767).astype("<i2").tobytes())
    return str(path)


@pytest.fixture
def voice(wav, monkeypatch):
    monkeypatch.setattr(module, "open_stream", lambda *args: FakeStream())
    hello = ActionConfig(name="hello", kind="press", target="voice", sound=wav)
    made = Voice(VoiceConfig(device="cable"), (hello,), TICK_S)
    made.hello = wav
    return made


def play(voice, seconds):
    """The samples that PortAudio requests in that time."""
    out = np.ones((480, 1), np.float32)
    blocks = []
    for _ in range(round(seconds * 100)):
        voice._fill(out, 480, None, None)
        blocks.append(out[:, 0].copy())
    return np.concatenate(blocks)


def test_sound_starts_when_the_microphone_is_open(voice):
    assert voice.say(voice.hello)
    assert not voice.say(voice.hello), "busy"
    assert decode(voice.tick(muted=True)[0]) == [("/input/Voice", [1])]
    assert not play(voice, 0.1).any()
    voice.tick(muted=False)
    sound = play(voice, 1.0)
    assert np.abs(sound[:24000]).max() == pytest.approx(0.5, abs=0.01)
    assert not sound[24000:].any()
    assert not voice.busy
    assert voice.say(voice.hello), "a second time"


def test_rest_stops_the_sound_and_releases_the_switch(voice):
    voice.say(voice.hello)
    voice.tick(muted=False)
    play(voice, 0.1)
    assert voice.rest() == [encode("/input/Voice", 0)]
    assert not play(voice, 0.2).any()
    assert not voice.busy
    assert voice.say(voice.hello)
    voice.tick(muted=False)
    assert play(voice, 0.1).any(), "from its start"


def test_rest_during_the_last_block_leaves_the_voice_free(voice):
    """PortAudio's thread still fills a block of the sound when the body stops it."""
    voice.say(voice.hello)
    voice.tick(muted=False)
    playback = voice._playback
    play(voice, 0.49)
    voice.rest()
    voice._playback = playback  # as PortAudio's thread read it
    play(voice, 0.01)
    voice._playback = None
    assert not voice.busy
    assert voice.say(voice.hello)


def test_voice_is_not_busy_after_the_device_is_removed(voice):
    voice.say(voice.hello)
    voice.tick(muted=False)
    assert voice.busy
    voice._stream.active = False
    assert not voice.busy


def test_sound_is_dropped_if_the_microphone_never_opens(voice):
    voice.say(voice.hello)
    for _ in range(60):
        voice.tick(muted=True)
    assert not voice.busy


def test_rest_datagrams_release_the_switch_in_every_mode():
    assert voice_rest_datagrams(VoiceConfig(device="cable")) == [encode("/input/Voice", 0)]
    assert voice_rest_datagrams(VoiceConfig(device="cable", unmute="never")) == []
    assert voice_rest_datagrams(VoiceConfig()) == []
    closed = [encode("/input/Voice", 1)]
    assert voice_rest_datagrams(VoiceConfig(device="cable", unmute="push_to_mute")) == closed


def test_missing_sound_file_is_bad_input(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "open_stream", lambda *args: FakeStream())
    hello = ActionConfig(name="hello", kind="press", target="voice", sound=str(tmp_path / "no.wav"))
    with pytest.raises(BadWav, match=r"no\.wav"):
        Voice(VoiceConfig(device="cable"), (hello,), TICK_S)


def test_policy_and_voice_cannot_both_control_the_switch():
    words = ["world.voice.device=cable", "world.actions=[{name: Voice, kind: press}]"]
    with pytest.raises((ValidationError, BadInput), match=r"already uses the input Voice"):
        load_config(ROOT / "configs" / "tiny.yaml", words)
    load_config(ROOT / "configs" / "tiny.yaml", [*words, "world.voice.unmute=never"])


SPEAK = """
from configs.actions import ActionConfig
from configs.vrchat import VoiceConfig
from interfaces.vrchat.voice import Voice
hello = ActionConfig(name="hello", kind="press", target="voice", sound=sys.argv[1])
voice = Voice(VoiceConfig(device="yume_out"), (hello,), 0.1)
for line in sys.stdin:
    accepted = voice.say(sys.argv[1])
    voice.tick(muted=False)
    send(accepted)
voice.close()
"""


@pytest.mark.e2e
def test_sound_comes_out_of_the_device(pulse: Pulse, wav) -> None:
    record = ["parec", "-d", "yume_out.monitor", "--format=float32le", "--rate=48000", "--raw"]
    with (
        pulse.start([*record, "--channels=1"]) as recorder,
        pulse.child(SPEAK, wav) as child,
    ):
        assert ask(child) == [True]
        assert recorder.stdout is not None
        for _ in range(100):
            samples = np.frombuffer(recorder.stdout.read(4 * 9600), np.float32)
            if np.abs(samples).max() > 0.4:
                break
        else:
            pytest.fail("no sound came")
        samples = np.frombuffer(recorder.stdout.read(4 * 9600), np.float32)
        spectrum = np.abs(np.fft.rfft(samples * np.hanning(samples.size)))
        assert spectrum.argmax() * 5 == pytest.approx(440, abs=6)
        recorder.kill()
