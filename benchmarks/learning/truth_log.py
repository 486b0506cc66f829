"""The stand-in's true state during parts of a live run, so that they can be drawn from above.

The agent never receives it. `record_truth` asks the stand-in over HTTP and writes RUN/truth.jsonl.
"""

import contextlib
import json
import threading
import time
import urllib.request
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from interfaces.runtime.live_control.live_runs import open_board
from interfaces.runtime.run_folder import RunFolder
from interfaces.vrchat.endpoints import read_endpoints

HZ = 10.0
FILE = "truth.jsonl"
_KEYS = ("time_s", "place", "people", "patted_by", "movers")
_TIMEOUT_S = 1.0
Spans = Sequence[tuple[float, float]]  # seconds since the first tick: from, to


def record_truth(run: RunFolder, spans: Spans, ended: threading.Event) -> None:
    """Records HZ states per second in the spans. Returns after the last one or when `ended` is set.

    A state that cannot be read is left out.
    """
    first_tick_s = _first_tick_s(run, ended)
    if first_tick_s is None:
        return
    url = truth_url(run)
    with (run.path / FILE).open("a", encoding="utf-8", buffering=1) as file:
        for begin, end in spans:
            due = first_tick_s + begin
            while not ended.wait(max(0.0, due - time.perf_counter())):
                now = time.perf_counter()
                if now - first_tick_s >= end:
                    break
                due = max(due + 1.0 / HZ, now)  # a slow answer does not cause a burst
                if (state := _state(url)) is not None:
                    file.write(json.dumps(state) + "\n")


def read_truth(run: RunFolder) -> list[dict[str, Any]]:
    """The recorded states in the order of time; none if the run has no file.

    `monotonic_ns` is on the clock of the journal's Steps.
    """
    path = run.path / FILE
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8").splitlines()
    states = [json.loads(line) for line in lines if line.endswith("}")]  # the last may be torn
    return sorted(states, key=lambda state: state["monotonic_ns"])


def truth_url(run: RunFolder) -> str:
    """The address of the true state, from the address of the stand-in's picture."""
    source = urlsplit(str(read_endpoints(run.endpoints).camera_source))
    return f"{source.scheme}://{source.netloc}/truth"


def _first_tick_s(run: RunFolder, ended: threading.Event) -> float | None:
    """Waits for the first tick. None if the run ends before it."""
    while not ended.wait(0.1):
        with contextlib.suppress(OSError, ValueError):  # the Board is not complete yet
            if first := int(open_board(run)["first_tick_ns"]):
                return first * 1e-9
    return None


def _state(url: str) -> dict[str, Any] | None:
    began = time.perf_counter_ns()
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as answer:
            truth = json.load(answer)
    except (OSError, ValueError):
        return None
    middle = (began + time.perf_counter_ns()) // 2
    agent = {name: truth["agent"][name] for name in ("x", "z", "heading_deg")}
    return {"monotonic_ns": middle, "agent": agent, **{name: truth[name] for name in _KEYS}}
