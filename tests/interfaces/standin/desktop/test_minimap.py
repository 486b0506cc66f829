"""The minimap: north up, people and solids in place, light only where the agent can see."""

from dataclasses import dataclass

import numpy as np
import pytest

from configs.standin import StandinConfig
from interfaces.standin.core import StandinCore
from interfaces.standin.desktop.minimap import MIN_SIDE_PX, MODE_COLOURS, Minimap

Truth = dict[str, object]
SIDE = 320
HALF_M = 8.0


@dataclass(frozen=True)
class Disc:
    x: float
    z: float
    radius: float
    colour: tuple[float, float, float] = (1.0, 0.0, 0.0)
    top: float = 3.0


@dataclass(frozen=True)
class Wall:
    x: float
    z: float
    half_x: float
    half_z: float
    colour: tuple[float, float, float] = (0.0, 0.0, 1.0)
    top: float = 3.0


def person(name: str, x: float, z: float, mode: str = "wander", **more: object) -> Truth:
    return {"name": name, "x": x, "z": z, "heading_deg": 0.0, "mode": mode, "bubble": ""} | more


def truth(*people: Truth, x: float = 0.0, z: float = 0.0, heading_deg: float = 0.0) -> Truth:
    return {
        "agent": {"x": x, "z": z, "heading_deg": heading_deg},
        "people": list(people),
        "place": {"name": "test"},
        "patted_by": None,
    }


def centre(mask: np.ndarray) -> tuple[float, float]:
    """The mean position of the set pixels, in metres east and north."""
    rows, columns = np.nonzero(mask)
    scale = HALF_M / (0.5 * SIDE - 0.07 * SIDE)
    return (columns.mean() - 0.5 * SIDE) * scale, (0.5 * SIDE - rows.mean()) * scale


