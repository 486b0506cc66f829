"""The player's page, visited by a simulated user, and its curves."""

import asyncio
import base64

import cv2
import numpy as np
import pytest

from tests.interfaces.session.recordings import SPACES

pytest.importorskip("nicegui")
from nicegui import ui
from nicegui.testing import user_simulation

from interfaces.session.format.segment_writer import SessionError
from interfaces.session.timeline import Diary
from interfaces.web.page import Player, as_source, clock, thinned

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def diary_of(count: int) -> Diary:
    """Ten Steps a second; value and surprise are thought."""
    rows = np.arange(count)
    zeros = np.zeros(count)
    return Diary(
        spaces=SPACES,
        index=rows + 500,
        seconds=rows / 10,
        felt=np.stack([np.sin(rows), np.full(count, np.nan)], 1).astype(np.float32),
        action=np.zeros((count, 3), np.float32),
        reward=zeros.astype(np.float32),
        version=zeros.astype(np.int64),
        situation=zeros.astype(np.uint32),
        sender=zeros.astype(np.uint8),
        value=rows.astype(np.float32),
        surprise=np.full(count, np.nan, np.float32),
        events=[(0, "a life begins"), (30, "<b>weights</b> 2")],
        thought=count,
    )


def visit(talk, count: int = 100):
    """Let `talk(user, shown)` use the page; shown are the rows it asked pictures of."""
    shown: list[int] = []

    def picture(row: int) -> np.ndarray:
        shown.append(row)
        return np.full((16, 12, 3), row, np.uint8)

    async def use() -> None:
        async with user_simulation(lambda: Player(diary_of(count), picture, "夢") and None) as user:
            await user.open("/")
            await talk(user, shown)

    asyncio.run(use())


def test_it_opens_at_the_beginning_and_steps_and_jumps():
    async def talk(user, shown):
        assert shown == [0]
        await user.should_see("夢")
        buttons = [each for each in user.find(ui.button).elements if "icon" in each.props]
        by_icon = {each.props["icon"]: each for each in buttons}
        for icon, row in (("skip_next", 1), ("skip_next", 2), ("skip_previous", 1)):
            with user.client:
                click(by_icon[icon])
            assert shown[-1] == row
        (happened,) = user.find(ui.table).elements
        assert [row["what"] for row in happened.rows] == ["a life begins", "<b>weights</b> 2"]
        user.find(ui.table).trigger("rowClick", {"at": happened.rows[1]["at"]})
        await asyncio.sleep(0.05)
        assert shown[-1] == 30
        (told,) = (each for each in user.find(ui.html).elements if "of 0:09.90" in each.content)
        assert "step 530" in told.content
        assert "value +30.000" in told.content
        assert "surprise -" in told.content
        (slider,) = user.find(ui.slider).elements
        assert slider.value == 3.0
        slider.value = 7.25
        assert shown[-1] == 72

    visit(talk)


def test_it_plays_at_the_chosen_speed_and_stops_at_the_end():
    async def talk(user, shown):
        (speed,) = user.find(ui.toggle).elements
        speed.value = 16.0
        (play,) = (e for e in user.find(ui.button).elements if e.props.get("icon") == "play_arrow")
        with user.client:
            click(play)
        for _ in range(100):
            await asyncio.sleep(0.05)
            if shown[-1] == 99:
                break
        assert shown[-1] == 99
        assert shown == sorted(shown)
        await asyncio.sleep(0.15)
        assert play.props["icon"] == "play_arrow", "it has stopped"

    visit(talk)


def click(button) -> None:
    for listener in button._event_listeners.values():
        if listener.type == "click":
            listener.handler(None)


def test_a_picture_that_cannot_be_read_is_said_and_ends_nothing():
    def torn(row: int) -> np.ndarray:
        raise SessionError("chunk 3 is damaged")

    async def use() -> None:
        async with user_simulation(lambda: Player(diary_of(50), torn, "夢") and None) as user:
            await user.open("/")
            await asyncio.sleep(1.2)
            await user.should_see("chunk 3 is damaged")

    asyncio.run(use())


def test_why_a_curve_is_empty_is_said():
    diary = diary_of(100)
    diary.unthought.update({"weights that are not kept": 1, "its memory is not known": 39})

    async def use() -> None:
        picture = lambda row: np.zeros((16, 12, 3), np.uint8)  # noqa: E731
        async with user_simulation(lambda: Player(diary, picture, "夢") and None) as user:
            await user.open("/")
            await user.should_see(
                "of 40 steps are not known (39: its memory is not known; 1: weights"
            )

    asyncio.run(use())


def test_names_cannot_write_html():
    from interfaces.web.page import _lines

    assert "<script>" not in _lines("does", [("<script>", 0.5, 1.0)])


def test_a_picture_carries_itself():
    image = np.arange(16 * 12 * 3, dtype=np.uint8).reshape(16, 12, 3)
    kind, _, data = as_source(image).partition(",")
    assert kind == "data:image/png;base64"
    back = cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR)
    np.testing.assert_array_equal(back[..., ::-1], image)


def test_a_long_curve_keeps_its_spikes_and_its_holes():
    values = np.zeros(100_000, np.float32)
    values[[7, 54_321]] = 5.0, -3.0
    values[70_000:80_000] = np.nan
    points = thinned(np.arange(100_000) / 10, values, 2000)
    assert len(points) <= 2000
    assert {(0.7, 5.0), (5432.1, -3.0)} <= set(points)
    assert any(value is None for _, value in points)
    assert [s for s, _ in points] == sorted(s for s, _ in points)
    assert thinned(np.arange(3.0), np.float32([1, np.nan, 2]), 10) == [
        (0.0, 1.0),
        (1.0, None),
        (2.0, 2.0),
    ]


@pytest.mark.parametrize(
    ("seconds", "told"), [(0, "0:00.00"), (61.5, "1:01.50"), (7325.25, "2:02:05.25")]
)
def test_times(seconds, told):
    assert clock(seconds) == told
