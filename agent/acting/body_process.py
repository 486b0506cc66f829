"""The body's process: puts world, brain, journal and weights together, and lives."""

import gc
import os
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import torch
from loguru import logger

from agent.acting.body import Body, act
from agent.acting.brain import Brain
from agent.networks.agent_networks import ActingNetworks, acting_shapes, build_for, view_acting
from configs.schema import Config
from interfaces.core.clock import Pacer, RealClock
from interfaces.core.spaces import Spaces
from interfaces.ipc.board import Board
from interfaces.journal import JournalWriter
from interfaces.journal.latent_snapshots import open_keyframes
from interfaces.journal.step_writer import Scribe, moment_dtype
from interfaces.runtime.child_process import become, when_orphaned
from interfaces.runtime.control_arbitration import Controls
from interfaces.runtime.run_folder import RunFolder
from interfaces.vrchat.endpoints import Endpoints, read_endpoints
from interfaces.vrchat.vrchat_world import VRChatWorld
from interfaces.weights import Manifest, WeightsError, WeightsReader

_GUARD_WAIT_S = 10.0
_FRAME_WAIT_S = 6.0


class GuardMissing(RuntimeError):
    """No guard watches over this body; it does not move without one."""


def live(run_path: Path) -> None:
    """Live in a run's world until stopped.

    Raises PortTaken, GuardMissing, and what a folder that cannot be read or written raises.
    """
    stopped, orphaned = become("body"), when_orphaned()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    run = RunFolder(run_path)
    config, board = run.config, Board(run.board)
    clock = RealClock(config.beat.spin_ms * 1e-3)
    endpoints = read_endpoints(run.endpoints)
    world = VRChatWorld(
        config.world, endpoints, clock, 1.0 / config.beat.hz, lambda: bool(board["fence"])
    )

    def done() -> bool:
        return stopped.is_set() or orphaned.is_set() or bool(board["stop"])

    def report() -> None:
        board["osc_sent"] = world.sent_datagrams
        feelings = world.presence.feelings
        board["osc_received"], board["osc_ignored"] = feelings.received, feelings.ignored
        board["weights_refused"] = weights.refused_total

    try:
        journal = JournalWriter(
            run.journal,
            world.spaces,
            segment_steps=config.journal.segment_steps,
            max_steps=config.journal.max_steps,
        )
        brain, weights = prepare_brain(world.spaces, config, run)
        scribe = Scribe(
            journal,
            board,
            moment_dtype(world.spaces, brain.feature_size),
            keyframes=open_keyframes(run.keyframes, brain.feature_size, journal.next_index),
            also=report,
        )
        body = Body(
            config,
            world,
            brain,
            scribe,
            weights,
            Controls(board, config.world.control, config.world.actions, config.beat.hz),
            clock,
            ticks=journal.next_index,
        )
        seed_feelings(world, endpoints)
        body.take_weights()
        body.warm_up()
        weights.start()
        if not _wait_for(lambda: board["guard_heartbeat_ns"] > 0, _GUARD_WAIT_S, done):
            raise GuardMissing("the guard did not start; see logs/guard.log")
        if not _wait_for(world.has_frame, _FRAME_WAIT_S, done):
            logger.warning("no picture yet from {}; living without", world.camera_source)
        board["body_resting"] = 0
        board.beat("body")
        board["body_pid"] = os.getpid()
        with NoGarbageCollection():
            if not board["first_tick_ns"]:  # a body started anew goes on with the same life
                board["first_tick_ns"] = time.perf_counter_ns()
            try:
                act(body, Pacer(clock, config.beat.hz), done)
            finally:
                scribe.close()
        board["body_resting"] = 1
        weights.stop()
        journal.close()
    finally:
        world.close()
    logger.info("at rest after {} ticks", int(board["ticks"]))


def seed_feelings(world: VRChatWorld, endpoints: Endpoints) -> None:
    """Ask the client what it told before anybody listened: it replays nothing."""
    if not endpoints.query_port:
        return
    from http.client import HTTPException

    from interfaces.vrchat.client_finder import read_avatar

    try:
        avatar = read_avatar(endpoints.query_host, endpoints.query_port)
    except (OSError, ValueError, HTTPException) as error:
        logger.warning("the client does not answer OSCQuery: {!r}; parameters begin at 0", error)
        return
    world.presence.feelings.seed(avatar.id, avatar.values)
    logger.info("{} parameters known from the client, avatar {}", len(avatar.values), avatar.id)


def prepare_brain(
    spaces: Spaces, config: Config, run: RunFolder
) -> tuple[Brain, WeightsReader[ActingNetworks]]:
    """A brain with the seed's fresh weights, and a reader that already holds newer ones if any.

    A resumed body thus begins with the newest weights, never with random ones.
    """
    fresh = build_for(spaces, config)
    weights = WeightsReader(
        run.weights,
        Manifest(acting_shapes(fresh)),
        lambda flat: view_acting(spaces, config, flat),
        keep_bytes=int(config.weights.keep_mb * 1e6),
    )
    try:
        weights.poll()
    except (WeightsError, OSError) as error:  # the trainer makes a damaged file anew
        logger.warning("no earlier weights: {}", error)
    return Brain(config, fresh), weights


class NoGarbageCollection:
    """A collection in mid-beat is a late beat, and a tick leaves no cycles behind."""

    def __enter__(self) -> None:
        gc.collect()
        gc.freeze()
        gc.disable()

    def __exit__(self, *_: object) -> None:
        gc.enable()
        gc.unfreeze()


def _wait_for(condition: Callable[[], bool], seconds: float, done: Callable[[], bool]) -> bool:
    """Whether the condition came true in time. A stop counts as true: nothing to wait for."""
    deadline = time.perf_counter() + seconds
    while not condition():
        if done():
            return True
        if time.perf_counter() > deadline:
            return False
        time.sleep(0.02)
    return True
