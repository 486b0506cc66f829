"""The voice: the mute switch against a client that answers late or never, and a real sound."""

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
from interfaces.vrchat.voice import MuteSwitch, Voice, voice_rest
from tests.conftest import ROOT
from tests.pulse import Pulse, ask

BEAT_S = 0.1


class Client:
    """VRChat's microphone in toggle mode: turns over at each press, tells of it `late` beats on."""

    def __init__(self, muted, late=2):
        self.muted, self.down = muted, False
        self.told = [muted] * (late + 1)

    def hear(self, down):
        self.muted ^= down and not self.down
        self.down = down
        self.told = [*self.told[1:], self.muted]
        return self.told[0]


def live(switch, client, wanted, beats):
    told, downs = client.told[0], []
    for _ in range(beats):
        down = switch.beat(wanted=wanted, muted=told)
        told = client.hear(down)
        downs.append(down)
    return downs


@pytest.mark.parametrize("late", [0, 2, 5])
def test_a_closed_microphone_is_opened_and_closed_again(late):
    switch, client = MuteSwitch("toggle", BEAT_S), Client(True, late)
    downs = live(switch, client, True, 30)
    assert not client.muted
    assert sum(downs) == 2, "one press, of two beats"
    downs = live(switch, client, False, 30)
    assert client.muted
    assert sum(downs) == 2


def test_a_microphone_a_person_has_opened_stays_open():
    switch, client = MuteSwitch("toggle", BEAT_S), Client(False)
    assert not any(live(switch, client, True, 20))
    assert not any(live(switch, client, False, 20))
    assert not client.muted


def test_a_client_that_never_answers_is_left_in_peace():
    switch = MuteSwitch("toggle", BEAT_S)
    downs = [switch.beat(wanted=True, muted=True) for _ in range(100)]
    assert sum(downs) == 6, "three presses of two beats"
    assert switch.given_up


def test_the_other_ways():
    talk = MuteSwitch("push_to_talk", BEAT_S)
    assert [talk.beat(wanted=wanted, muted=not wanted) for wanted in (True, True, False)] == [
        True,
        True,
        False,
    ]
    for way in ("push_to_mute", "never"):
        switch = MuteSwitch(way, BEAT_S)
        assert not any(switch.beat(wanted=True, muted=True) for _ in range(50))
        assert switch.given_up


def test_push_to_mute_holds_the_microphone_closed_but_for_what_is_said():
    switch = MuteSwitch("push_to_mute", BEAT_S)
    assert switch.beat(wanted=False, muted=False)
    assert not switch.beat(wanted=True, muted=True)
    assert switch.beat(wanted=False, muted=True)


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
    made = Voice(VoiceConfig(device="cable"), (hello,), BEAT_S)
    made.hello = wav
    return made


def play(voice, seconds):
    """What PortAudio would take in that time."""
    out = np.ones((480, 1), np.float32)
    blocks = []
    for _ in range(round(seconds * 100)):
        voice._fill(out, 480, None, None)
        blocks.append(out[:, 0].copy())
    return np.concatenate(blocks)


def test_nothing_sounds_before_the_microphone_is_open(voice):
    assert voice.say(voice.hello)
    assert not voice.say(voice.hello), "busy"
    assert decode(voice.beat(muted=True)[0]) == [("/input/Voice", [1])]
    assert not play(voice, 0.1).any()
    voice.beat(muted=False)
    sound = play(voice, 1.0)
    assert np.abs(sound[:24000]).max() == pytest.approx(0.5, abs=0.01)
    assert not sound[24000:].any()
    assert not voice.busy
    assert voice.say(voice.hello), "and again"


def test_rest_is_silence_and_the_switch_let_go(voice):
    voice.say(voice.hello)
    voice.beat(muted=False)
    play(voice, 0.1)
    assert voice.rest() == [encode("/input/Voice", 0)]
    assert not play(voice, 0.2).any()
    assert not voice.busy
    assert voice.say(voice.hello)
    voice.beat(muted=False)
    assert play(voice, 0.1).any(), "from its beginning"


def test_rest_at_the_last_block_leaves_no_microphone_open(voice):
    """PortAudio's thread has the sound in its hand when the body takes it away."""
    voice.say(voice.hello)
    voice.beat(muted=False)
    playing = voice._playing
    play(voice, 0.49)
    voice.rest()
    voice._playing = playing  # as it read it
    play(voice, 0.01)
    voice._playing = None
    assert not voice.busy
    assert voice.say(voice.hello)


def test_where_the_device_goes_away_nothing_is_busy(voice):
    voice.say(voice.hello)
    voice.beat(muted=False)
    assert voice.busy
    voice._stream.active = False
    assert not voice.busy


def test_a_sound_that_cannot_be_said_is_dropped(voice):
    voice.say(voice.hello)
    for _ in range(60):
        voice.beat(muted=True)
    assert not voice.busy


def test_the_guard_lets_go_of_the_switch_too():
    assert voice_rest(VoiceConfig(device="cable")) == [encode("/input/Voice", 0)]
    assert voice_rest(VoiceConfig(device="cable", unmute="never")) == []
    assert voice_rest(VoiceConfig()) == []
    closed = [encode("/input/Voice", 1)]
    assert voice_rest(VoiceConfig(device="cable", unmute="push_to_mute")) == closed


def test_a_sound_file_that_is_none_is_bad_input(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "open_stream", lambda *args: FakeStream())
    hello = ActionConfig(name="hello", kind="press", target="voice", sound=str(tmp_path / "no.wav"))
    with pytest.raises(BadWav, match=r"no\.wav"):
        Voice(VoiceConfig(device="cable"), (hello,), BEAT_S)


def test_policy_and_voice_do_not_share_the_switch():
    words = ["world.voice.device=cable", "world.actions=[{name: Voice, kind: press}]"]
    with pytest.raises((ValidationError, BadInput), match=r"Voice is the microphone"):
        load_config(ROOT / "configs" / "tiny.yaml", words)
    load_config(ROOT / "configs" / "tiny.yaml", [*words, "world.voice.unmute=never"])


SPEAK = """
from configs.actions import ActionConfig
from configs.vrchat import VoiceConfig
from interfaces.vrchat.voice import Voice
hello = ActionConfig(name="hello", kind="press", target="voice", sound=sys.argv[1])
voice = Voice(VoiceConfig(device="yume_out"), (hello,), 0.1)
for line in sys.stdin:
    said = voice.say(sys.argv[1])
    voice.beat(muted=False)
    tell(said)
voice.close()
"""


@pytest.mark.e2e
def test_what_is_said_comes_out_of_the_device(pulse: Pulse, wav) -> None:
    record = ["parec", "-d", "yume_out.monitor", "--format=float32le", "--rate=48000", "--raw"]
    with (
        pulse.start([*record, "--channels=1"]) as recorder,
        pulse.child(SPEAK, wav) as child,
    ):
        assert ask(child) == [True]
        assert recorder.stdout is not None
        for _ in range(100):
            heard_now = np.frombuffer(recorder.stdout.read(4 * 9600), np.float32)
            if np.abs(heard_now).max() > 0.4:
                break
        else:
            pytest.fail("nothing came")
        heard_now = np.frombuffer(recorder.stdout.read(4 * 9600), np.float32)
        spectrum = np.abs(np.fft.rfft(heard_now * np.hanning(heard_now.size)))
        assert spectrum.argmax() * 5 == pytest.approx(440, abs=6)
        recorder.kill()
