"""The processes of a run: name, entry point, when each runs, how it ends and whether it restarts.

`main.py` makes a hidden command `_NAME RUN` of every row, the live run starts the rows whose
condition holds, and the supervisor restarts and stops them as their row says. A new process is a
row here and a function that takes the run's folder.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from configs.schema import Config

MAIN = Path(__file__).resolve().parents[2] / "main.py"  # starts every process of a run


def _always(_: Config) -> bool:
    return True


@dataclass(frozen=True)
class ProcessSpec:
    """One process of a run.

    `entry_point`: "module:function". Only the child imports it and calls it with the run's folder.

    `runs`: whether a configuration needs this process.

    `restart`: with "on_exit" the supervisor restarts it whenever it ends; with "never" it does not.

    `stop`: a process "by_board" ends when the Board says stop, and the supervisor waits for it, a
    lower `stop_rank` first. One with "terminate" gets a signal after all the others.

    `background`: it runs below the priority of all other programs, from before its imports on: they
    take seconds, in which the body starts too.

    `job`: on Windows a "member" of the job object is ended with it, after the supervisor and every
    "holder" have ended; see job_object.py.

    `hang_after_s`: the supervisor kills and restarts it after so many seconds without a new
    heartbeat on the Board. None: it shows no heartbeat.
    """

    name: str
    entry_point: str
    purpose: str
    runs: Callable[[Config], bool] = _always
    restart: Literal["on_exit", "never"] = "on_exit"
    stop: Literal["by_board", "terminate"] = "by_board"
    stop_rank: int = 1
    background: bool = False
    job: Literal["member", "holder", "none"] = "member"
    hang_after_s: float | None = None

    @property
    def command(self) -> str:
        """The hidden command of main.py that runs it."""
        return f"_{self.name}"

    @property
    def title(self) -> str:
        """The process title, as process monitors show it."""
        return process_title(self.name)

    def arguments(self, python: str, main: Path, run: Path) -> tuple[str, ...]:
        """The command line that starts it for the run in folder `run`."""
        return (python, str(main), self.command, str(run))


def process_title(name: str) -> str:
    """The title of a process of Yume."""
    return f"yume-{name}"


# In the order in which they start.
PROCESSES: tuple[ProcessSpec, ...] = (
    ProcessSpec(
        "standin",
        "interfaces.runtime.standin_process:serve_run",
        "the simulated VRChat client",
        runs=lambda config: config.world.kind == "standin",
        stop="terminate",  # a client outlives the body: the guard still has to reach it
    ),
    ProcessSpec(
        "guard",
        "interfaces.runtime.guard:watch_run",
        "releases every input when the body stops",
        stop_rank=2,  # it releases the inputs after the body has ended
        job="holder",
        hang_after_s=5.0,
    ),
    ProcessSpec(
        "body",
        "agent.acting.body_process:run_body",
        "observes, decides and acts at a fixed rate",
        stop_rank=0,
        job="none",  # it must release its inputs although supervisor and guard are killed
        hang_after_s=5.0,  # the inputs are released long before
    ),
    ProcessSpec(
        "trainer",
        "trainer.running.trainer_process:train",
        "learns from the journal and publishes weights",
        background=True,
        hang_after_s=300.0,  # an update of a large model on a busy CPU, or a checkpoint
    ),
    ProcessSpec(
        "recorder",
        "interfaces.session.recorder:record",
        "copies the journal into the session",
        runs=lambda config: config.session.record,
        stop_rank=3,  # it copies the last Steps of the body
        background=True,
        hang_after_s=120.0,  # it has the lowest priority, and waits for the disk
    ),
)


def processes_of(config: Config) -> tuple[ProcessSpec, ...]:
    """The processes that this configuration needs, in the order in which they start."""
    return tuple(spec for spec in PROCESSES if spec.runs(config))


def find_process(name: str) -> ProcessSpec:
    """The row of this name. Raises KeyError for a process that is not in the table."""
    return {spec.name: spec for spec in PROCESSES}[name]


def stop_order(specs: Sequence[ProcessSpec]) -> tuple[list[str], list[str]]:
    """(names that stop by the Board in order, names that are terminated afterwards)."""
    by_board = sorted((s for s in specs if s.stop == "by_board"), key=lambda s: s.stop_rank)
    return [spec.name for spec in by_board], [
        spec.name for spec in specs if spec.stop == "terminate"
    ]
