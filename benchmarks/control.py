"""Pendulum-v1 and CartPole-v1: return against steps lived, every method on common starts.

python -m benchmarks.control [--worlds pendulum cartpole] [--methods dreamer sb3-sac …]
                             [--seeds 0 1 2] [--draw]

One method, world and seed at a time; each leaves results/control/WORLD-METHOD-SEED.json and is not
run again while that stands. Every 500 lived steps (peers: more, they need more) the policy, frozen
and greedy, lives 100 episodes that begin alike for all. The summary is the interquartile mean over
all episodes of all seeds, with a bootstrap interval over seeds and episodes (rliable's definitions,
but pooled over episodes: three seeds have no middle half).
Peers need stable-baselines3 (extra [bench]).
"""

import argparse
import json
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import RESULTS, ROOT, machine, publish
from benchmarks.curves import Curve, draw_curves, interquartile
from benchmarks.looks import EPISODES, FIRST_SEED, Stopwatch, lived_returns

FOLDER = RESULTS / "control"


@dataclass(frozen=True)
class Task:
    id: str
    steps: int  # lived by ours
    enough: float  # the promised return


TASKS = {
    "pendulum": Task("Pendulum-v1", 4000, -200.0),
    "cartpole": Task("CartPole-v1", 5000, 475.0),
}
OURS = ("dreamer", "dreamerv3-small")
# Steps a peer may live, and how often it is looked at: until it has what ours has, and beyond.
PEERS = {
    "sb3-sac": {"pendulum": (10_000, 500)},
    "sb3-ppo": {"pendulum": (61_440, 4096), "cartpole": (40_960, 2560)},
    "sb3-dqn": {"cartpole": (50_000, 2500)},
}
OWN_PPO = {"ppo": {"pendulum": (102_400, 10_240), "cartpole": (100_000, 5000)}}
# What a preset that was not made for a world needs there, as its file says.
SETTINGS = {("pendulum", "ppo"): ["ppo.discount=0.9"]}


@dataclass
class Run:
    """What one seed of one method lived, by look. `returns`, 100 episodes each; `sampled`: those of
    the same policy when it draws its actions, for ours; `seconds` of learning until then; `config`:
    what of ours is not as the schema has it."""

    world: str
    method: str
    seed: int
    steps: list[int] = field(default_factory=list[int])
    returns: list[list[float]] = field(default_factory=list[list[float]])
    sampled: list[list[float]] = field(default_factory=list[list[float]])
    seconds: list[float] = field(default_factory=list[float])
    learning_s: float = 0.0
    machine: dict[str, Any] = field(default_factory=dict[str, Any])
    config: dict[str, Any] = field(default_factory=dict[str, Any])

    def look(
        self,
        steps: int,
        returns: list[float],
        learning_s: float,
        sampled: list[float] | None = None,
    ) -> None:
        self.steps.append(steps)
        self.returns.append([round(value, 3) for value in returns])
        self.seconds.append(learning_s)
        self.learning_s = learning_s
        line = f"{self.world} {self.method} seed {self.seed}  {steps:6d} steps  "
        line += f"{np.mean(returns):8.1f}"
        if sampled is not None:
            self.sampled.append(sampled)
            line += f"  sampled {np.mean(sampled):8.1f}"
        print(f"{line}  {self.learning_s:.0f} s", flush=True)


def live_ours(task: Task, run: Run, total: int, every: int, overrides: list[str]) -> None:
    from configs.load import load_config
    from interfaces.runtime.lockstep_worlds import make_lockstep_world
    from interfaces.runtime.run_folder import create_run
    from trainer.running.lockstep import Lockstep

    settings = ["world.kind=gymnasium", f"world.id={task.id}", f"seed={run.seed}"]
    settings += [*SETTINGS.get((run.world, run.method), []), *overrides]
    config = load_config(Path(run.method), settings)
    run.config = config.model_dump(mode="json", exclude_defaults=True)
    with tempfile.TemporaryDirectory() as folder:
        place = create_run(Path(folder) / "run", config, run.method, ROOT)
        lockstep = Lockstep(place, config, [make_lockstep_world(config, run.seed)])
        learning = Stopwatch()

        def look(steps: int) -> None:
            if steps % every and steps != total:
                return
            seconds = learning.seconds
            with learning.stopped():
                networks = lockstep.learner.networks
                sampled = lived_returns(networks, config, which="trained")
                run.look(steps, lived_returns(networks, config), seconds, sampled)

        lockstep.run(total, look, lambda: False)


