"""The trainer process: learns from the journal of the body and publishes new weights."""

from collections.abc import Callable
from pathlib import Path

import torch
from loguru import logger

from agent.networks.agent_networks import acting_shapes
from interfaces.ipc.board import Board
from interfaces.journal import JournalReader
from interfaces.runtime.child_process import (
    OUT_OF_MEMORY,
    out_of_memory_count,
    set_up_process,
    watch_supervisor,
)
from interfaces.runtime.live_control.live_runs import open_board
from interfaces.runtime.run_folder import RunFolder
from interfaces.runtime.worlds import live_spaces
from interfaces.weights import Manifest, WeightsWriter
from interfaces.weights.versions import newest_applied
from trainer.data.replay_buffer import ReplayBuffer
from trainer.running.learner_setup import set_up_learner
from trainer.running.learning_report import LearningReport
from trainer.running.less_memory import is_out_of_memory, with_less_memory
from trainer.running.live_loop import LiveTrainer


def train(run_path: Path) -> None:
    """Learns beside a live body until the process is stopped; then saves a checkpoint.

    Without memory on its device it exits with OUT_OF_MEMORY: the supervisor starts it again, and it
    then needs less. A new process has all its memory free; the old one may not.

    Raises CheckpointError if the checkpoint does not fit the configuration, or if all checkpoints
    are damaged. Raises DeviceUnavailable if the device cannot be used.
    """
    stopped, orphaned = set_up_process("trainer"), watch_supervisor()
    run = RunFolder(run_path)
    board = open_board(run)

    def done() -> bool:
        return stopped.is_set() or orphaned.is_set() or bool(board["stop"])

    try:
        _learn(run, board, done)
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        logger.error("out of memory: {}", str(error).split("\n")[0])
        raise SystemExit(OUT_OF_MEMORY) from error


def _learn(run: RunFolder, board: Board, done: Callable[[], bool]) -> None:
    config = run.config
    if count := out_of_memory_count():
        config = with_less_memory(config, count)
        logger.warning(
            "after too little memory: batch {}, {} dreams, device {}",
            config.trainer.batch,
            config.dream.starts,
            config.device,
        )
    spaces = live_spaces(config.world)
    setup = set_up_learner(run, config, spaces)
    learner, newest = setup.learner, setup.restored
    if newest is not None:
        logger.info("resumed at update {} and environment step {}", newest.updates, newest.steps)
    weights = WeightsWriter(run.weights, Manifest(acting_shapes(learner.networks)))
    # The live file may be new. A version that a body used must not get other weights.
    applied = newest_applied(run.weights) or 0
    version = max(weights.last_version, newest.version if newest else 0, applied)
    replay = ReplayBuffer(JournalReader(run.journal), spaces, config, setup.device)
    report = LearningReport(run, config, spaces, learner, replay, board)
    trainer = LiveTrainer(config.trainer, setup, replay, report, weights, version, board)
    logger.info("learning on {} with {} threads", setup.device, torch.get_num_threads())
    trainer.run(done)
