"""A short film of a live run in the stand-in: two parts of it side by side, with their head-pats.

python -m benchmarks.learning.film RUN [--out docs/images/real-run.webp] [--left 60] [--right -60]
                            [--seconds 60] [--speed 4]

Each side shows what the agent saw, and the place from above. The map needs RUN/truth.jsonl, which
`real_run` records in minute 2 and in the last minute. The animated WebP plays in a browser.

--left and --right are the first seconds of the parts. Negative ones count from the end.
"""

import argparse
import bisect
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.common import ROOT
from benchmarks.learning.film_drawing import FilmPanel, draw_frame
from benchmarks.learning.truth_log import read_truth
from configs.errors import BadInput
from interfaces.core.step import value_field
from interfaces.journal import JournalReader
from interfaces.runtime.run_folder import RunFolder, open_run
from interfaces.runtime.terminal import exit_on_bad_input
from interfaces.standin.avatar_settings import standin_settings
from interfaces.standin.desktop.minimap import Minimap
from interfaces.standin.room_changes import build_room, room_seed

HEAD_PAT = value_field("parameters.HeadPat")
FPS = 10
MAX_BYTES = 4_000_000
QUALITIES = (80, 65, 50, 35, 20)  # of WebP, best first
MAP_PX = 224
_OLDEST_TRUTH_NS = 500_000_000  # an older state is not drawn

Pictures = list[NDArray[np.uint8]]  # each (H, W, 3), RGB


@dataclass(frozen=True)
class Part:
    """A part of a run: its Steps, and what it is called. `begin_ns`: on the clock of the Steps."""

    label: str
    begin_ns: int
    steps: NDArray[np.void]  # (T,)

    @classmethod
    def read(cls, run: RunFolder, begin_s: float, seconds: float) -> "Part":
        """`begin_s`: since the first Step; negative: before the last one. Raises BadInput."""
        reader = JournalReader(run.journal)
        if reader.end == reader.first:
            raise BadInput(f"{run.path}: its journal has no Steps")
        times = reader.gather(
            np.array([reader.first]), reader.end - reader.first, ["monotonic_ns"], fresh=True
        )["monotonic_ns"][0]
        begin_ns = int(times[0 if begin_s >= 0 else -1]) + round(begin_s * 1e9)
        low, high = np.searchsorted(times, [begin_ns, begin_ns + round(seconds * 1e9)])
        if high - low < 2:
            length_s = (times[-1] - times[0]) * 1e-9
            raise BadInput(f"{run.path}: no Steps {begin_s:g} s; it has {length_s:.0f} s")
        # A run can end a little before its last minute does: one second is tolerated.
        minute = int((begin_ns - int(times[0]) + 1_000_000_000) // 60_000_000_000) + 1
        label = f"minute {minute}" + (" (last)" if begin_s == -seconds else "")
        return cls(label, begin_ns, reader.read(reader.first + int(low), int(high - low)))


def film_frames(run: RunFolder, parts: list[Part], seconds: float, speed: float) -> Pictures:
    """The frames of the film: each shows all parts side by side, `speed` times as fast as real.

    Raises BadInput for a run without pictures.
    """
    panels = [_PartPanels(run, part) for part in parts]
    title = f"{speed:g} x real time. Head-pats: ticks of {1 / run.config.tick.hz:g} s with one"
    times = np.arange(0.0, seconds, speed / FPS)
    return [draw_frame([panel.at(time) for panel in panels], title) for time in times]


class _PartPanels:
    """What one side of the film shows at each moment."""

    def __init__(self, run: RunFolder, part: Part) -> None:
        self._config, self._part = run.config, part
        if not part.steps.dtype["image"].shape[0]:
            raise BadInput(f"{run.path}: its Steps have no picture")
        self._times = part.steps["monotonic_ns"]
        self._head_pats = np.cumsum(part.steps[HEAD_PAT] > 0)
        self._contacts = self._columns_of_contacts(run)
        self._truth = read_truth(run)
        self._truth_times = [state["monotonic_ns"] for state in self._truth]
        self._maps: dict[int, Minimap] = {}

    def at(self, seconds: float) -> FilmPanel:
        """The panel so many seconds after the part's begin."""
        now_ns = self._part.begin_ns + round(seconds * 1e9)
        row = max(0, int(np.searchsorted(self._times, now_ns, "right")) - 1)
        step = self._part.steps[row]
        return FilmPanel(
            self._part.label,
            step["image"],
            int(self._head_pats[row]),
            bool(step[HEAD_PAT] > 0),
            seconds,
            self._map_at(now_ns),
            [float(step["vector"][column]) for column in self._contacts],
        )

    def _columns_of_contacts(self, run: RunFolder) -> list[int]:
        layout = JournalReader(run.journal).layout
        assert layout is not None
        features, names = layout.spaces.features, self._config.world.contacts.names
        return [features.index(name) for name in names if name in features]

    def _map_at(self, now_ns: int) -> NDArray[np.uint8] | None:
        row = bisect.bisect_right(self._truth_times, now_ns) - 1
        if row < 0 or now_ns - self._truth_times[row] > _OLDEST_TRUTH_NS:
            return None
        state = self._truth[row]
        return self._map_of(state["place"]["loads"]).draw(state)

    def _map_of(self, loads: int) -> Minimap:
        if loads not in self._maps:
            standin = standin_settings(self._config.world)
            place = build_room(standin, room_seed(self._config.seed, loads))
            self._maps[loads] = Minimap(place.half_m, place.solids, MAP_PX, standin.fov_deg)
        return self._maps[loads]


def write_film(path: Path, frames: Pictures, max_bytes: int = MAX_BYTES) -> int:
    """Writes an animated WebP that repeats, with the best quality that fits. Returns its bytes.

    Raises BadInput if it does not fit with the lowest one.
    """
    animation = cv2.Animation()
    animation.frames = [cv2.cvtColor(frame, cv2.COLOR_RGB2BGR) for frame in frames]
    animation.durations = [1000 // FPS] * len(frames)
    size = 0
    for quality in QUALITIES:
        options: list[Any] = [cv2.IMWRITE_WEBP_QUALITY, quality]
        done, content = cv2.imencodeanimation(".webp", animation, options)
        size = content.size
        if done and size <= max_bytes:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.tobytes())
            return size
    raise BadInput(f"{path}: the film has {size:,} bytes, more than {max_bytes:,}; raise --speed")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("run", type=Path)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "images" / "real-run.webp")
    parser.add_argument("--left", type=float, default=60.0, help="first second of the left part")
    parser.add_argument("--right", type=float, default=-60.0, help="the same for the right part")
    parser.add_argument("--seconds", type=float, default=60.0, help="length of each part")
    parser.add_argument("--speed", type=float, default=4.0, help="times as fast as real")
    options = parser.parse_args()
    with exit_on_bad_input():
        run = open_run(options.run)
        parts = [Part.read(run, begin, options.seconds) for begin in (options.left, options.right)]
        frames = film_frames(run, parts, options.seconds, options.speed)
        size = write_film(options.out, frames)
    height, width, _ = frames[0].shape
    print(f"{options.out}: {len(frames)} frames of {width}x{height}, {size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
