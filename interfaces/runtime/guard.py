"""The guard process: releases every input when the body has ended or hangs."""

from pathlib import Path

from loguru import logger

from interfaces.ipc.board import Board
from interfaces.runtime.child_process import set_up_process, watch_supervisor
from interfaces.runtime.run_folder import RunFolder
from interfaces.safety.body_watch import GUARD_FIELDS, BodyWatch
from interfaces.safety.input_rest import input_rest_datagrams
from interfaces.vrchat.endpoints import read_endpoints


def watch_run(run_path: Path) -> None:
    """Run the guard for the run in folder `run_path`. Entry point of its process."""
    stopped, orphaned = set_up_process("guard"), watch_supervisor()
    run = RunFolder(run_path)
    config, board = run.config, Board(run.board)
    endpoints = read_endpoints(run.endpoints)
    watch = BodyWatch(
        board,
        GUARD_FIELDS,
        (endpoints.osc_host, endpoints.osc_send_port),
        input_rest_datagrams(config.world),
        config.tick.hz,
        lambda: bool(board["halted"]) or run.stop_file.exists(),
        logger.info,
    )
    watch.run(
        lambda: stopped.is_set() or orphaned.is_set() or bool(board["stop"]),
        lambda: board.heartbeat("guard"),
    )
    watch.close()
