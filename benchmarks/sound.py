"""The ears for a minute: a tone of 440 Hz through a real PulseAudio, read at 20 Hz.

python -m benchmarks.sound [--seconds 60]
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.common import publish
from tests.pulse import Pulse, heard, missing

TONE_HZ, RATE = 440.0, 48000
EARS = """
import statistics, time
from configs.devices import EarsConfig
from interfaces.core.clock import RealClock
from interfaces.devices.audio_input import Ears
ears = Ears(EarsConfig(device="yume_mic", keep_raw=True), RealClock())
while ears.newest().bands.max() < 0:
    time.sleep(0.01)
took, ages, hertz = [], [], []
ends = time.perf_counter() + float(sys.argv[1])
while time.perf_counter() < ends:
    time.sleep(0.05)
    began = time.perf_counter()
    now = ears.newest()
    took.append(1e3 * (time.perf_counter() - began))
    ages.append(1e3 * now.age_s)
    power = np.abs(np.fft.rfft(now.raw[0] * np.hanning(now.raw.shape[1]), 1 << 16))
    hertz.append(float(power.argmax()) * 16000 / (1 << 16))
cut = lambda values: statistics.quantiles(values, n=100)
tell({"heard Hz, lowest": min(hertz), "heard Hz, highest": max(hertz),
      "overflows": ears.overflows,
      "age ms p50": statistics.median(ages), "age ms p99": cut(ages)[98],
      "newest() ms p50": statistics.median(took), "newest() ms p99": cut(took)[98]})
ears.close()
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
            with pulse.child(EARS, str(seconds)) as ears:
                (row,) = heard(ears)
            player.kill()
            player.wait()
        finally:
            pulse.kill()
    publish("sound", f"A tone of {TONE_HZ:g} Hz, {seconds:g} s", [{"": "ears", **row}])


if __name__ == "__main__":
    main()
