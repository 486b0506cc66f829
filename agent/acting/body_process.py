"""The body process: connects world, brain, journal and weights, and runs the body loop."""

import gc
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import torch
from loguru import logger

from agent.acting.body import Body, act
from agent.acting.brain import Brain
from agent.networks.agent_networks import (
    ActingNetworks,
    acting_shapes,
    build_method_networks,
    view_acting,
)
from configs.schema import Config
from interfaces.core.clock import Pacer, RealClock
from interfaces.core.rewards import step_layout
from interfaces.core.spaces import Spaces
from interfaces.journal import JournalWriter
from interfaces.journal.latent_snapshots import open_latent_snapshots
from interfaces.journal.step_writer import StepWriter, tick_record_dtype
from interfaces.runtime.child_process import set_up_process, watch_supervisor
from interfaces.runtime.control_arbitration import ControlArbiter
from interfaces.runtime.live_control.live_runs import open_board
from interfaces.runtime.run_folder import RunFolder
from interfaces.runtime.system.process_priority import run_before_others
from interfaces.safety.body_watch import is_fenced
from interfaces.vrchat.endpoints import Endpoints, read_endpoints
from interfaces.vrchat.vrchat_world import VRChatWorld
from interfaces.weights import Manifest, WeightsError, WeightsReader

if TYPE_CHECKING:  # imports mDNS, which most runs do not need
    from interfaces.vrchat.avatar_watch import AvatarWatch

_GUARD_WAIT_S = 10.0
_FRAME_WAIT_S = 6.0


class GuardMissing(RuntimeError):
    """The guard process did not start. Without it the body does not move."""


def run_body(run_path: Path) -> None:
    """Act in the world of a run until a signal, the Board or the end of the supervisor stops it.

    Raises PortTaken, GuardMissing, and OSError or JournalError for a run folder that cannot be
    read or written.
    """
    stopped, orphaned = set_up_process("body"), watch_supervisor()
    run_before_others()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    run = RunFolder(run_path)
    config, board = run.config, open_board(run)
    clock = RealClock(config.tick.spin_ms * 1e-3)
    endpoints = read_endpoints(run.endpoints)
    control = ControlArbiter(board, config.world.control, config.world.actions, config.tick.hz)
    world = VRChatWorld(
        config.world,
        endpoints,
        clock,
        1.0 / config.tick.hz,
        lambda: is_fenced(board),
        control.is_late,
    )

    def should_stop() -> bool:
        return stopped.is_set() or orphaned.is_set() or bool(board["stop"])

    def update_board() -> None:
        board["osc_sent"] = world.sent_datagrams
        parameters = world.avatar_io.parameters
        board["osc_received"], board["osc_ignored"] = parameters.received, parameters.ignored
        board["osc_foreign"] = world.foreign_datagrams
        board["weights_refused"] = weights.refused_total

    layout = step_layout(config.reward, world.spaces)
    avatar_watch: AvatarWatch | None = None
    try:
        journal = JournalWriter(
            run.journal,
            layout,
            segment_steps=config.journal.segment_steps,
            max_steps=config.journal.max_steps,
            known_end=int(board["journal_end"]),
        )
        brain, weights = prepare_brain(world.spaces, config, run)
        step_writer = StepWriter(
            journal,
            board,
            tick_record_dtype(layout, brain.feature_size),
            latent_snapshots=open_latent_snapshots(
                run.latent_snapshots, brain.feature_size, journal.next_index
            ),
            after_write=update_board,
        )
        body = Body(
            config,
            world,
            brain,
            step_writer,
            weights,
            control,
            clock,
            ticks=journal.next_index,
        )
        seed_avatar_parameters(world, endpoints)
        avatar_watch = watch_avatar(world, endpoints)
        body.take_newer_weights()
        body.warm_up()
        weights.start()
        if not _wait_for(lambda: board["guard_heartbeat_ns"] > 0, _GUARD_WAIT_S, should_stop):
            raise GuardMissing("the guard did not start; see logs/guard.log")
        if not _wait_for(world.has_frame, _FRAME_WAIT_S, should_stop):
            logger.warning("no image yet from {}; the body starts without one", world.camera_source)
        board["body_resting"] = 0
        board.heartbeat("body")
        board["body_pid"] = os.getpid()
        with NoGarbageCollection():
            if not board["first_tick_ns"]:  # a restarted body continues the same run
                board["first_tick_ns"] = time.perf_counter_ns()
            try:
                act(body, Pacer(clock, config.tick.hz), should_stop)
            finally:
                step_writer.close()
        board["body_resting"] = 1
        weights.stop()
        journal.close()
    finally:
        if avatar_watch is not None:
            avatar_watch.close()
        world.close()
    logger.info("inputs released after {} ticks", int(board["ticks"]))


def seed_avatar_parameters(world: VRChatWorld, endpoints: Endpoints) -> None:
    """Read the current avatar parameters by OSCQuery.

    The client sends a parameter only when it changes, so earlier changes would be missing.
    """
    if not endpoints.query_port:
        return
    from http.client import HTTPException

    from interfaces.vrchat.client_finder import read_avatar

    parameters = world.avatar_io.parameters
    number = parameters.avatar_changes
    try:
        avatar = read_avatar(endpoints.query_host, endpoints.query_port)
    except (OSError, ValueError, HTTPException) as error:
        logger.warning(
            "the client does not answer OSCQuery: {!r}; avatar parameters start at 0", error
        )
        return
    parameters.seed(avatar.id, avatar.values)
    if avatar.values:
        parameters.set_listing(avatar, number)
    logger.info(
        "read {} avatar parameters from the client, avatar {}", len(avatar.values), avatar.id
    )


def watch_avatar(world: VRChatWorld, endpoints: Endpoints) -> "AvatarWatch | None":
    """Ask by OSCQuery what each new avatar has. None without OSCQuery."""
    if not endpoints.query_port:
        return None
    from interfaces.vrchat.avatar_watch import AvatarWatch

    return AvatarWatch(world.avatar_io.parameters, endpoints.query_host, endpoints.query_port)


def prepare_brain(
    spaces: Spaces, config: Config, run: RunFolder
) -> tuple[Brain, WeightsReader[ActingNetworks]]:
    """A brain with the initial weights of the seed, and a reader of newer weights.

    The reader has already polled: a resumed body starts with the newest weights, not with the
    initial ones.
    """
    networks = build_method_networks(spaces, config)
    weights = WeightsReader(
        run.weights,
        Manifest(acting_shapes(networks)),
        lambda flat: view_acting(spaces, config, flat),
        keep_bytes=int(config.weights.keep_mb * 1e6),
    )
    try:
        weights.poll()
    except (WeightsError, OSError) as error:  # the trainer replaces a damaged file
        logger.warning("no earlier weights could be read: {}", error)
    return Brain(config, networks), weights


class NoGarbageCollection:
    """Turns Python's garbage collector off: a collection during a tick would make it late.

    A tick creates no reference cycles, so memory does not grow.
    """

    def __enter__(self) -> None:
        gc.collect()
        gc.freeze()
        gc.disable()

    def __exit__(self, *_: object) -> None:
        gc.enable()
        gc.unfreeze()


def _wait_for(
    condition: Callable[[], bool], seconds: float, should_stop: Callable[[], bool]
) -> bool:
    """Whether the condition became true in time. A stop ends the wait and counts as true."""
    deadline = time.perf_counter() + seconds
    while not condition():
        if should_stop():
            return True
        if time.perf_counter() > deadline:
            return False
        time.sleep(0.02)
    return True
