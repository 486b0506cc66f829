"""Pendulum-v1 and CartPole-v1: return against environment steps, every method on the same starts.

python -m benchmarks.learning.control [--worlds pendulum cartpole] [--methods dreamer sb3-sac …]
                             [--seeds 0 1 2] [--draw]

Each method, world and seed writes results/learning/control/WORLD/WORLD-METHOD-SEED.json and is not
run again while that file exists. Every 500 environment steps (peers: less often, because they need
more steps), the frozen, greedy policy runs 100 episodes with the same starts for all methods.

The summary is the interquartile mean over all episodes of all seeds, with a bootstrap interval over
seeds and episodes. These are rliable's definitions, but pooled over episodes, because three seeds
have no middle half. Peers need stable-baselines3 (extra [bench]).
"""

import argparse
import json
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import RESULTS, ROOT, machine, publish
from benchmarks.learning.checkpoint_evaluation import (
    EPISODES,
    FIRST_SEED,
    Stopwatch,
    evaluated_returns,
)
from benchmarks.learning.seed_curves import Curve, draw_curves, interquartile

FOLDER = RESULTS / "learning/control"


@dataclass(frozen=True)
class Task:
    id: str
    steps: int  # environment steps of our model-based presets
    goal: float  # mean return


TASKS = {
    "pendulum": Task("Pendulum-v1", 4000, -200.0),
    "cartpole": Task("CartPole-v1", 5000, 475.0),
}
OURS = ("dreamer", "dreamerv3-small")
# (environment steps, steps between evaluations) of a peer: enough to reach our return and beyond.
PEERS = {
    "sb3-sac": {"pendulum": (10_000, 500)},
    "sb3-ppo": {"pendulum": (61_440, 4096), "cartpole": (40_960, 2560)},
    "sb3-dqn": {"cartpole": (50_000, 2500)},
}
OWN_PPO = {"ppo": {"pendulum": (102_400, 10_240), "cartpole": (100_000, 5000)}}
# Settings that a preset needs for a world, as its file says.
SETTINGS = {("pendulum", "ppo"): ["ppo.discount=0.9"]}


