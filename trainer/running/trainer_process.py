"""The trainer's process: replays what the body lived, learns, and hands out better weights."""

from pathlib import Path

import torch
from loguru import logger

from agent.networks.agent_networks import acting_shapes
from interfaces.ipc.board import Board
from interfaces.journal import JournalReader
from interfaces.runtime.child_process import become, lower_priority, when_orphaned
from interfaces.runtime.run_folder import RunFolder
from interfaces.vrchat.vrchat_world import vrchat_spaces
from interfaces.weights import Manifest, WeightsWriter
from trainer.data.replay_buffer import Replay
from trainer.learners.learner import make_learner
from trainer.running.checkpoints import Checkpoints, restore_learner
from trainer.running.device import choose_device, keep_heap
from trainer.running.learning_report import Report
from trainer.running.live_loop import LiveTrainer


def train(run_path: Path) -> None:
    """Learn beside a living body until stopped; then write a checkpoint.

    Raises CheckpointError when the run's checkpoint does not fit its configuration, or none of
    them is whole.
    """
    stopped, orphaned = become("trainer"), when_orphaned()
    lower_priority()
    run = RunFolder(run_path)
    config, board = run.config, Board(run.board)
    torch.set_num_threads(config.trainer.threads)
    keep_heap()
    torch.set_flush_denormal(True)  # denormals in the moments cost a hundred times a normal number
    spaces = vrchat_spaces(config.world)
    device = choose_device(config.device)
    learner = make_learner(spaces, config, device)
    checkpoints = Checkpoints(run.checkpoints, config.trainer.checkpoint_keep)
    newest = checkpoints.to_go_on()
    if newest is not None:
        restore_learner(learner, newest)
        logger.info("resumed at update {} from {} steps", newest.updates, newest.steps)
    weights = WeightsWriter(run.weights, Manifest(acting_shapes(learner.networks)))
    version = max(weights.last_version, newest.version if newest else 0)
    replay = Replay(JournalReader(run.journal), spaces, config, device)
    report = Report(run, config, spaces, learner, replay, board)
    trainer = LiveTrainer(
        config.trainer, learner, replay, report, weights, version, checkpoints, board
    )
    logger.info("learning on {} with {} threads", device, torch.get_num_threads())

    def done() -> bool:
        return stopped.is_set() or orphaned.is_set() or bool(board["stop"])

    trainer.run(done)
