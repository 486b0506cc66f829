"""Records the golden runs again: python -m tests.golden.lives.make [NAME ...]

They are short runs with the weights that acted in them. A code change that alters one of their
decisions fails tests/golden/test_golden_decisions.py. If you intend the change, run this script
and explain it in the commit.
"""

import shutil
import sys
import tempfile
from pathlib import Path

from configs.load import load_config, write_config
from interfaces.runtime.run_folder import RunFolder, create_run
from interfaces.runtime.worlds import make_lockstep_worlds
from interfaces.session.recorder import Recorder
from tests.conftest import ROOT
from trainer.running.lockstep import LockstepTrainer

HERE = Path(__file__).resolve().parent
STEPS = 60
_SMALL = ["seed=7", "trainer.prefill=20", "trainer.publish_updates=8"]
_CART = ["world.kind=gymnasium", "world.id=CartPole-v1", "model.deter=32", "model.units=32"]
_CART += ["model.layers=1", "trainer.batch=4", "trainer.length=8"]
RECORDINGS = {
    "seeing": ("tiny", ["trainer.train_ratio=16"]),
    "choosing": (
        "dreamerv3-small",
        [*_CART, "model.stoch=4", "model.classes=4", "trainer.train_ratio=16"],
    ),
    "climbing": ("dreamer", [*_CART, "model.stoch=8", "trainer.train_ratio=16"]),
    "memoryless": ("ppo", [*_CART, "ppo.rollout=20", "ppo.minibatch=10"]),
    "evolved": (
        "world_models",
        [
            *(*_CART, "trainer.train_ratio=16", "world_models.fit=5"),
            *("world_models.generations=1", "world_models.population=4"),
        ],
    ),
}


def make(name: str) -> Path:
    """Run one recording and store what a replay needs: configuration, session and weights.

    Returns its folder.
    """
    preset, overrides = RECORDINGS[name]
    config = load_config(Path(preset), [*_SMALL, *overrides])
    folder = HERE / name
    shutil.rmtree(folder, ignore_errors=True)
    with tempfile.TemporaryDirectory() as temporary:
        run = create_run(Path(temporary) / "run", config, name, ROOT)
        lockstep = LockstepTrainer(run, config, make_lockstep_worlds(config, config.seed))
        lockstep.run(STEPS, lambda _: None, lambda: False)
        recorder = Recorder(run.journal, run.session, config, {})
        recorder.record_new_steps()
        recorder.close()
        stored = RunFolder(folder)
        shutil.copytree(run.session, stored.session)
        shutil.copytree(run.weights / "applied", stored.weights / "applied")
    write_config(config, stored.config_file)
    return folder


def main() -> None:
    """Records the runs named on the command line, or all, and prints their sizes."""
    for name in sys.argv[1:] or RECORDINGS:
        folder = make(name)
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        print(f"{name}: {size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
