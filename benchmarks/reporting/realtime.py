"""Realtime: tick timing, input release, and the connection to VRChat."""

from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.reporting.table import Table, median_range, number, read

OLDER = "Old: an early commit; the code has changed since."


def tables(results: Path) -> list[Table]:
    return [
        tick_timing(results),
        vrchat_latency(results),
        vrchat_flood(results),
        ray_flood(results),
        vrchat_loss(results),
        *([two_commits(results)] if (results / "realtime/two_commits.json").exists() else []),
    ]


def tick_timing(results: Path) -> Table:
    content = read(results, "realtime/tick_timing")
    runs = [row for row in content["rows"] if row["run"] != "median"]
    goals = {"missed ticks %": "0.5", "lateness p99 ms": "2"}
    named = [
        ("rate Hz", "tick rate, Hz", 4),
        ("missed ticks %", "missed ticks, %", 1),
        ("lateness p50 ms", "lateness p50, ms", 3),
        ("lateness p99 ms", "lateness p99, ms", 2),
        ("lateness max ms", "lateness maximum, ms", 1),
        ("decision p50 ms", "time of one decision p50, ms", 1),
        ("weights switch max ms", "switch to new weights, maximum, ms", 2),
        ("updates", "updates of the trainer", 0),
        ("weights applied", "weights versions applied", 0),
        ("PSNR model dB", "next-frame PSNR: world model, dB", 1),
        ("PSNR last frame dB", "next-frame PSNR: repeat the last frame, dB", 1),
        ("PSNR mean frame dB", "next-frame PSNR: mean frame, dB", 1),
        ("first tick s", "time to the first tick, s", 1),
        ("memory MB", "memory of all processes (USS), MB", 0),
    ]
    rows = [
        [
            text,
            median_range([row[key] for row in runs], digits),
            " ".join(number(row[key], digits) for row in runs),
            goals.get(key, ""),
        ]
        for key, text, digits in named
    ]
    worst = max(row["lateness p99 ms"] for row in runs)
    gains = [row["PSNR model dB"] - row["PSNR last frame dB"] for row in runs]
    limits: list[str] = []
    if worst > 2:
        limits.append(f"Bad: in one run the lateness p99 is {worst:.1f} ms, above its goal.")
    limits.append(
        f"Bad: in the worst run the model predicts the next frame only {min(gains):.1f} dB better "
        "than the last frame."
    )
    return Table(
        title="Tick timing",
        shows="Does the agent keep its tick rate while it learns?",
        unit="see each row",
        sample=f"{len(runs)} runs (seeds 0 to {len(runs) - 1}) of 120 s at 10 Hz in the stand-in, "
        "preset `default`. Spread is minimum to maximum over the runs",
        baselines="for the prediction: the last frame and the mean frame. No peer was measured",
        columns=["measurement", "median (min to max)", "each run", "goal"],
        rows=rows,
        machines=[content["machine"]],
        command="python -m benchmarks.realtime.tick_timing",
        files=["realtime/tick_timing.json"],
        limits=limits,
    )


