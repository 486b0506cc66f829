"""A trained policy in another client: the score at once, and after 3,000 further steps.

python -m benchmarks.learning.from_run [--cases profile …] [--seeds 1 2] [--source contacts]
                            [--steps 3000] [--blank]

The networks come from the runs of the benchmark `living` (runs/living/SOURCE-SEED), as with
`train default --from RUN`. Each case changes one thing of the stand-in: avatar, response profile,
place, speed, or in the plaza how many people have contact senders. The look at step 0 is the score
at once; the greedy policy runs 20 episodes of 300 steps in unseen rooms. `--blank` also runs each
case from blank weights, for comparison.

Baselines are those of the same case. Runs are kept in runs/from_run and resume there. Results:
results/learning/from_run/CASE-SEED.json, baselines/CASE.json.
"""

import argparse
from pathlib import Path

from benchmarks.common import ROOT
from benchmarks.learning.living import (
    FOLDER,
    LivingResult,
    live,
    measure_baselines,
    open_result_run,
)
from benchmarks.learning.living_variants import CONTACTS, Variant
from configs.load import load_config
from interfaces.runtime.worlds import live_spaces
from trainer.learners.start_from import start_from

GROUP, LOOKS = "from_run", (0, 3000)
_AVATAR = (
    "world.standin.avatars=[{id: avtr_small, eye_height_m: 1.1}, {id: avtr_tall, eye_height_m: 2}]"
)
CASES: dict[str, Variant] = {
    "home": Variant(CONTACTS, "the client of the training"),
    "avatar": Variant((*CONTACTS, _AVATAR), "an avatar with eyes at 1.1 m instead of 1.6 m"),
    "profile": Variant(
        (*CONTACTS, "world.standin.profile=client"),
        "response profile `client`: 1.5 times as fast, with dead times",
    ),
    "plaza": Variant((*CONTACTS, "world.standin.place=plaza"), "the place `plaza`"),
    "senders": Variant(
        (*CONTACTS, "world.standin.place=plaza", "world.standin.without_senders=0.3"),
        "the place `plaza`; each person lacks contact senders with probability 0.3",
    ),
    "speed": Variant(
        (*CONTACTS, "world.standin.randomise={gain: 2, delay: 3}"),
        "speeds times 0.5 to 2, random in each episode; dead times times 1 to 3",
    ),
}


def measure(case: str, seed: int, source: str, steps: int, *, blank: bool) -> None:
    """Runs one case from the networks of `source`, or without them."""
    name = f"{case}-blank" if blank else case
    result = LivingResult.open(name, CASES[case], seed, 1, GROUP)
    run = open_result_run(result)
    if not blank and not any(run.checkpoints.glob("*")):
        networks = ROOT / "runs" / "living" / f"{source}-{seed}"
        lines = start_from(run, run.config, live_spaces(run.config.world), networks)
        print("\n".join(lines), flush=True)
    live(result, sorted({0, *(look for look in LOOKS if look < steps), steps}))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--cases", nargs="+", default=list(CASES), choices=CASES)
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--source", default="contacts", help="variant of the benchmark living")
    parser.add_argument("--steps", type=int, default=LOOKS[-1])
    parser.add_argument("--blank", action="store_true", help="also from blank weights")
    options = parser.parse_args()
    for case in options.cases:
        config = load_config(Path("default"), list(CASES[case].settings))
        measure_baselines(FOLDER / GROUP / "baselines" / f"{case}.json", config, case=case)
        for seed in options.seeds:
            for blank in (False, True)[: 1 + options.blank]:
                measure(case, seed, options.source, options.steps, blank=blank)


if __name__ == "__main__":
    main()
