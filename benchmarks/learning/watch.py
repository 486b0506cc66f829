"""What a trained policy does in unseen places: its paths from above, and numbers to each episode.

python -m benchmarks.learning.watch RUN [--episodes 4] [--seed 100000] [--steps 300]
                            [--policy greedy] [--out FILE.png]

RUN is the folder of a run in the stand-in, such as runs/living/maze-1. Each panel shows one
episode: the path of the agent coloured by time, those of the people in grey, and a red point at
each tick with a head-pat. FILE.json has the numbers of each episode; see Watched.
"""

import argparse
import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle as RoundPatch
from matplotlib.patches import Patch, Rectangle
from numpy.typing import NDArray

from configs.schema import Config, EvaluateConfig
from configs.world.rooms import RoomsConfig
from interfaces.core.world import Observation
from interfaces.runtime.run_folder import open_run
from interfaces.runtime.terminal import exit_on_bad_input
from interfaces.standin.geometry.solids import Circle, Solid
from interfaces.standin.lockstep_standin import LockstepStandin
from trainer.evaluation.evaluate import evaluate
from trainer.evaluation.run_episodes import POLICY_KINDS

NEAR_M, FACING_DEG = 1.2, 30.0
GIVES_HEAD_PATS = "friend"  # the nature of the people who do


class WatchedWorld(LockstepStandin):
    """Keeps the true state of each tick, and the solids of the place."""

    def __init__(self, config: Config, seed: int) -> None:
        super().__init__(config, seed)
        self.seed, self.states = seed, list[dict[str, Any]]()
        self.solids: list[Solid] = list(self.core.place.ground.solids)

    def observe(self) -> Observation:
        observation = super().observe()
        self.states.append(self.truth())
        return observation


@dataclass
class Watched:
    """What happened in one episode. Near: within NEAR_M of a person.

    `near_after_s`: until the agent was first near; None for never. `friend_share`: of the ticks
    near a person, those near a person who gives head-pats. `facing_share`: of all ticks, those
    with the nearest person within FACING_DEG of the view. `turn_deg_s`: mean absolute turning
    speed. `off_ground_share`: of all ticks.
    """

    seed: int
    head_pats: int
    near_after_s: float | None
    near_share: float
    friend_share: float
    facing_share: float
    nearest_m: float
    turn_deg_s: float
    walked_m: float
    off_ground_share: float
    natures: list[str]


def watched(world: WatchedWorld) -> Watched:
    """The numbers of one episode."""
    states = world.states
    agent = _columns([state["agent"] for state in states], "x", "z", "heading_deg")
    natures = [person["nature"] for person in states[0]["people"]]
    people = np.stack([_columns(state["people"], "x", "z") for state in states])  # (T, P, 2)
    away = people - agent[:, None, :2]
    distance_m = np.hypot(away[..., 0], away[..., 1])  # (T, P)
    ticks, nearest = np.arange(len(states)), distance_m.argmin(1)
    to_nearest = away[ticks, nearest]
    bearing = np.degrees(np.arctan2(to_nearest[:, 0], to_nearest[:, 1])) - agent[:, 2]
    near = distance_m[ticks, nearest] < NEAR_M
    at_friend = np.array([natures[i] == GIVES_HEAD_PATS for i in nearest])
    turns = _within_180(np.diff(agent[:, 2]))
    steps_m = np.hypot(*np.diff(agent[:, :2], axis=0).T)
    return Watched(
        seed=world.seed,
        head_pats=sum(state["patted_by"] is not None for state in states),
        near_after_s=round(float(near.argmax()) * world.tick_s, 1) if near.any() else None,
        near_share=_share(near),
        friend_share=_share(at_friend[near]),
        facing_share=_share(np.abs(_within_180(bearing)) < FACING_DEG),
        nearest_m=round(float(distance_m.min()), 2),
        turn_deg_s=round(float(np.abs(turns).mean()) / world.tick_s, 1),
        walked_m=round(float(steps_m.sum()), 1),
        off_ground_share=_share(np.array([not state["agent"]["grounded"] for state in states])),
        natures=natures,
    )