def input_release(results: Path) -> Table:
    content = read(results, "realtime/input_release")
    trials = read(results, "realtime/input_release_trials")
    rows: list[list[str]] = []
    within = total = 0
    for row in content["rows"]:
        times: list[float] = trials[row["cause"]]["ms"]
        good = sum(ms <= row["limit ms"] for ms in times)
        within, total = within + good, total + len(times)
        percentile = sorted(times)[max(0, -(-99 * len(times) // 100) - 1)]
        rows.append(
            [
                row["cause"],
                median_range(times, 1),
                number(percentile, 1),
                number(row["limit ms"]),
                f"{good} of {len(times)}",
                f"`{trials[row['cause']]['commit']}`",
            ]
        )
    machine: dict[str, Any] = content["machine"]
    commits = dict.fromkeys(trials[row["cause"]]["commit"] for row in content["rows"])
    return Table(
        title="Input release",
        shows="How soon is every input released after a crash, a hang or a stop?",
        unit="milliseconds from the cause to the last input that is not released",
        sample=f"{number(total)} trials with real processes at 10 Hz, {total // len(rows)} for "
        f"each cause. {number(within)} are within their limit. Spread is minimum to maximum over "
        "trials",
        baselines="the limit of each cause; no peer was measured",
        columns=["cause", "median (min to max)", "p99", "limit", "within the limit", "commit"],
        rows=rows,
        machines=[machine | {"commit": commit} for commit in commits],
        command="python -m benchmarks.realtime.input_release --trials 100",
        files=["realtime/input_release.json", "realtime/input_release_trials.json"],
        limits=[
            OLDER,
            "Missing: the client and the camera are simulated; VRChat itself was not measured.",
            "For the client port, the time is from its reopening to the first packet. A negative "
            "time "
            "means that the packet arrived before the clock was read.",
        ],
    )


def vrchat_latency(results: Path) -> Table:
    content = read(results, "realtime/vrchat_latency")
    runs = content["rows"]
    named = [("p50 ms", "p50, ms"), ("p99 ms", "p99, ms"), ("max ms", "maximum, ms")]
    named += [("frame age p50 ms", "of it frame age p50, ms"), ("missed ticks", "missed ticks")]
    rows = [
        [
            text,
            median_range([row[key] for row in runs], 1),
            " ".join(number(row[key], 1) for row in runs),
        ]
        for key, text in named
    ]
    return Table(
        title="Latency from frame to OSC packet",
        shows="How long does it take until a captured frame becomes an OSC packet?",
        unit="milliseconds from the capture of the frame to the first packet of its tick",
        sample=f"{len(runs)} runs of 60 s at 20 Hz with a camera of 30 fps, {runs[0]['ticks']} "
        "ticks "
        "each. Spread is minimum to maximum over runs",
        baselines="none recorded",
        columns=["measurement", "median (min to max)", "each run"],
        rows=rows,
        machines=[content["machine"]],
        command="python -m benchmarks.realtime.vrchat_latency --only latency",
        files=["realtime/vrchat_latency.json"],
        limits=[OLDER, "Bad: the maximum of one run is three ticks."],
    )


def vrchat_flood(results: Path) -> Table:
    content = read(results, "realtime/vrchat_flood")
    rows: list[list[str]] = []
    for load in dict.fromkeys(row["load"] for row in content["rows"]):
        runs = [row for row in content["rows"] if row["load"] == load]
        rows.append(
            [
                load,
                str(len(runs)),
                *(
                    median_range([row[f"lateness {part} ms"] for row in runs], digits)
                    for part, digits in (("p50", 3), ("p99", 2), ("max", 1))
                ),
                number(sum(row["missed ticks"] for row in runs)),
                median_range([row["received"] for row in runs]),
            ]
        )
    return Table(
        title="Flood of OSC messages",
        shows="Do many incoming OSC messages delay the tick?",
        unit="milliseconds of lateness; messages received",
        sample="pairs of runs of 60 s at 20 Hz. Spread is minimum to maximum over runs",
        baselines="the same runs without the flood",
        columns=[
            "load",
            "runs",
            "lateness p50",
            "lateness p99",
            "lateness maximum",
            "missed ticks, all runs",
            "messages received",
        ],
        rows=rows,
        machines=[content["machine"]],
        command="python -m benchmarks.realtime.vrchat_latency --only flood",
        files=["realtime/vrchat_flood.json"],
        limits=[OLDER, "Bad: without the flood two of three runs miss the goal of 2 ms for p99."],
    )


def ray_flood(results: Path) -> Table:
    content = read(results, "realtime/ray_flood")
    loads: dict[str, list[dict[str, Any]]] = {}
    for row in content["rows"]:
        loads.setdefault(row["load"], []).append(row)
    rows = [
        [
            load,
            str(len(runs)),
            *(
                median_range([run[key] for run in runs], digits)
                for key, digits in (
                    ("messages/s", 0),
                    ("lateness p50 ms", 3),
                    ("lateness p99 ms", 2),
                    ("lateness max ms", 1),
                    ("body CPU %", 1),
                )
            ),
            number(sum(run["missed ticks"] for run in runs)),
        ]
        for load, runs in loads.items()
    ]
    medians = {
        load: median([run["lateness p99 ms"] for run in runs]) for load, runs in loads.items()
    }
    growth = medians["64 rays, observed"] - medians["no rays"]
    verdict = "reached" if growth < 0.5 else "not reached"
    return Table(
        title="Messages of 64 rays",
        shows="Do the messages of an avatar's rays delay the tick?",
        unit="milliseconds of lateness; percent of one core",
        sample="groups of runs of 60 s at 20 Hz, in turn. Spread is minimum to maximum over runs",
        baselines="the same runs without the messages",
        columns=[
            "load",
            "runs",
            "messages/s",
            "lateness p50",
            "lateness p99",
            "lateness maximum",
            "CPU of the body, %",
            "missed ticks, all runs",
        ],
        rows=rows,
        machines=[content["machine"]],
        command="python -m benchmarks.realtime.vrchat_latency --only rays",
        files=["realtime/ray_flood.json"],
        limits=[
            f"The median p99 changes by {growth:+.2f} ms (goal: at most +0.5 ms): {verdict}.",
        ],
    )


def vrchat_loss(results: Path) -> Table:
    content = read(results, "realtime/vrchat_loss")
    rows = [
        [
            number(row["ticks"]),
            number(row["packets"]),
            number(row["packets lost %"], 2),
            number(row["longest mismatch s"], 3),
            number(row["mismatches over 0.2 s"]),
            number(row["ticks without a long mismatch %"], 3),
        ]
        for row in content["rows"]
    ]
    return Table(
        title="Packet loss",
        shows="How long does an input differ from the intended one when packets are lost?",
        unit="seconds; per cent of ticks",
        sample="one run of 10 minutes at 10 Hz, one random seed of the losses; no spread",
        baselines="none; without repetition a lost packet would stay wrong until the next change",
        columns=[
            "ticks",
            "packets",
            "packets lost, %",
            "longest mismatch, s",
            "mismatches over 0.2 s",
            "ticks without a long mismatch, %",
        ],
        rows=rows,
        machines=[content["machine"]],
        command="python -m benchmarks.realtime.vrchat_latency --only loss",
        files=["realtime/vrchat_loss.json"],
        limits=[OLDER],
    )


def two_commits(results: Path) -> Table:
    content = read(results, "realtime/two_commits")
    commits = list(dict.fromkeys(row["commit"] for row in content["rows"]))
    columns = {"lateness p50 ms": 3, "lateness p99 ms": 2, "lateness max ms": 1, "CPU s": 0}
    rows: list[list[str]] = []
    for commit in sorted(commits, key=lambda name: name == "this commit"):
        runs = [row for row in content["rows"] if row["commit"] == commit]
        spreads = [median_range([run[key] for run in runs], n) for key, n in columns.items()]
        ticks, missed = (sum(run[key] for run in runs) for key in ("ticks", "missed ticks"))
        rows.append([commit, str(len(runs)), *spreads, f"{missed} of {number(ticks)}"])
    return Table(
        title="Tick timing before and after",
        shows="Do the safety measures since an earlier commit delay the tick?",
        unit="milliseconds of lateness; seconds of CPU time of all processes",
        sample=f"runs of {content['seconds']:g} s at {content['hz']:g} Hz, preset `default`, two "
        "commits in turn. Spread: minimum to maximum",
        baselines="the earlier commit",
        columns=["commit", "runs", "p50", "p99", "maximum", "CPU of a run, s", "missed ticks"],
        rows=rows,
        machines=[content["machine"]],
        command=f"python -m benchmarks.realtime.two_commits {commits[0]}",
        files=["realtime/two_commits.json"],
    )
