"""Loudspeaker and microphone on real devices: null sinks of a PulseAudio for this test only.

Each child process has two devices, yume_out and yume_mic.
"""

import subprocess

import numpy as np
import pytest

from tests.interfaces.standin.sound.test_sound_io import tone
from tests.polling import wait_until
from tests.pulse import Pulse, ask, ask_until, receive

RATE = 48000
TIMEOUT_S = 10.0
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
send(speaker.latency_s)
for line in sys.stdin:
    speaker.update(Listener(0.0, 0.0, float(line)), [source])
    send(speaker.alive, speaker.next_sample, speaker.xruns)
speaker.close()
"""
)
LISTEN = (
    IMPORTS
    + """
microphone = Microphone("YUME_MIC")
for line in sys.stdin:
    send(microphone.level(), microphone.viseme(), microphone.alive)
microphone.close()
"""
)
OPEN_UNKNOWN = (
    IMPORTS
    + """
try:
    Speaker("nowhere")
except NoSound as error:
    send(str(error))
"""
)


def measure(recorder: subprocess.Popen[bytes], seconds: float) -> tuple[float, float, float]:
    """The strongest frequency in Hz of the next `seconds`, and the RMS of left and right."""
    assert recorder.stdout is not None
    count = round(seconds * RATE)
    both = np.frombuffer(recorder.stdout.read(8 * count), np.float32).reshape(-1, 2)
    spectrum = np.abs(np.fft.rfft(both.sum(1) * np.hanning(count)))
    left, right = np.sqrt(np.mean(both.astype(np.float64) ** 2, axis=0))
    return float(spectrum.argmax()) / seconds, float(left), float(right)


@pytest.mark.e2e
def test_a_sound_is_on_its_side_and_follows_the_listeners_turn(pulse: Pulse) -> None:
    record = ["parec", "-d", "yume_out.monitor", "--format=float32le", f"--rate={RATE}", "--raw"]
    with pulse.child(SPEAK) as child, pulse.start([*record, "--channels=2"]) as recorder:
        assert 0.0 < receive(child)[0] < 0.5
        wait_until(lambda: measure(recorder, 0.1)[1] >= 0.1, "sound on the left")
        hertz, left, right = measure(recorder, 0.5)
        assert hertz == pytest.approx(440.0, abs=2.0)
        assert left == pytest.approx(0.5 / np.sqrt(2.0), rel=0.1)
        assert right < 0.01 * left
        alive, position, _ = ask(child, 180.0)  # the listener turns around
        wait_until(lambda: measure(recorder, 0.1)[1] <= 0.01, "silence on the left")
        hertz, left, right = measure(recorder, 0.5)
        assert hertz == pytest.approx(440.0, abs=2.0)
        assert left < 0.01 * right
        assert alive
        assert ask(child, 180.0)[1] > position
        recorder.kill()


@pytest.mark.e2e
def test_the_microphone_measures_the_sound_of_another_program(pulse: Pulse) -> None:
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
def test_an_unknown_device_is_refused_with_the_names(pulse: Pulse) -> None:
    with pulse.child(OPEN_UNKNOWN) as child:
        (message,) = receive(child)
    assert "sound output 'nowhere': no such device" in message
    assert "yume_out (ALSA)" in message


@pytest.mark.e2e
def test_a_lost_device_gives_silence_and_no_crash(pulse: Pulse) -> None:
    with pulse.child(SPEAK) as speaking, pulse.child(LISTEN) as listening:
        receive(speaking)
        assert ask(speaking, 0.0)[0]
        assert ask(listening)[2]
        pulse.kill()
        ask_until(listening, lambda answer: answer == [0.0, 0, False])
        wait_until(lambda: not ask(speaking, 0.0)[0], "the loss of the loudspeaker")
        for child in (speaking, listening):
            assert child.stdin is not None
            child.stdin.close()
            assert child.wait(TIMEOUT_S) == 0
