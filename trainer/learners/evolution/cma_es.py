"""CMA-ES (Hansen 2016), one generation at a time, whose state is a few plain tensors.

The package keeps covariance and paths to itself; what is kept here is where a time of evolution
began and the scores it was told since. From these it can be lived through again, exactly.
"""

import warnings
from typing import Any

import numpy as np
import torch
from torch import Tensor

from configs.errors import BadInput
from configs.learning import WorldModelsConfig

try:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it tells that it cannot plot, which nobody wants here
        import cma
except ImportError as error:
    raise BadInput(
        f'method world_models: {error}; python -m pip install -e ".[world_models]" '
        "-c constraints.txt"
    ) from error

_WIDER = 0.5  # the least share of the first spread that a later time of evolution begins with


class Evolution:
    """Ask for candidates, tell their scores (higher is better), `generations` times; then begin
    anew from where that led, with a fresh covariance: the model has changed meanwhile.

    `kept`, float64: mean (N,) and sigma () of the beginning, times () evolved so far, and scores
    (generations, P), NaN where not told yet.
    """

    def __init__(self, config: WorldModelsConfig, size: int, seed: int) -> None:
        self._config, self._seed = config, seed
        self.mean = torch.zeros(size, dtype=torch.float64)
        self.sigma = torch.tensor(config.sigma, dtype=torch.float64)
        self.times = torch.zeros((), dtype=torch.float64)
        self.scores = torch.full(
            (config.generations, config.population), torch.nan, dtype=torch.float64
        )
        self._strategy: Any = None
        self._lived: tuple[Tensor, ...] = ()  # what the strategy in memory has been through

    @property
    def kept(self) -> dict[str, Tensor]:
        return {
            "evolution/mean": self.mean,
            "evolution/sigma": self.sigma,
            "evolution/times": self.times,
            "evolution/scores": self.scores,
        }

    @property
    def generation(self) -> int:
        """How many were told since this time of evolution began."""
        return int((~self.scores[:, 0].isnan()).sum())

    def ask(self) -> Tensor:
        """Candidates (P, N), float32, on the CPU."""
        self._catch_up()
        self._asked = self._strategy.ask()
        return torch.from_numpy(np.stack(self._asked)).float()

    def tell(self, scores: Tensor) -> None:
        """Scores (P,) of what was asked for last; what is not finite counts as the worst."""
        scores = scores.detach().to("cpu", torch.float64)
        finite = scores.isfinite()
        worst = scores[finite].min() if finite.any() else torch.zeros(())
        scores = torch.where(finite, scores, worst)
        self._strategy.tell(self._asked, (-scores).tolist())
        self.scores[self.generation] = scores
        self._lived = tuple(part.clone() for part in self.kept.values())

    @property
    def best(self) -> Tensor:
        """The mean as it is now (N,), float32."""
        self._catch_up()
        return torch.from_numpy(np.asarray(self._strategy.mean)).float()

    def end(self) -> None:
        """The next generation begins a new time of evolution here."""
        self._catch_up()
        sigma = max(float(self._strategy.sigma), _WIDER * self._config.sigma)
        self.mean.copy_(torch.from_numpy(np.asarray(self._strategy.mean)))
        self.sigma.fill_(min(sigma, self._config.sigma))
        self.times += 1
        self.begin_anew()

    def begin_anew(self) -> None:
        """From where this time of evolution began: what it was told is not true any more."""
        self.scores.fill_(torch.nan)

    def _catch_up(self) -> None:
        """Have a strategy in memory that has been through what is kept."""
        now = tuple(self.kept.values())
        if self._lived and all(
            torch.equal(a.nan_to_num(), b.nan_to_num())
            for a, b in zip(now, self._lived, strict=True)
        ):
            return
        random = np.random.Generator(
            np.random.Philox(key=self._seed, counter=[0, 0, int(self.times), 2])
        )
        options = {
            "popsize": self._config.population,
            "randn": lambda *shape: random.standard_normal(shape),
            "seed": np.nan,  # leaves numpy's global generator alone
            "verbose": -9,
        }
        self._strategy = cma.CMAEvolutionStrategy(
            self.mean.numpy().copy(), float(self.sigma), options
        )
        for told in self.scores[: self.generation]:
            self._strategy.tell(self._strategy.ask(), (-told).tolist())
        self._lived = tuple(part.clone() for part in now)
