"""Size of session files: PNG and JPEG against raw images in five places, for whole files.

python -m benchmarks.sessions.recording_size [--steps 2400]
"""

import argparse
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.common import publish
from benchmarks.standin.random_steps import random_steps
from interfaces.core.step import StepLayout
from interfaces.session.format.messages import CameraFormat, Codec
from interfaces.session.format.segment_writer import SegmentWriter
from interfaces.standin.lockstep_standin import LockstepStandin

PLACES = ("room", "gallery", "plaza", "garden", "maze")
HZ = 20.0
FORMATS: tuple[tuple[CameraFormat, int], ...] = (("png", 75), ("jpeg", 90), ("jpeg", 75))


def one_place(place: str, count: int) -> dict[str, Any]:
    """The table row of one place: a file of `count` steps in each format."""
    config, steps = random_steps(place, count, HZ)
    raw = steps["image"].nbytes
    row: dict[str, Any] = {"place": place, "raw images MB": raw / 1e6}
    spaces = LockstepStandin(config, 0).spaces
    for camera, quality in FORMATS:
        with tempfile.TemporaryDirectory() as folder:
            writer = SegmentWriter(Path(folder), 0, Codec(StepLayout(spaces), camera, quality), {})
            for i in range(count):
                writer.put(steps[i, ...])
            path = writer.close()
            assert path is not None
            name = "png" if camera == "png" else f"jpeg {quality}"
            row[f"{name}, % of raw"] = round(100 * path.stat().st_size / raw, 1)
    return row


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=2400, help="steps in each place")
    options = parser.parse_args()
    rows = [one_place(place, options.steps) for place in PLACES]
    title = "Size of session files against raw images, 64 x 64"
    publish("sessions/recording_size", title, rows)


if __name__ == "__main__":
    main()
