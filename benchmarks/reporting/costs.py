"""Cost of the parts: weights, journal, board, memory, screen, audio, and one update."""

from pathlib import Path

from benchmarks.reporting.realtime import OLDER
from benchmarks.reporting.table import Table, number, read

_NO_SPREAD = "the spread between runs is not recorded"


def tables(results: Path) -> list[Table]:
    return [
        weights_switch(results),
        journal_cost(results),
        board_cost(results),
        memory_growth(results),
        screen_capture(results),
        audio_input(results),
        update(results),
    ]


def weights_switch(results: Path) -> Table:
    content = read(results, "realtime/weights_switch")
    stages = {
        "publish": ("publish", 1),
        "copy": ("copy and check", 1),
        "switch": ("switch in the tick", 4),
        "torch save and load": ("torch save and load", 1),
    }
    rows = [
        [
            number(row["MB"]),
            *(
                f"{number(row[f'{stage} p50 ms'], digits)}, "
                f"{number(row[f'{stage} p99 ms'], digits)}"
                for stage, (_, digits) in stages.items()
            ),
        ]
        for row in content["rows"]
    ]
    torn = content["torn"]
    return Table(
        title="Weights",
        shows="How long does it take to publish new weights and to switch to them?",
        unit="milliseconds: p50, p99",
        sample=f"60 versions in each of 3 runs. The values are medians of the runs; {_NO_SPREAD}",
        baselines="`torch.save` and `torch.load` in memory",
        columns=["size, MB", *(text for text, _ in stages.values())],
        rows=rows,
        machines=[content["machine"]],
        command="python -m benchmarks.realtime.weights_switch",
        files=["realtime/weights_switch.json"],
        limits=[
            f"Torn reads beside a writer at full speed, 5 MB, {number(torn['reads'])} reads: "
            f"{torn['torn_unchecked']} without the check, {torn['torn_checked']} with it.",
            OLDER,
        ],
    )


def journal_cost(results: Path) -> Table:
    content = read(results, "realtime/journal_cost")
    rows = [
        [
            row["method"],
            number(row["p50 µs"]),
            number(row["p99 µs"]),
            number(row["max µs"]),
            number(row["dropped"]),
            number(row["steps"]),
        ]
        for row in content["rows"]
    ]
    return Table(
        title="Journal",
        shows="How long does it take the body to append one Step to the journal?",
        unit="microseconds per Step with a 64×64 image",
        sample=f"3 runs of 6 s. p50 and p99 are medians of the runs, the maximum is that of all; "
        f"{_NO_SPREAD}",
        baselines="direct append, without the background thread (step writer)",
        columns=["method", "p50", "p99", "maximum", "dropped Steps", "Steps"],
        rows=rows,
        machines=[content["machine"]],
        command="python -m benchmarks.realtime.journal_cost",
        files=["realtime/journal_cost.json"],
        limits=[
            f"A batch of 16×64 Steps takes {content['gather_16x64_ms']:.1f} ms to read.",
            "Bad: beside a busy disk the p99 of the step writer is 6 ms.",
            OLDER,
        ],
    )


def board_cost(results: Path) -> Table:
    content = read(results, "realtime/board_cost")
    rows = [
        [
            row["measurement"].removesuffix(", µs"),
            *(number(row[k], 1) for k in ("p50", "p99", "max")),
        ]
        for row in content["rows"]
    ]
    return Table(
        title="Board",
        shows="How much time does the shared-memory board take in each tick?",
        unit="microseconds",
        sample="5 runs: 20,000 writes each, and 290 round trips each. For the writes, p50 is the "
        "median of the runs, and the other two columns are the slowest run",
        baselines="none",
        columns=["measurement", "p50", "p99", "maximum"],
        rows=rows,
        machines=[content["machine"]],
        command="python -m benchmarks.realtime.board_cost",
        files=["realtime/board_cost.json"],
        limits=[OLDER],
    )