def coloured(picture: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    return (np.abs(picture.astype(int) - colour) <= 6).all(-1)


def lit(minimap: Minimap, now: Truth) -> np.ndarray:
    """The pixels that are brighter than with the agent turned around."""
    other = now | {"agent": now["agent"] | {"heading_deg": now["agent"]["heading_deg"] + 180.0}}
    return minimap.draw(now).astype(int).sum(-1) - minimap.draw(other).astype(int).sum(-1) > 12


@pytest.mark.parametrize("side", [MIN_SIDE_PX, 256])
@pytest.mark.parametrize("place", ["room", "gallery", "plaza", "garden", "maze"])
def test_every_place_is_drawn_deterministically(place: str, side: int) -> None:
    core = StandinCore(StandinConfig(place=place), 0)
    core.step(60, [])
    minimap = Minimap(core.place.half_m, core.place.solids, side)
    first = minimap.draw(core.truth())
    assert first.shape == (side, side, 3)
    assert first.dtype == np.uint8
    assert np.array_equal(minimap.draw(core.truth()), first)
    core.step(60, [])
    assert not np.array_equal(minimap.draw(core.truth()), first)


def test_north_is_up_and_east_is_right() -> None:
    solids = (Disc(4.0, 5.0, 1.0), Wall(-5.0, -3.0, 1.5, 0.5))
    picture = Minimap(HALF_M, solids, SIDE).draw(truth(heading_deg=300.0)).astype(int)
    red = picture[..., 0] - picture[..., 2] > 90
    assert centre(red) == pytest.approx((4.0, 5.0), abs=0.1)
    blue = picture[..., 2] - picture[..., 0] > 90
    assert centre(blue) == pytest.approx((-5.0, -3.0), abs=0.1)
    rows, columns = np.nonzero(blue)
    assert np.ptp(columns) > 2 * np.ptp(rows)


@pytest.mark.parametrize("mode", MODE_COLOURS)
def test_a_person_is_drawn_in_place_in_the_colour_of_its_mode(mode: str) -> None:
    minimap = Minimap(HALF_M, (), SIDE)
    picture = minimap.draw(truth(person("Aoi", 3.0, -4.0, mode), heading_deg=270.0))
    assert centre(coloured(picture, MODE_COLOURS[mode])) == pytest.approx((3.0, -4.0), abs=0.25)


def test_a_mode_without_a_colour_is_drawn() -> None:
    minimap = Minimap(HALF_M, (), SIDE)
    assert not np.array_equal(
        minimap.draw(truth(person("Aoi", 3.0, 3.0, "dance"))), minimap.draw(truth())
    )


def test_people_and_the_agents_arrow_turn_with_the_heading() -> None:
    minimap = Minimap(HALF_M, (), SIDE)
    tips = []
    for heading_deg in (0.0, 90.0, 180.0, 270.0):
        aoi = person("Aoi", 4.0, 4.0, heading_deg=heading_deg)
        x, z = centre(coloured(minimap.draw(truth(aoi, z=-4.0)), MODE_COLOURS["wander"]))
        tips.append((x, z))
    (_, north), (east, _), (_, south), (west, _) = tips
    assert north > south
    assert east > west
    arrows = [minimap.draw(truth(heading_deg=h)) for h in (0.0, 90.0, 180.0, 270.0)]
    assert len({arrow.tobytes() for arrow in arrows}) == 4


def test_names_and_speech_change_the_picture() -> None:
    minimap = Minimap(HALF_M, (), SIDE)
    pictures = [
        minimap.draw(truth(person(name, 3.0, 3.0, "talk", bubble=bubble)))
        for name, bubble in (("Aoi", ""), ("Ren", ""), ("Aoi", "Hello!"))
    ]
    assert len({picture.tobytes() for picture in pictures}) == 3


def test_names_do_not_cover_each_other() -> None:
    minimap = Minimap(HALF_M, (), SIDE)
    near = [person("Aoi", 3.0, 3.0), person("Ren", 3.0, 3.6)]
    both = minimap.draw(truth(*near, heading_deg=180.0)).astype(int).sum()
    empty = minimap.draw(truth(heading_deg=180.0)).astype(int).sum()
    alone = [minimap.draw(truth(each, heading_deg=180.0)).astype(int).sum() for each in near]
    assert both - empty == pytest.approx(sum(alone) - 2 * empty, rel=0.35)


def test_the_person_who_pats_has_a_ring() -> None:
    minimap = Minimap(HALF_M, (), SIDE)
    now = truth(person("Aoi", 5.0, 5.0), person("Ren", -5.0, 5.0), heading_deg=180.0)
    ringed = minimap.draw(now | {"patted_by": "Ren"})
    ring = coloured(ringed, MODE_COLOURS["pat"])
    assert centre(ring) == pytest.approx((-5.0, 5.0), abs=0.25)
    assert not coloured(minimap.draw(now), MODE_COLOURS["pat"]).any()


@pytest.mark.parametrize(
    ("heading_deg", "east", "north"), [(0.0, 0, 1), (90.0, 1, 0), (180.0, 0, -1), (270.0, -1, 0)]
)
def test_light_is_where_the_agent_looks(heading_deg: float, east: int, north: int) -> None:
    x, z = centre(lit(Minimap(HALF_M, (), SIDE), truth(heading_deg=heading_deg)))
    assert x * east + z * north > 1.0
    assert abs(x * north) + abs(z * east) < 0.2


def test_a_wider_field_of_view_lights_more() -> None:
    narrow, wide = (lit(Minimap(HALF_M, (), SIDE, fov), truth()).sum() for fov in (40.0, 80.0))
    assert wide == pytest.approx(2 * narrow, rel=0.25)


def test_light_ends_at_high_solids_but_not_at_low_ones() -> None:
    def lit_beyond(solids: tuple[Wall, ...]) -> int:
        rows = slice(0, round(SIDE / 2 - 2.5 * 0.86 * SIDE / (2 * HALF_M)))  # north of 2.5 m
        return int(lit(Minimap(HALF_M, solids, SIDE), truth())[rows].sum())

    free = lit_beyond(())
    assert free > 1000
    assert lit_beyond((Wall(0.0, 2.0, 8.0, 0.3),)) == 0
    assert lit_beyond((Wall(0.0, 2.0, 8.0, 0.3, top=0.5),)) > 0.9 * free
    assert 0.2 * free < lit_beyond((Wall(-4.0, 2.0, 4.0, 0.3),)) < 0.8 * free


def test_a_person_outside_is_drawn_at_the_edge() -> None:
    minimap = Minimap(HALF_M, (), SIDE)
    far = truth(person("Aoi", 900.0, -900.0), x=-900.0, z=900.0)
    assert not np.array_equal(minimap.draw(far), minimap.draw(truth()))


def test_movers_are_drawn() -> None:
    minimap = Minimap(HALF_M, (), SIDE)
    with_mover = truth() | {"movers": [{"name": "duck", "pose": (3.0, 0.0, -3.0, 45.0)}]}
    changed = (minimap.draw(with_mover) != minimap.draw(truth())).any(-1)
    assert centre(changed) == pytest.approx((3.0, -3.0), abs=0.25)


def test_a_map_that_is_too_small_is_refused() -> None:
    with pytest.raises(ValueError, match=f"side_px {MIN_SIDE_PX - 1}: .* {MIN_SIDE_PX}"):
        Minimap(HALF_M, (), MIN_SIDE_PX - 1)
