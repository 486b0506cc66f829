"""World Models on CartPole-v1: environment steps that imagination saves, and the temperature.

python -m benchmarks.learning.world_models [--parts dreams temperature] [--seeds 0 1 2] [--draw]

dreams: environment steps until the mean return of 100 episodes is 400. World Models is compared
with the same CMA-ES on real episodes. That baseline has the same linear controller on the true
observation, and one real episode for each candidate. It runs with the population of the preset, and
with the smaller one that cma proposes. The steps of evaluations are not counted.

temperature: World Models at each tau. The return of the final controller is imagined at that tau
and measured in real episodes, from the same 100 starts.

Each run writes results/learning/world_models/NAME-SEED.json, and is not run again while that file
exists.
"""

import argparse
import json
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.common import RESULTS, ROOT, machine, publish
from benchmarks.learning.checkpoint_evaluation import EPISODES, FIRST_SEED, evaluated_returns
from benchmarks.learning.imagined_returns import initial_states
from benchmarks.learning.seed_curves import Curve, draw_curves, interquartile
from configs.load import load_config
from configs.methods.world_models_method import WorldModelsConfig
from configs.schema import Config
from interfaces.runtime.worlds import make_lockstep_world

WORLD, GOAL, LONGEST = "CartPole-v1", 400.0, 500
STEPS, MAX_DIRECT_STEPS = 5000, 60_000  # of World Models; of CMA-ES on real episodes, at most
TEMPERATURES = (0.1, 0.5, 1.0, 1.15, 1.3)
FOLDER = RESULTS / "learning/world_models"
METHODS = {"world-models": None, "cma-direct": "preset", "cma-direct-small": "cma"}


@dataclass
class Run:
    """Results of one seed. `returns` has the 100 episodes of each evaluation."""

    name: str
    seed: int
    steps: list[int] = field(default_factory=list[int])
    returns: list[list[float]] = field(default_factory=list[list[float]])
    imagined: list[float] = field(default_factory=list[float])  # at the end, from the same starts
    seconds: float = 0.0
    machine: dict[str, Any] = field(default_factory=dict[str, Any])

    def add_evaluation(self, steps: int, returns: list[float]) -> float:
        self.steps.append(steps)
        self.returns.append([round(value, 3) for value in returns])
        mean = float(np.mean(returns))
        print(f"{self.name} seed {self.seed}  {steps:6d} steps  {mean:8.1f}", flush=True)
        return mean


def settings(seed: int, *more: str) -> Config:
    return load_config(
        Path("world_models"), ["world.kind=gymnasium", f"world.id={WORLD}", f"seed={seed}", *more]
    )


def run_world_models(run: Run, config: Config, steps: int) -> None:
    """Evaluates after each evolution of a controller; at the end, imagines from the same starts."""
    from interfaces.runtime.run_folder import create_run
    from trainer.running.lockstep import LockstepTrainer

    make = lambda seed: make_lockstep_world(config, seed)  # noqa: E731
    with tempfile.TemporaryDirectory() as folder:
        run_folder = create_run(Path(folder) / "run", config, run.name, ROOT)
        lockstep = LockstepTrainer(run_folder, config, [make(run.seed)])
        learner, evolved = lockstep.learner, 0

        def evaluate(env_steps: int) -> None:
            nonlocal evolved
            if learner.updates // learner.publish_updates > evolved:
                evolved = learner.updates // learner.publish_updates
                run.add_evaluation(env_steps, evaluated_returns(learner.networks, config))

        lockstep.run(steps, evaluate, lambda: False)
        run.imagined = imagined_returns(learner, config)
        print(f"{run.name} seed {run.seed}  imagined {np.mean(run.imagined):8.1f}", flush=True)


@torch.no_grad()
def imagined_returns(learner: Any, config: Config) -> list[float]:
    """Imagined undiscounted returns of the acting controller from the starts of its evaluation."""
    from trainer.learners.evolution.imagined_trials import imagined_scores

    networks = learner.networks
    make = lambda seed: make_lockstep_world(config, seed)  # noqa: E731
    start, noise = initial_states(networks, config, make, EPISODES, FIRST_SEED)
    flat = learner.controller.read(networks.policy).unsqueeze(0)
    scores = imagined_scores(
        networks, learner.controller, flat, start, LONGEST, config, noise, discount=1.0
    )
    return [round(float(score), 3) for score in scores[0]]


def run_direct_cma(run: Run, config: Config, population: str) -> None:
    """CMA-ES of W and b on the true observation, with one real episode for each candidate."""
    import gymnasium

    world = gymnasium.make(WORLD)
    random = np.random.default_rng(run.seed)

    def episode(flat: np.ndarray, seed: int) -> float:
        weight, bias = flat[:-2].reshape(2, -1), flat[-2:]
        observation, _ = world.reset(seed=seed)
        total, ended = 0.0, False
        while not ended:
            action = int(np.argmax(weight @ observation + bias))
            observation, reward, terminated, truncated, _ = world.step(action)
            total, ended = total + float(reward), terminated or truncated
        return total

    own = config.section(WorldModelsConfig)
    cma_options = {"seed": np.nan, "randn": lambda *s: random.standard_normal(s), "verbose": -9}
    if population == "preset":
        cma_options["popsize"] = own.population
    size = 2 * (world.reset()[0].size + 1)
    strategy = cma_es(np.zeros(size), own.sigma, cma_options)
    env_steps, mean = 0, 0.0
    while mean < GOAL and env_steps < MAX_DIRECT_STEPS:
        candidates = strategy.ask()
        scores = [episode(each, int(random.integers(2**31))) for each in candidates]
        env_steps += int(sum(scores))  # the reward of each step is 1
        strategy.tell(candidates, [-score for score in scores])
        now = np.asarray(strategy.mean)
        mean = run.add_evaluation(
            env_steps, [episode(now, FIRST_SEED + i) for i in range(EPISODES)]
        )


