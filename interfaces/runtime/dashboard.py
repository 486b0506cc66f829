"""The dashboard in the terminal. It shows only values of the Board."""

import time
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from configs.schema import Config
from configs.visible_text import visible
from interfaces.core.step import Sender
from interfaces.core.world import Situation
from interfaces.ipc.board import Board
from interfaces.runtime.metrics import psnr, reward_per_step, shown_metric
from interfaces.runtime.run_folder import RunFolder
from interfaces.safety.body_watch import is_fenced, rest_count

_BAR_WIDTH = 10
_LINE_EVERY_S = 5.0


def live_view(board: Board, run: RunFolder, config: Config, seconds: float, notice: str) -> Panel:
    """The state of the run as a panel. `seconds`: since the start. `notice`: a warning, or ""."""
    ticks = int(board["ticks"])
    if not ticks:
        body: Group | Text = Text(f"starting … {seconds:.0f} s", style="dim")
    else:
        body = Group(_numbers(board, config), Text(), _actions(board, config))
    footer = Text.assemble(
        ("run  ", "dim"),
        visible(str(run.path)),
        "\n",
        ("view ", "dim"),
        visible(str(run.view)),
        "   ",
        ("Ctrl-C ends the run", "dim"),
    )
    parts = [body, Text(), footer]
    if notice:
        parts.append(Text(visible(notice), style="bold yellow"))
    return Panel(Group(*parts), title=f"夢 Yume · {_clock(seconds)}", border_style="blue")


def plain_line(board: Board, seconds: float) -> str:
    """The state of the run in one line, for a log."""
    late = board.histogram("lateness").summary_ms()
    return (
        f"{_clock(seconds)}  ticks {int(board['ticks'])}  late p99 {late['p99']:.2f} ms  "
        f"missed {int(board['missed_beats'])}  updates {int(board['updates'])}  "
        f"weights v{int(board['weights_version'])}  "
        f"model loss {shown_metric(board, 'loss/model')}  "
        f"reward {float(board['reward_sums'].sum()):+.2f}, now {float(board['reward_now']):+.3f}, "
        f"per step {_per_step(board, 'recorded')}, curiosity {_per_step(board, 'curiosity')}"
    )


def _numbers(board: Board, config: Config) -> Table:
    late = board.histogram("lateness").summary_ms()
    first = int(board["first_tick_ns"])
    acting_s = max(1e-9, (time.perf_counter_ns() - first) * 1e-9)
    rate = min(config.tick.hz, int(board["ticks"]) / acting_s)
    rests = rest_count(board)
    table = Table.grid(padding=(0, 3))
    for _ in range(4):
        table.add_column()
    rows = [
        (
            "tick rate",
            f"{rate:.2f} of {config.tick.hz:g} Hz",
            "missed",
            f"{int(board['missed_beats'])}",
        ),
        (
            "late p50 p99 max",
            f"{late['p50']:.2f} {late['p99']:.2f} {late['max']:.2f} ms",
            "frame age",
            f"{1e3 * float(board['frame_age_s']):.0f} ms",
        ),
        ("steps", f"{int(board['ticks'])}", "updates", f"{int(board['updates'])}"),
        (
            "weights",
            f"v{int(board['weights_version'])} (applied {int(board['weights_applied'])})",
            "refused",
            f"{int(board['weights_refused'])}",
        ),
        (
            "reward",
            f"{float(board['reward_sums'].sum()):+.2f}, now {float(board['reward_now']):+.3f}",
            "value",
            f"{float(board['value_now']):.2f}",
        ),
        (
            "reward per step",
            _per_step(board, "recorded"),
            "curiosity",
            _per_step(board, "curiosity"),
        ),
        ("loss model", shown_metric(board, "loss/model"), "KL", shown_metric(board, "loss/kl")),
        (
            "loss policy",
            shown_metric(board, "loss/policy", 3),
            "loss value",
            shown_metric(board, "loss/value", 3),
        ),
        (
            "PSNR model",
            _decibel(board, "model"),
            "last, mean frame",
            f"{_decibel(board, 'last_frame')}, {_decibel(board, 'mean_frame')}",
        ),
    ]
    for a, b, c, d in rows:
        table.add_row(Text(a, "dim"), b, Text(c, "dim"), d)
    unusual = Situation(int(board["situation"])) & ~Situation.FENCED
    if unusual:
        names = (str(flag.name).lower().replace("_", " ") for flag in unusual)
        table.add_row(Text("situation", "bold yellow"), ", ".join(names))
    if int(board["sender"]) == Sender.HUMAN:
        table.add_row(Text("driven", "bold green"), "by a person")
    if is_fenced(board):
        table.add_row(Text("FENCED", "bold red"), f"the inputs are released ({rests} times)")
    return table


def _per_step(board: Board, name: str) -> str:
    value = reward_per_step(board)[name]
    return "-" if value is None else f"{value:+.4f}"


def _decibel(board: Board, name: str) -> str:
    value = psnr(board)[name]
    return "-" if value is None else f"{value:.1f} dB"


def _actions(board: Board, config: Config) -> Table:
    table = Table.grid(padding=(0, 3))
    values = board["action"]
    for i, action in enumerate(config.world.actions[: len(values)]):
        table.add_row(Text(action.name, "dim"), Text(_bar(float(values[i]))), f"{values[i]:+.2f}")
    return table


def _bar(value: float) -> str:
    """A value in -1..1 as a bar to the left or right of the middle."""
    filled = round(min(1.0, abs(value)) * _BAR_WIDTH)
    left = ("█" * filled).rjust(_BAR_WIDTH) if value < 0 else " " * _BAR_WIDTH
    right = ("█" * filled).ljust(_BAR_WIDTH) if value > 0 else " " * _BAR_WIDTH
    return f"{left}│{right}"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}"


class Dashboard:
    """A panel in a terminal, a line every few seconds in a log, and nothing with `quiet`.

    `notice`: a warning. `restarts`: the restarts of processes in words, which a log has anyway.
    """

    def __init__(
        self, board: Board, run: RunFolder, config: Config, console: Console, *, quiet: bool
    ) -> None:
        self._board, self._run, self._config = board, run, config
        self._console, self._quiet = console, quiet
        self._live: Live | None = None
        self._next_line_s = 0.0
        self.notice = ""
        self.restarts = ""

    def __enter__(self) -> "Dashboard":
        if self._quiet:
            return self
        if self._console.is_terminal:
            self._live = Live(console=self._console, auto_refresh=False)
            self._live.__enter__()
        elif self.notice:
            self._console.print(visible(self.notice), markup=False, style="bold yellow")
        return self

    def __exit__(self, *error: Any) -> None:
        if self._live is not None:
            self._live.__exit__(*error)

    def show(self, seconds: float) -> None:
        """Show the current state, `seconds` after the start. Call it about once per second."""
        if self._live is not None:
            notice = "\n".join(filter(None, [self.notice, self.restarts]))
            view = live_view(self._board, self._run, self._config, seconds, notice)
            self._live.update(view, refresh=True)
        elif not self._quiet and seconds >= self._next_line_s:
            self._console.print(plain_line(self._board, seconds), highlight=False, soft_wrap=True)
            self._next_line_s = seconds + _LINE_EVERY_S