def live_peer(task: Task, run: Run, total: int, every: int) -> None:
    import gymnasium
    import torch
    from stable_baselines3 import DQN, PPO, SAC
    from stable_baselines3.common.callbacks import BaseCallback

    torch.set_num_threads(1)
    # Settings of rl-baselines3-zoo for these tasks. Looks at PPO come between two rollouts: within
    # one the weights are still those of the last.
    on_policy = run.method == "sb3-ppo"
    planned = total  # by which a schedule falls to 0
    if run.method == "sb3-sac":
        model = SAC("MlpPolicy", task.id, learning_rate=1e-3, seed=run.seed)
    elif run.method == "sb3-dqn":
        model = DQN(
            "MlpPolicy",
            task.id,
            seed=run.seed,
            learning_rate=2.3e-3,
            batch_size=64,
            buffer_size=100_000,
            learning_starts=1000,
            gamma=0.99,
            target_update_interval=10,
            train_freq=256,
            gradient_steps=128,
            exploration_fraction=0.16,
            exploration_final_eps=0.04,
            policy_kwargs={"net_arch": [256, 256]},
        )
    elif run.world == "pendulum":
        model = PPO(
            "MlpPolicy",
            gymnasium_vec(task.id, 4, run.seed),
            seed=run.seed,
            n_steps=1024,
            gae_lambda=0.95,
            gamma=0.9,
            n_epochs=10,
            ent_coef=0.0,
            learning_rate=1e-3,
            clip_range=0.2,
            use_sde=True,
            sde_sample_freq=4,
        )
    else:
        planned = 100_000
        model = PPO(
            "MlpPolicy",
            gymnasium_vec(task.id, 8, run.seed),
            seed=run.seed,
            n_steps=32,
            batch_size=256,
            gae_lambda=0.8,
            gamma=0.98,
            n_epochs=20,
            ent_coef=0.0,
            learning_rate=lambda left: 1e-3 * left,
            clip_range=lambda left: 0.2 * left,
        )
    world = gymnasium.make(task.id)

    def greedy() -> list[float]:
        found: list[float] = []
        for i in range(EPISODES):
            observed, _ = world.reset(seed=FIRST_SEED + i)
            total, ended = 0.0, False
            while not ended:
                action, _ = model.predict(observed, deterministic=True)
                observed, reward, terminated, truncated, _ = world.step(action)
                total, ended = total + float(reward), terminated or truncated
            found.append(total)
        return found

    learning = Stopwatch()

    class Look(BaseCallback):
        def __init__(self) -> None:
            super().__init__()
            self._next = every

        def _on_step(self) -> bool:
            if not on_policy:
                self._look()
            return self.num_timesteps <= total

        def _on_rollout_start(self) -> None:
            if on_policy:
                self._look()

        def _on_training_end(self) -> None:
            if on_policy:
                self._look()

        def _look(self) -> None:
            if self.num_timesteps >= self._next:
                self._next += every
                seconds = learning.seconds
                with learning.stopped():
                    run.look(self.num_timesteps, greedy(), seconds)

    model.learn(planned, callback=Look())


def gymnasium_vec(name: str, count: int, seed: int) -> Any:
    from stable_baselines3.common.env_util import make_vec_env

    return make_vec_env(name, count, seed=seed)


def path_of(world: str, method: str, seed: int) -> Path:
    return FOLDER / f"{world}-{method}-{seed}.json"