def cma_es(*arguments: Any) -> Any:
    import cma

    return cma.CMAEvolutionStrategy(*arguments)


def path_of(name: str, seed: int) -> Path:
    return FOLDER / f"{name}-{seed}.json"


def run_one(name: str, seed: int, steps: int, overrides: list[str]) -> None:
    torch.set_num_threads(1)
    run, began = Run(name, seed, machine=machine()), time.perf_counter()
    if name.startswith("tau-"):
        tau = name.removeprefix("tau-")
        run_world_models(run, settings(seed, f"world_models.temperature={tau}", *overrides), steps)
    elif (population := METHODS[name]) is None:
        run_world_models(run, settings(seed, *overrides), steps)
    else:
        run_direct_cma(run, settings(seed, *overrides), population)
    run.seconds = round(time.perf_counter() - began, 1)
    if overrides:
        return  # a trial with other settings: not a result of the preset
    FOLDER.mkdir(parents=True, exist_ok=True)
    path_of(name, seed).write_text(json.dumps(asdict(run)) + "\n", encoding="utf-8")


def runs_of(name: str) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in sorted(FOLDER.glob(f"{name}-[0-9]*.json"))]


def summary_of_methods() -> None:
    rows: list[dict[str, Any]] = []
    curves: dict[str, Curve] = {}
    for name in METHODS:
        runs = runs_of(name)
        if not runs:
            continue
        curves[name] = _curve(runs)
        reached = [_first_reached(run) for run in runs]
        best = [max(float(np.mean(each)) for each in run["returns"]) for run in runs]
        rows.append(
            {
                "method": name,
                "seeds": len(runs),
                f"env steps to {GOAL:.0f}": " ".join(str(each or "-") for each in reached),
                "env steps at last evaluation": " ".join(str(run["steps"][-1]) for run in runs),
                "mean at last evaluation": " ".join(
                    f"{np.mean(run['returns'][-1]):.0f}" for run in runs
                ),
                "best mean": " ".join(f"{each:.0f}" for each in best),
                "seconds": " ".join(f"{run['seconds']:.0f}" for run in runs),
            }
        )
    if rows:
        title = f"{WORLD}, greedy, 100 starts"
        draw_curves(RESULTS / "learning/world_models.png", title, curves, GOAL)
        publish(
            "learning/world_models", f"{WORLD}: environment steps to a return of {GOAL:.0f}", rows
        )


def summary_of_temperatures() -> None:
    rows: list[dict[str, Any]] = []
    for tau in TEMPERATURES:
        runs = runs_of(f"tau-{tau}")
        if not runs:
            continue
        imagined = [run["imagined"] for run in runs]
        real = [run["returns"][-1] for run in runs]
        rows.append(
            {
                "temperature": str(tau),
                "seeds": len(runs),
                "imagined, each seed": " ".join(f"{np.mean(each):.0f}" for each in imagined),
                "real, each seed": " ".join(f"{np.mean(each):.0f}" for each in real),
                "imagined IQM (95 %)": "{:.0f} ({:.0f} to {:.0f})".format(*interquartile(imagined)),
                "real IQM (95 %)": "{:.0f} ({:.0f} to {:.0f})".format(*interquartile(real)),
                "imagined - real": float(np.mean(imagined) - np.mean(real)),
            }
        )
    if rows:
        title = "World Models: imagined and real return at each temperature"
        publish("learning/world_models_temperature", title, rows)


def _curve(runs: list[dict[str, Any]]) -> Curve:
    """Evaluations of the seeds are at different steps: each point uses the latest of each seed."""
    first = max(run["steps"][0] for run in runs)
    steps = sorted({step for run in runs for step in run["steps"] if step >= first})
    returns = [
        [run["returns"][int(np.searchsorted(run["steps"], step, "right")) - 1] for step in steps]
        for run in runs
    ]
    return Curve.of([steps] * len(runs), returns)


def _first_reached(run: dict[str, Any]) -> int | None:
    pairs = zip(run["steps"], run["returns"], strict=True)
    return next((steps for steps, returns in pairs if np.mean(returns) >= GOAL), None)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parts = {"dreams": list(METHODS), "temperature": [f"tau-{tau}" for tau in TEMPERATURES]}
    parser.add_argument("--parts", nargs="+", default=list(parts), choices=list(parts))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument(
        "--steps", type=int, default=STEPS, help="environment steps of World Models"
    )
    parser.add_argument(
        "--tau-steps", type=int, default=2000, help="environment steps at each temperature"
    )
    parser.add_argument("--draw", action="store_true", help="only draw the existing results")
    parser.add_argument(
        "--set", nargs="*", default=[], help="KEY=VALUE for a trial; its results are not written"
    )
    options = parser.parse_args()
    if not options.draw:
        for seed in options.seeds:
            for part in options.parts:
                for name in parts[part]:
                    steps = options.tau_steps if part == "temperature" else options.steps
                    if options.set or not path_of(name, seed).exists():
                        run_one(name, seed, steps, options.set)
    summary_of_methods()
    summary_of_temperatures()


if __name__ == "__main__":
    main()