def memory_growth(results: Path) -> Table:
    content = read(results, "realtime/memory_growth")
    rows = [
        [
            f"`{row['command']}`",
            f"{row['hours']:g}",
            number(row["steps"]),
            number(row["private MB"]),
            number(row["resident MB"]),
            number(row["seconds"]),
        ]
        for row in content["rows"]
    ]
    return Table(
        title="Memory against recording length",
        shows="Does memory grow with the length of a recording?",
        unit="peak MB; private memory is not backed by a file",
        sample="one run of each command and length, one seed; no spread",
        baselines="the recording of six minutes",
        columns=["command", "hours", "Steps", "private, MB", "resident, MB", "time, s"],
        rows=rows,
        machines=[content["machine"]],
        command="python -m benchmarks.realtime.memory_growth",
        files=["realtime/memory_growth.json"],
        limits=[
            "Resident memory includes mapped pages of the journal, which the system can reclaim."
        ],
    )


def screen_capture(results: Path) -> Table:
    content = read(results, "realtime/screen_capture")
    rows = [
        [
            f"`{row['source']}`" if ":" in row["source"] else row["source"],
            number(row["ms p50"], 1),
            number(row["ms p99"], 1),
            f"{row['limit ms']:g}" if row["limit ms"] != "" else "",
        ]
        for row in content["rows"]
    ]
    return Table(
        title="Screen capture",
        shows="How long does it take to capture a frame of the screen or of a window?",
        unit="milliseconds per frame, 640×480 resized to 128×128",
        sample=f"5 runs of 300 frames. The values are medians of the runs; {_NO_SPREAD}",
        baselines="mss with the same resize, without following a window",
        columns=["source", "p50", "p99", "limit"],
        rows=rows,
        machines=[content["machine"]],
        command="python -m benchmarks.realtime.screen_capture",
        files=["realtime/screen_capture.json"],
        limits=[OLDER, "Measured with Xvfb; no real display and no Windows was measured."],
    )


def audio_input(results: Path) -> Table:
    content = read(results, "realtime/audio_input")
    rows = [
        [
            row["device"],
            f"{row['measured Hz min']:.2f} to {row['measured Hz max']:.2f}",
            number(row["overflows"]),
            f"{row['age p50 ms']:.1f}, {row['age p99 ms']:.1f}",
            f"{row['newest() p50 ms']:.2f}, {row['newest() p99 ms']:.2f}",
        ]
        for row in content["rows"]
    ]
    return Table(
        title="Audio input",
        shows="Does the audio input keep pace with a real sound server?",
        unit="Hz of a tone of 440 Hz; milliseconds: p50, p99",
        sample="one run of 60 s, read at 20 Hz; no spread between runs",
        baselines="none",
        columns=["device", "measured frequency", "overflows", "age of the sound", "read time"],
        rows=rows,
        machines=[content["machine"]],
        command="python -m benchmarks.realtime.audio_input",
        files=["realtime/audio_input.json"],
        limits=[OLDER],
    )


def update(results: Path) -> Table:
    content = read(results, "update")
    rows = [
        [
            row["case"],
            f"{number(row['ms (median of runs)'])} ({number(row['min'])} to {number(row['max'])})",
            number(row["imagined steps"]),
        ]
        for row in content["rows"]
    ]
    first = content["rows"][0]
    return Table(
        title="Time of one update",
        shows="How long does one update of world model, policy and value take on a CPU?",
        unit="milliseconds; median of the runs (minimum to maximum)",
        sample=f"several runs of 20 updates on random data, batch {first['batch']} × length "
        f"{first['length']}, {first['threads']} thread. The number of runs is not recorded",
        baselines="the first row is the preset; each other row changes it as named. No peer was "
        "measured",
        columns=["case", "time", "imagined steps"],
        rows=rows,
        machines=[content["machine"]],
        command="python -m benchmarks.update --runs 5",
        files=["update.json"],
        limits=["No GPU was measured."],
    )