def draw(worlds: list[WatchedWorld], numbers: list[Watched], title: str) -> Figure:
    """One panel for each episode, seen from above, north up."""
    columns = min(len(worlds), 4)
    rows = math.ceil(len(worlds) / columns)
    figure = Figure(figsize=(4.0 * columns, 4.4 * rows), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for axis, world, each in zip(axes, worlds, numbers, strict=False):
        _draw_panel(axis, world)
        near = "never near" if each.near_after_s is None else f"near after {each.near_after_s:g} s"
        axis.set_title(f"seed {each.seed}: {each.head_pats} head-pats, {near}", fontsize=9)
    for axis in axes[len(worlds) :]:
        axis.set_visible(False)
    figure.suptitle(title, fontsize=10)
    return figure


def _draw_panel(axis: Axes, world: WatchedWorld) -> None:
    half_m = world.states[0]["place"]["half_m"]
    for solid in world.solids:
        axis.add_patch(_patch(solid))
    for i in range(len(world.states[0]["people"])):
        path = _columns([state["people"][i] for state in world.states], "x", "z")
        axis.plot(path[:, 0], path[:, 1], color="0.45", linewidth=1.0)
        axis.plot(*path[0], "o", color="0.45", markersize=4)
        nature = world.states[0]["people"][i]["nature"]
        axis.annotate(nature, path[0], fontsize=6, color="0.3", annotation_clip=True)
    own = _columns([state["agent"] for state in world.states], "x", "z")
    axis.scatter(own[:, 0], own[:, 1], c=np.arange(len(own)), cmap="viridis", s=4, zorder=3)
    axis.plot(*own[0], "k^", markersize=6, zorder=4)
    pats = own[[state["patted_by"] is not None for state in world.states]]
    axis.plot(pats[:, 0], pats[:, 1], ".", color="tab:red", markersize=3, zorder=5)
    axis.set(xlim=(-half_m, half_m), ylim=(-half_m, half_m), aspect="equal")
    axis.tick_params(labelsize=6)


def _patch(solid: Solid) -> Patch:
    if isinstance(solid, Circle):
        return RoundPatch((solid.x, solid.z), solid.radius, color="0.88")
    corner = solid.x - solid.half_x, solid.z - solid.half_z
    return Rectangle(corner, 2 * solid.half_x, 2 * solid.half_z, color="0.88")


def _columns(rows: list[dict[str, Any]], *names: str) -> NDArray[np.float64]:
    """float (rows, names)."""
    return np.array([[row[name] for name in names] for row in rows], np.float64)


def _within_180(degrees: NDArray[np.float64]) -> NDArray[np.float64]:
    return (degrees + 180.0) % 360.0 - 180.0


def _share(flags: NDArray[np.bool_]) -> float:
    """The share of true values; 0 of none."""
    return round(float(flags.mean()), 3) if len(flags) else 0.0


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("run", type=Path)
    parser.add_argument("--episodes", type=int, default=4)
    parser.add_argument("--seed", type=int, default=100_000, help="of the first episode")
    parser.add_argument("--steps", type=int, default=300, help="of each episode")
    parser.add_argument("--policy", choices=POLICY_KINDS, default="greedy")
    parser.add_argument("--out", type=Path, help="PNG; without it RUN/watch.png")
    options = parser.parse_args()
    with exit_on_bad_input():
        run = open_run(options.run)
        world = run.config.world
        if world.kind != "standin":
            parser.error(
                f"{options.run} ran in the world {world.kind}; only standin can be watched"
            )
        standin = world.standin.model_copy(update={"rooms": RoomsConfig()})
        settings = {
            "world": world.model_copy(update={"standin": standin}),
            "evaluate": EvaluateConfig(episode_steps=options.steps),
        }
        worlds: list[WatchedWorld] = []

        def make_world(seed: int) -> WatchedWorld:
            worlds.append(WatchedWorld(run.config.model_copy(update=settings), seed))
            return worlds[-1]

        done = evaluate(
            *(run, run.config.model_copy(update=settings), make_world),
            episodes=options.episodes,
            seed=options.seed,
            policy=options.policy,
        )
    worlds = [world for world in worlds if world.states]  # one only told its spaces
    numbers = [watched(world) for world in worlds]
    out = options.out or run.path / "watch.png"
    title = f"{run.path.name}, {options.policy}, {done.steps:,} steps, {standin.place}"
    draw(worlds, numbers, title).savefig(out, dpi=110)
    rows = [asdict(each) for each in numbers]
    out.with_suffix(".json").write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    for row in rows:
        print("  ".join(f"{name} {value}" for name, value in row.items()))
    print(f"written: {out}")


if __name__ == "__main__":
    main()
