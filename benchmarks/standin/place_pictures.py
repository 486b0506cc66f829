"""Draws four views of each place for the docs: docs/images/standin-PLACE.png.

python -m benchmarks.standin.place_pictures
"""

import math

import cv2
import numpy as np

from benchmarks.common import ROOT
from configs.standin import StandinConfig
from interfaces.standin.core import StandinCore
from interfaces.standin.places.build import VERSIONS

WIDTH, HEIGHT = 320, 240
VIEWS = ((0, 12.0), (1, 10.0), (2, 17.7), (3, 22.0))  # seed and hour


def picture(place: str, seed: int, hour: float) -> np.ndarray:
    """The view from the start of the agent towards a person about 3 m away, after 180 steps."""
    settings = {"place": place, "width": WIDTH, "height": HEIGHT, "hour": hour}
    core = StandinCore(StandinConfig.model_validate(settings), seed)
    core.step(180, [])
    snapshot = core.snapshot()
    agent = snapshot["avatar"]
    x, z = agent["x"], agent["z"]
    if place == "maze":
        landmark = core.truth()["landmarks"][0]
        x, z = agent["x"], agent["z"] = core.place.ground.free_point(
            np.random.default_rng(seed + 3)
        )
        agent["heading_deg"] = math.degrees(math.atan2(landmark["x"] - x, landmark["z"] - z)) + 10
        agent["pitch_deg"] = 22.0
        core.restore(snapshot)
        return core.frame()
    person = min(
        snapshot["people"], key=lambda each: abs(math.dist((x, z), (each["x"], each["z"])) - 3)
    )
    agent["heading_deg"] = math.degrees(math.atan2(person["x"] - x, person["z"] - z)) + 8
    core.restore(snapshot)
    return core.frame()


def main() -> None:
    for place in VERSIONS:
        row = np.concatenate([picture(place, seed, hour) for seed, hour in VIEWS], axis=1)
        path = ROOT / "docs" / "images" / f"standin-{place}.png"
        done, data = cv2.imencode(".png", cv2.cvtColor(row, cv2.COLOR_RGB2BGR))
        assert done
        path.write_bytes(data.tobytes())  # cv2.imwrite cannot write to Japanese paths on Windows
        print(path.relative_to(ROOT))


if __name__ == "__main__":
    main()
