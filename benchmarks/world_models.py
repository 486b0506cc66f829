"""World Models on CartPole-v1: what dreams save, and what the temperature does to them.

python -m benchmarks.world_models [--parts dreams temperature] [--seeds 0 1 2] [--draw]

dreams: lived steps until the mean return of 100 episodes is 400, of World Models and of the same
CMA-ES without dreams: the same linear controller, on the true observation, each candidate tried in
one lived episode (with the preset's population, and with the smaller one that cma proposes). What
is lived to look at a policy counts for nobody.
temperature: World Models at each tau; the final controller's return dreamed at that tau and lived,
from the same 100 starts.
One run at a time; each leaves results/world_models/NAME-SEED.json and is not run again while that
stands.
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
from benchmarks.curves import Curve, draw_curves, interquartile
from benchmarks.dreams import starts
from benchmarks.looks import EPISODES, FIRST_SEED, lived_returns
from configs.load import load_config
from configs.schema import Config
from interfaces.runtime.lockstep_worlds import make_lockstep_world

WORLD, ENOUGH, LONGEST = "CartPole-v1", 400.0, 500
STEPS, MOST_LIVED = 5000, 60_000  # of World Models; of CMA-ES without dreams, until it has enough
TEMPERATURES = (0.1, 0.5, 1.0, 1.15, 1.3)
FOLDER = RESULTS / "world_models"
DREAMS = {"world-models": None, "cma-lived": "preset", "cma-lived-small": "cma"}


@dataclass
class Run:
    """What one seed lived. `returns` at each look, one for each of 100 starts."""

    name: str
    seed: int
    steps: list[int] = field(default_factory=list[int])
    returns: list[list[float]] = field(default_factory=list[list[float]])
    dreamed: list[float] = field(default_factory=list[float])  # after the last look, same starts
    seconds: float = 0.0
    machine: dict[str, Any] = field(default_factory=dict[str, Any])

    def look(self, steps: int, returns: list[float]) -> float:
        self.steps.append(steps)
        self.returns.append([round(value, 3) for value in returns])
        mean = float(np.mean(returns))
        print(f"{self.name} seed {self.seed}  {steps:6d} steps  {mean:8.1f}", flush=True)
        return mean


def settings(seed: int, *more: str) -> Config:
    return load_config(
        Path("world_models"), ["world.kind=gymnasium", f"world.id={WORLD}", f"seed={seed}", *more]
    )


def live_with_dreams(run: Run, config: Config, steps: int) -> None:
    """A look whenever a controller was evolved; at the end its dreams of the same starts."""
    from interfaces.runtime.run_folder import create_run
    from trainer.running.lockstep import Lockstep

    make = lambda seed: make_lockstep_world(config, seed)  # noqa: E731
    with tempfile.TemporaryDirectory() as folder:
        place = create_run(Path(folder) / "run", config, run.name, ROOT)
        lockstep = Lockstep(place, config, [make(run.seed)])
        learner, evolved = lockstep.learner, 0

        def look(lived: int) -> None:
            nonlocal evolved
            if learner.updates // learner.publish_updates > evolved:
                evolved = learner.updates // learner.publish_updates
                run.look(lived, lived_returns(learner.networks, config))

        lockstep.run(steps, look, lambda: False)
        run.dreamed = dreamed_returns(learner, config)
        print(f"{run.name} seed {run.seed}  dreamed {np.mean(run.dreamed):8.1f}", flush=True)


@torch.no_grad()
def dreamed_returns(learner: Any, config: Config) -> list[float]:
    """What the controller that acts expects, undiscounted, of the starts it is looked at with."""
    from trainer.learners.evolution.imagined_trials import dreamed_scores

    networks = learner.networks
    make = lambda seed: make_lockstep_world(config, seed)  # noqa: E731
    start, noise = starts(networks, config, make, EPISODES, FIRST_SEED)
    flat = learner.controller.read(networks.policy).unsqueeze(0)
    scores = dreamed_scores(
        networks, learner.controller, flat, start, LONGEST, config, noise, discount=1.0
    )
    return [round(float(score), 3) for score in scores[0]]


def live_without(run: Run, config: Config, population: str) -> None:
    """CMA-ES of W, b on the true observation; one lived episode a candidate."""
    import gymnasium

    world = gymnasium.make(WORLD)
    random = np.random.default_rng(run.seed)

    def episode(flat: np.ndarray, seed: int) -> float:
        weight, bias = flat[:-2].reshape(2, -1), flat[-2:]
        observed, _ = world.reset(seed=seed)
        total, ended = 0.0, False
        while not ended:
            action = int(np.argmax(weight @ observed + bias))
            observed, reward, terminated, truncated, _ = world.step(action)
            total, ended = total + float(reward), terminated or truncated
        return total

    options = {"seed": np.nan, "randn": lambda *s: random.standard_normal(s), "verbose": -9}
    if population == "preset":
        options["popsize"] = config.world_models.population
    size = 2 * (world.reset()[0].size + 1)
    strategy = cma_es(np.zeros(size), config.world_models.sigma, options)
    lived, mean = 0, 0.0
    while mean < ENOUGH and lived < MOST_LIVED:
        candidates = strategy.ask()
        scores = [episode(each, int(random.integers(2**31))) for each in candidates]
        lived += int(sum(scores))  # each step pays 1
        strategy.tell(candidates, [-score for score in scores])
        now = np.asarray(strategy.mean)
        mean = run.look(lived, [episode(now, FIRST_SEED + i) for i in range(EPISODES)])


def cma_es(*arguments: Any) -> Any:
    import cma

    return cma.CMAEvolutionStrategy(*arguments)


def path_of(name: str, seed: int) -> Path:
    return FOLDER / f"{name}-{seed}.json"


def live_one(name: str, seed: int, steps: int, overrides: list[str]) -> None:
    torch.set_num_threads(1)
    run, began = Run(name, seed, machine=machine()), time.perf_counter()
    if name.startswith("tau-"):
        tau = name.removeprefix("tau-")
        live_with_dreams(run, settings(seed, f"world_models.temperature={tau}", *overrides), steps)
    elif (population := DREAMS[name]) is None:
        live_with_dreams(run, settings(seed, *overrides), steps)
    else:
        live_without(run, settings(seed, *overrides), population)
    run.seconds = round(time.perf_counter() - began, 1)
    if overrides:
        return  # a trial: what it printed is not the preset's
    FOLDER.mkdir(parents=True, exist_ok=True)
    path_of(name, seed).write_text(json.dumps(asdict(run)) + "\n", encoding="utf-8")


def runs_of(name: str) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in sorted(FOLDER.glob(f"{name}-[0-9]*.json"))]


def summary_of_dreams() -> None:
    rows: list[dict[str, Any]] = []
    curves: dict[str, Curve] = {}
    for name in DREAMS:
        runs = runs_of(name)
        if not runs:
            continue
        curves[name] = _curve(runs)
        reached = [_reached(run) for run in runs]
        best = [max(float(np.mean(each)) for each in run["returns"]) for run in runs]
        rows.append(
            {
                "method": name,
                "seeds": len(runs),
                f"lived steps to {ENOUGH:.0f}": " ".join(str(each or "-") for each in reached),
                "steps of last look": " ".join(str(run["steps"][-1]) for run in runs),
                "mean at last look": " ".join(f"{np.mean(run['returns'][-1]):.0f}" for run in runs),
                "best mean": " ".join(f"{each:.0f}" for each in best),
                "seconds": " ".join(f"{run['seconds']:.0f}" for run in runs),
            }
        )
    if rows:
        title = f"{WORLD}, greedy, 100 starts"
        draw_curves(RESULTS / "world-models.png", title, curves, ENOUGH)
        publish("world-models", f"{WORLD}: lived steps to {ENOUGH:.0f}", rows)


def summary_of_temperatures() -> None:
    rows: list[dict[str, Any]] = []
    for tau in TEMPERATURES:
        runs = runs_of(f"tau-{tau}")
        if not runs:
            continue
        dreamed, lived = ([each[key] for each in runs] for key in ("dreamed", "returns"))
        last = [each[-1] for each in lived]
        rows.append(
            {
                "tau": str(tau),
                "seeds": len(runs),
                "dreamed, each seed": " ".join(f"{np.mean(each):.0f}" for each in dreamed),
                "lived, each seed": " ".join(f"{np.mean(each):.0f}" for each in last),
                "dreamed IQM (95 %)": "{:.0f} ({:.0f} to {:.0f})".format(*interquartile(dreamed)),
                "lived IQM (95 %)": "{:.0f} ({:.0f} to {:.0f})".format(*interquartile(last)),
                "dreamed - lived": float(np.mean(dreamed) - np.mean(last)),
            }
        )
    if rows:
        publish("world-models-temperature", "return dreamed at tau, and lived after it", rows)


def _curve(runs: list[dict[str, Any]]) -> Curve:
    """Seeds are looked at at different steps: at each, what the last look at every seed saw."""
    begun = max(run["steps"][0] for run in runs)
    steps = sorted({step for run in runs for step in run["steps"] if step >= begun})
    returns = [
        [run["returns"][int(np.searchsorted(run["steps"], step, "right")) - 1] for step in steps]
        for run in runs
    ]
    return Curve.of([steps] * len(runs), returns)


def _reached(run: dict[str, Any]) -> int | None:
    looks = zip(run["steps"], run["returns"], strict=True)
    return next((steps for steps, returns in looks if np.mean(returns) >= ENOUGH), None)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parts = {"dreams": list(DREAMS), "temperature": [f"tau-{tau}" for tau in TEMPERATURES]}
    parser.add_argument("--parts", nargs="+", default=list(parts), choices=list(parts))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--steps", type=int, default=STEPS, help="lived by World Models")
    parser.add_argument("--tau-steps", type=int, default=2000, help="lived at each temperature")
    parser.add_argument("--draw", action="store_true", help="only draw what there is")
    parser.add_argument("--set", nargs="*", default=[], help="KEY=VALUE for ours, to try things")
    asked = parser.parse_args()
    if not asked.draw:
        for seed in asked.seeds:
            for part in asked.parts:
                for name in parts[part]:
                    steps = asked.tau_steps if part == "temperature" else asked.steps
                    if asked.set or not path_of(name, seed).exists():
                        live_one(name, seed, steps, asked.set)
    summary_of_dreams()
    summary_of_temperatures()


if __name__ == "__main__":
    main()
