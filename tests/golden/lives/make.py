"""Makes the golden lives anew: python -m tests.golden.lives.make [NAME …]

Short lives with the weights that lived them. A change of code that makes one of them decide
otherwise fails the test beside this; where that is meant, run this and say why in the commit.
"""

import shutil
import sys
import tempfile
from pathlib import Path

from configs.load import load_config, write_config
from interfaces.runtime.lockstep_worlds import make_lockstep_worlds
from interfaces.runtime.run_folder import RunFolder, create_run
from interfaces.session.recorder import Recorder
from tests.conftest import ROOT
from trainer.running.lockstep import Lockstep

HERE = Path(__file__).resolve().parent
STEPS = 60
_SMALL = ["seed=7", "trainer.prefill=20", "trainer.publish_updates=8"]
_CART = ["world.kind=gymnasium", "world.id=CartPole-v1", "model.deter=32", "model.units=32"]
_CART += ["model.layers=1", "trainer.batch=4", "trainer.length=8"]
LIVES = {
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
    """Live, record, and keep what a replay needs: configuration, session, weights."""
    preset, words = LIVES[name]
    config = load_config(Path(preset), [*_SMALL, *words])
    place = HERE / name
    shutil.rmtree(place, ignore_errors=True)
    with tempfile.TemporaryDirectory() as folder:
        run = create_run(Path(folder) / "run", config, name, ROOT)
        lockstep = Lockstep(run, config, make_lockstep_worlds(config, config.seed))
        lockstep.run(STEPS, lambda _: None, lambda: False)
        recorder = Recorder(run.journal, run.session, config, {})
        recorder.carry()
        recorder.close()
        kept = RunFolder(place)
        shutil.copytree(run.session, kept.session)
        shutil.copytree(run.weights / "applied", kept.weights / "applied")
    write_config(config, kept.config_file)
    return place


def main() -> None:
    for name in sys.argv[1:] or LIVES:
        place = make(name)
        size = sum(path.stat().st_size for path in place.rglob("*") if path.is_file())
        print(f"{name}: {size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