def live_one(world: str, method: str, seed: int, overrides: list[str]) -> None:
    task, run = TASKS[world], Run(world, method, seed, machine=machine())
    if method in OURS:
        live_ours(task, run, task.steps, 500, overrides)
    elif method in OWN_PPO:
        live_ours(task, run, *OWN_PPO[method][world], overrides)
    elif method == "sticky":
        live_sticky(task, run)
    else:
        live_peer(task, run, *PEERS[method][world])
    if overrides:
        return  # a trial: what it printed is not the preset's
    FOLDER.mkdir(parents=True, exist_ok=True)
    path_of(world, method, seed).write_text(json.dumps(asdict(run)) + "\n", encoding="utf-8")


def live_sticky(task: Task, run: Run) -> None:
    """The honest floor: it learns nothing, so one look is its whole curve."""
    from configs.load import load_config
    from interfaces.runtime.lockstep_worlds import make_lockstep_world
    from trainer.evaluation.evaluate import live_episodes

    config = load_config(Path("dreamer"), ["world.kind=gymnasium", f"world.id={task.id}"])
    lived = live_episodes(
        None,
        config,
        lambda seed: make_lockstep_world(config, seed),
        EPISODES,
        FIRST_SEED + 1000 * run.seed,
        which="sticky",
    )
    run.look(0, lived.sum(1).tolist(), 0.0)


def summary(worlds: list[str]) -> None:
    rows: list[dict[str, Any]] = []
    for world in worlds:
        task, curves = TASKS[world], dict[str, Curve]()
        for method in (*OURS, *OWN_PPO, *PEERS, "sticky"):
            runs = [
                json.loads(path.read_text())
                for path in sorted(FOLDER.glob(f"{world}-{method}-*.json"))
            ]
            if not runs:
                continue
            curve = Curve.of([run["steps"] for run in runs], [run["returns"] for run in runs])
            curves[method] = curve
            last = [float(np.mean(run["returns"][-1])) for run in runs]
            middle, low, high = interquartile([run["returns"][-1] for run in runs])
            reached = [_reached(run, task.enough) for run in runs]
            rows.append(
                {
                    "world": world,
                    "method": method,
                    "seeds": len(runs),
                    "steps": runs[0]["steps"][-1],
                    "mean of each seed": " ".join(f"{each:.0f}" for each in last),
                    "IQM (95 %)": f"{middle:.0f} ({low:.0f} to {high:.0f})",
                    f"steps to {task.enough:.0f}": " ".join(str(each or "-") for each in reached),
                    "learning s": " ".join(f"{run['learning_s']:.0f}" for run in runs),
                }
            )
        draw_curves(
            RESULTS / f"control-{world}.png", f"{task.id}, greedy, 100 starts", curves, task.enough
        )
    names = list(dict.fromkeys(key for row in rows for key in row))
    publish(
        "control",
        "return against steps lived",
        [{k: row.get(k, "") for k in names} for row in rows],
    )


def _reached(run: dict[str, Any], enough: float) -> int | None:
    """The first look at which the mean is good enough."""
    return next(
        (s for s, r in zip(run["steps"], run["returns"], strict=True) if np.mean(r) >= enough), None
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--worlds", nargs="+", default=list(TASKS), choices=list(TASKS))
    methods = [*OURS, *OWN_PPO, *PEERS, "sticky"]
    parser.add_argument("--methods", nargs="+", default=methods, choices=methods)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--draw", action="store_true", help="only draw what there is")
    parser.add_argument("--set", nargs="*", default=[], help="KEY=VALUE to try; not kept")
    asked = parser.parse_args()
    if not asked.draw:
        for seed in asked.seeds:
            for world in asked.worlds:
                for method in asked.methods:
                    peer = PEERS.get(method) or OWN_PPO.get(method)
                    if peer is not None and world not in peer:
                        continue
                    if asked.set or not path_of(world, method, seed).exists():
                        live_one(world, method, seed, asked.set)
    summary(asked.worlds)


if __name__ == "__main__":
    main()
