"""Check whether a run was killed so completely that its inputs may still be pressed."""

from interfaces.doctor.findings import Finding, problem
from interfaces.ipc.atomic_files import shell_quoted
from interfaces.runtime.live_control.emergency_stop import records_of_dead_runs


def dead_run_findings() -> list[Finding]:
    """A problem for each such run; empty without one."""
    return [
        problem(
            "inputs",
            f"body, guard and supervisor of the run {record.folder} were killed: the client at "
            f"{record.plan} may still hold its last inputs",
            f"python main.py stop {shell_quoted(record.folder)}",
        )
        for record in records_of_dead_runs()
    ]
