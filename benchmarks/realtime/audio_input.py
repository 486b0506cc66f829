"""Audio input for a minute: a tone of 440 Hz through a real PulseAudio, read at 20 Hz.

python -m benchmarks.realtime.audio_input [--seconds 60]
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.common import publish
from tests.pulse import Pulse, missing, receive

TONE_HZ, RATE = 440.0, 48000
READER = """
import statistics, time
from configs.devices import AudioInputConfig
from interfaces.core.clock import RealClock
from interfaces.devices.audio_input import AudioInput
audio = AudioInput(AudioInputConfig(device="yume_mic", keep_raw=True), RealClock())
while audio.newest().bands.max() < 0:
    time.sleep(0.01)
took, ages, hertz = [], [], []
ends = time.perf_counter() + float(sys.argv[1])
while time.perf_counter() < ends:
    time.sleep(0.05)
    began = time.perf_counter()
    sound = audio.newest()
    took.append(1e3 * (time.perf_counter() - began))
    ages.append(1e3 * sound.age_s)
    power = np.abs(np.fft.rfft(sound.raw[0] * np.hanning(sound.raw.shape[1]), 1 << 16))
    hertz.append(float(power.argmax()) * 16000 / (1 << 16))
cut = lambda values: statistics.quantiles(values, n=100)
send({"measured Hz min": min(hertz), "measured Hz max": max(hertz),
      "overflows": audio.overflows,
      "age p50 ms": statistics.median(ages), "age p99 ms": cut(ages)[98],
      "newest() p50 ms": statistics.median(took), "newest() p99 ms": cut(took)[98]})
audio.close()
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    seconds = parser.parse_args().seconds
    if why := missing():
        sys.exit(why)
    with tempfile.TemporaryDirectory(prefix="yume-") as folder:
        pulse = Pulse(Path(folder))
        try:
            tone = Path(folder) / "tone.raw"
            time_s = np.arange(int(RATE * (seconds + 20.0))) / RATE
            tone.write_bytes((0.5 * np.sin(2 * np.pi * TONE_HZ * time_s)).astype("<f4").tobytes())
            player = pulse.start(
                [
                    *("pacat", "-d", "yume_mic", "--format=float32le", f"--rate={RATE}"),
                    *("--channels=1", str(tone)),
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
            )
            with pulse.child(READER, str(seconds)) as reader:
                (row,) = receive(reader)
            player.kill()
            player.wait()
        finally:
            pulse.kill()
    title = f"Audio input: a tone of {TONE_HZ:g} Hz for {seconds:g} s"
    publish("realtime/audio_input", title, [{"device": "PulseAudio null sink", **row}])


if __name__ == "__main__":
    main()
