"""The playback page, used by a simulated visitor."""

import asyncio
import time

import numpy as np
import pytest

from tests.interfaces.session.recordings import SPACES
from tests.polling import POLL_S, WAIT_S

pytest.importorskip("nicegui")
from nicegui import ui
from nicegui.testing import user_simulation

from interfaces.core.sense_map import PlacedSense, SenseMap
from interfaces.session.format.segment_writer import SessionError
from interfaces.session.timeline import Timeline
from interfaces.web.page import Player

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def make_timeline(count: int) -> Timeline:
    """Ten Steps per second, all of them estimated: a value, but no surprise."""
    rows = np.arange(count)
    zeros = np.zeros(count)
    return Timeline(
        spaces=SPACES,
        index=rows + 500,
        seconds=rows / 10,
        parameters=np.stack([np.sin(rows), np.full(count, np.nan)], 1).astype(np.float32),
        action=np.zeros((count, 3), np.float32),
        reward=zeros.astype(np.float32),
        version=zeros.astype(np.int64),
        situation=zeros.astype(np.uint32),
        sender=zeros.astype(np.uint8),
        value=rows.astype(np.float32),
        surprise=np.full(count, np.nan, np.float32),
        events=[(0, "episode starts"), (30, "<b>weights</b> 2")],
        estimated=count,
    )


def with_senses(timeline: Timeline) -> Timeline:
    """The same, where the features are the closeness of one contact and its flag."""
    timeline.senses = SenseMap((PlacedSense("Near", "contact", 0.0, 3.0),), (0,), (1,))
    timeline.parameters[:] = np.stack([np.linspace(0, 1, len(timeline)), np.ones(len(timeline))], 1)
    return timeline


def visit(talk, timeline=None, picture=None):
    """Run `talk(user, shown)` on the page; `shown` lists the rows whose picture was requested."""
    shown: list[int] = []

    def gray(row: int) -> np.ndarray:
        shown.append(row)
        return np.full((16, 12, 3), row, np.uint8)

    def build() -> None:
        Player(timeline or make_timeline(100), picture or gray, "夢")

    async def use() -> None:
        async with user_simulation(build) as user:
            await user.open("/")
            await talk(user, shown)

    asyncio.run(use())


async def until(condition, what: str):
    """Like wait_until of tests.polling, while the page keeps running."""
    deadline = time.perf_counter() + WAIT_S
    while not condition():
        assert time.perf_counter() < deadline, f"{what}: not within {WAIT_S:g} s"
        await asyncio.sleep(POLL_S)


def click(button) -> None:
    for listener in button._event_listeners.values():
        if listener.type == "click":
            listener.handler(None)


def test_the_page_starts_at_the_first_step_and_goes_to_any_other():
    async def talk(user, shown):
        assert shown == [0]
        await user.should_see("夢")
        buttons = [each for each in user.find(ui.button).elements if "icon" in each.props]
        by_icon = {each.props["icon"]: each for each in buttons}
        for icon, row in (("skip_next", 1), ("skip_next", 2), ("skip_previous", 1)):
            with user.client:
                click(by_icon[icon])
            assert shown[-1] == row
        (events,) = user.find(ui.table).elements
        assert [row["what"] for row in events.rows] == ["episode starts", "<b>weights</b> 2"]
        user.find(ui.table).trigger("rowClick", {"at": events.rows[1]["at"]})
        await until(lambda: shown[-1] == 30, "the Step of the event")
        (status,) = (each for each in user.find(ui.html).elements if "of 0:09.90" in each.content)
        assert "step 530" in status.content
        assert "value +30.000" in status.content
        assert "surprise -" in status.content
        (slider,) = user.find(ui.slider).elements
        assert slider.value == 3.0
        slider.value = 7.25
        assert shown[-1] == 72

    visit(talk)


def test_contacts_and_rays_are_shown_from_above_and_not_as_bars():
    async def talk(user, shown):
        _, senses = sorted(user.find(ui.image).elements, key=lambda each: each.id)
        first = senses.source
        assert first.startswith("data:image/png")
        (slider,) = user.find(ui.slider).elements
        slider.value = 9.9
        assert shown[-1] == 99
        assert senses.source != first, "another closeness, another picture"
        (bars,) = (each for each in user.find(ui.html).elements if "actions" in each.content)
        assert "Jump" in bars.content
        assert not any(name in bars.content for name in SPACES.features)

    visit(talk, with_senses(make_timeline(100)))


def test_playback_runs_at_the_chosen_speed_and_stops_at_the_end():
    async def talk(user, shown):
        (speed,) = user.find(ui.toggle).elements
        speed.value = 16.0
        (play,) = (e for e in user.find(ui.button).elements if e.props.get("icon") == "play_arrow")
        with user.client:
            click(play)
        await until(lambda: shown[-1] == 99, "the last Step")
        assert shown == sorted(shown)
        await until(lambda: play.props["icon"] == "play_arrow", "the end of playback")

    visit(talk)


def test_an_unreadable_picture_is_reported_on_the_page():
    def fail(row: int) -> np.ndarray:
        raise SessionError("chunk 3 is damaged")

    async def talk(user, shown):
        labels = user.find(ui.label).elements
        await until(lambda: any("chunk 3 is damaged" in each.text for each in labels), "the error")

    visit(talk, make_timeline(50), fail)


def test_the_page_says_why_value_and_surprise_are_unknown():
    timeline = make_timeline(100)
    timeline.not_estimated.update({"weights that are not kept": 1, "steps are missing": 39})

    async def talk(user, shown):
        await user.should_see("of 40 steps are unknown (39: steps are missing; 1: weights")

    visit(talk, timeline)