@dataclass
class Run:
    """Evaluations of one seed of one method.

    `returns` has the 100 episodes of each evaluation. `sampled` has those of the same policy with
    sampled actions, for our methods. `seconds` is the training time until then. `config` has our
    settings that differ from the schema.
    """

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

    def add_evaluation(
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


def train_ours(task: Task, run: Run, total: int, every: int, overrides: list[str]) -> None:
    from configs.load import load_config
    from interfaces.runtime.run_folder import create_run
    from interfaces.runtime.worlds import make_lockstep_world
    from trainer.running.lockstep import LockstepTrainer

    settings = ["world.kind=gymnasium", f"world.id={task.id}", f"seed={run.seed}"]
    settings += [*SETTINGS.get((run.world, run.method), []), *overrides]
    config = load_config(Path(run.method), settings)
    run.config = config.model_dump(mode="json", exclude_defaults=True)
    with tempfile.TemporaryDirectory() as folder:
        run_folder = create_run(Path(folder) / "run", config, run.method, ROOT)
        lockstep = LockstepTrainer(run_folder, config, [make_lockstep_world(config, run.seed)])
        learning = Stopwatch()

        def evaluate(steps: int) -> None:
            if steps % every and steps != total:
                return
            seconds = learning.seconds
            with learning.paused():
                networks = lockstep.learner.networks
                sampled = evaluated_returns(networks, config, policy="trained")
                run.add_evaluation(steps, evaluated_returns(networks, config), seconds, sampled)

        lockstep.run(total, evaluate, lambda: False)


def train_peer(task: Task, run: Run, total: int, every: int) -> None:
    import gymnasium
    import torch
    from stable_baselines3 import DQN, PPO, SAC
    from stable_baselines3.common.callbacks import BaseCallback

    torch.set_num_threads(1)
    # Settings of rl-baselines3-zoo for these tasks. PPO is evaluated between two rollouts, because
    # its weights do not change within a rollout.
    on_policy = run.method == "sb3-ppo"
    planned = total  # a schedule reaches 0 after these steps
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
        returns: list[float] = []
        for i in range(EPISODES):
            observation, _ = world.reset(seed=FIRST_SEED + i)
            total, ended = 0.0, False
            while not ended:
                action, _ = model.predict(observation, deterministic=True)
                observation, reward, terminated, truncated, _ = world.step(action)
                total, ended = total + float(reward), terminated or truncated
            returns.append(total)
        return returns

    learning = Stopwatch()

    class Evaluate(BaseCallback):
        def __init__(self) -> None:
            super().__init__()
            self._next = every

        def _on_step(self) -> bool:
            if not on_policy:
                self._evaluate()
            return self.num_timesteps <= total

        def _on_rollout_start(self) -> None:
            if on_policy:
                self._evaluate()

        def _on_training_end(self) -> None:
            if on_policy:
                self._evaluate()

        def _evaluate(self) -> None:
            if self.num_timesteps >= self._next:
                self._next += every
                seconds = learning.seconds
                with learning.paused():
                    run.add_evaluation(self.num_timesteps, greedy(), seconds)

    model.learn(planned, callback=Evaluate())


def gymnasium_vec(name: str, count: int, seed: int) -> Any:
    from stable_baselines3.common.env_util import make_vec_env

    return make_vec_env(name, count, seed=seed)


def path_of(world: str, method: str, seed: int) -> Path:
    return FOLDER / world / f"{world}-{method}-{seed}.json"


def run_one(world: str, method: str, seed: int, overrides: list[str]) -> None:
    task, run = TASKS[world], Run(world, method, seed, machine=machine())
    if method in OURS:
        train_ours(task, run, task.steps, 500, overrides)
    elif method in OWN_PPO:
        train_ours(task, run, *OWN_PPO[method][world], overrides)
    elif method == "sticky":
        evaluate_sticky(task, run)
    else:
        train_peer(task, run, *PEERS[method][world])
    if overrides:
        return  # a trial with other settings: not a result of the preset
    (FOLDER / world).mkdir(parents=True, exist_ok=True)
    path_of(world, method, seed).write_text(json.dumps(asdict(run)) + "\n", encoding="utf-8")


def evaluate_sticky(task: Task, run: Run) -> None:
    """The lower baseline. It does not learn, so it is evaluated once."""
    from configs.load import load_config
    from interfaces.runtime.worlds import make_lockstep_world
    from trainer.evaluation.run_episodes import run_episodes

    config = load_config(Path("dreamer"), ["world.kind=gymnasium", f"world.id={task.id}"])
    rewards = run_episodes(
        None,
        config,
        lambda seed: make_lockstep_world(config, seed),
        EPISODES,
        FIRST_SEED + 1000 * run.seed,
        policy="sticky",
    )
    run.add_evaluation(0, rewards.sum(1).tolist(), 0.0)


def summary(worlds: list[str]) -> None:
    rows: list[dict[str, Any]] = []
    for world in worlds:
        task, curves = TASKS[world], dict[str, Curve]()
        for method in (*OURS, *OWN_PPO, *PEERS, "sticky"):
            runs = [
                json.loads(path.read_text())
                for path in sorted((FOLDER / world).glob(f"{world}-{method}-*.json"))
            ]
            if not runs:
                continue
            curve = Curve.of([run["steps"] for run in runs], [run["returns"] for run in runs])
            curves[method] = curve
            last = [float(np.mean(run["returns"][-1])) for run in runs]
            middle, low, high = interquartile([run["returns"][-1] for run in runs])
            reached = [_first_reached(run, task.goal) for run in runs]
            rows.append(
                {
                    "world": world,
                    "method": method,
                    "seeds": len(runs),
                    "env steps": runs[0]["steps"][-1],
                    "mean of each seed": " ".join(f"{each:.0f}" for each in last),
                    "IQM (95 %)": f"{middle:.0f} ({low:.0f} to {high:.0f})",
                    f"steps to {task.goal:.0f}": " ".join(str(each or "-") for each in reached),
                    "learning s": " ".join(f"{run['learning_s']:.0f}" for run in runs),
                }
            )
        draw_curves(
            RESULTS / f"learning/control_{world}.png",
            f"{task.id}, greedy, 100 starts",
            curves,
            task.goal,
        )
    names = list(dict.fromkeys(key for row in rows for key in row))
    publish(
        "learning/control",
        "Pendulum-v1 and CartPole-v1: return against environment steps",
        [{k: row.get(k, "") for k in names} for row in rows],
    )


def _first_reached(run: dict[str, Any], goal: float) -> int | None:
    """Environment steps at the first evaluation whose mean return reaches the goal."""
    return next(
        (s for s, r in zip(run["steps"], run["returns"], strict=True) if np.mean(r) >= goal), None
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--worlds", nargs="+", default=list(TASKS), choices=list(TASKS))
    methods = [*OURS, *OWN_PPO, *PEERS, "sticky"]
    parser.add_argument("--methods", nargs="+", default=methods, choices=methods)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--draw", action="store_true", help="only draw the existing results")
    parser.add_argument(
        "--set", nargs="*", default=[], help="KEY=VALUE for a trial; its results are not written"
    )
    options = parser.parse_args()
    if not options.draw:
        for seed in options.seeds:
            for world in options.worlds:
                for method in options.methods:
                    peer = PEERS.get(method) or OWN_PPO.get(method)
                    if peer is not None and world not in peer:
                        continue
                    if options.set or not path_of(world, method, seed).exists():
                        run_one(world, method, seed, options.set)
    summary(options.worlds)


if __name__ == "__main__":
    main()
