"""CMA-ES (Hansen 2016), one generation per update, with a small tensor state.

The package cma does not expose its covariance and evolution paths. The state here is the start of
the current search and the scores given since. Replaying these scores restores the search exactly.
"""

import warnings
from typing import Any

import numpy as np
import torch
from torch import Tensor

from configs.errors import BadInput
from configs.methods.world_models_method import WorldModelsConfig

try:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # cma warns that it cannot plot
        import cma
except ImportError as error:
    raise BadInput(
        f'method world_models: {error}; python -m pip install -e ".[world_models]" '
        "-c constraints.txt"
    ) from error

_MIN_SIGMA_SHARE = 0.5  # a later search starts with at least this share of the first sigma


class CmaEs:
    """A sequence of searches with the ask-and-tell interface; higher scores are better.

    A search has `generations` generations of P candidates (P, N). The next search starts at the
    mean of the last one with a fresh covariance, because the model has changed meanwhile.

    `extra_state` is float64: the start mean (N,) and sigma () of the current search, the number of
    finished searches (), and scores (generations, P), NaN where not given yet.
    """

    def __init__(self, config: WorldModelsConfig, size: int, seed: int) -> None:
        self._config, self._seed = config, seed
        self.start_mean = torch.zeros(size, dtype=torch.float64)
        self.start_sigma = torch.tensor(config.sigma, dtype=torch.float64)
        self.searches = torch.zeros((), dtype=torch.float64)
        self.scores = torch.full(
            (config.generations, config.population), torch.nan, dtype=torch.float64
        )
        self._strategy: Any = None
        self._strategy_state: tuple[Tensor, ...] = ()  # the state that _strategy has reached

    @property
    def extra_state(self) -> dict[str, Tensor]:
        """The tensors that a checkpoint needs to continue the search."""
        return {
            "evolution/mean": self.start_mean,
            "evolution/sigma": self.start_sigma,
            "evolution/times": self.searches,
            "evolution/scores": self.scores,
        }

    @property
    def generation(self) -> int:
        """The number of generations of the current search that have scores."""
        return int((~self.scores[:, 0].isnan()).sum())

    def ask(self) -> Tensor:
        """The candidates of the next generation (P, N), float32, on the CPU."""
        self._restore_strategy()
        self._asked = self._strategy.ask()
        return torch.from_numpy(np.stack(self._asked)).float()

    def tell(self, scores: Tensor) -> None:
        """Sets the scores (P,) of the last candidates; non-finite scores count as the worst."""
        scores = scores.detach().to("cpu", torch.float64)
        finite = scores.isfinite()
        worst = scores[finite].min() if finite.any() else torch.zeros(())
        scores = torch.where(finite, scores, worst)
        self._strategy.tell(self._asked, (-scores).tolist())
        self.scores[self.generation] = scores
        self._strategy_state = tuple(part.clone() for part in self.extra_state.values())

    @property
    def solution(self) -> Tensor:
        """The current mean of the search distribution (N,), float32."""
        self._restore_strategy()
        return torch.from_numpy(np.asarray(self._strategy.mean)).float()

    def finish(self) -> None:
        """Ends the search; the next one starts at its mean."""
        self._restore_strategy()
        sigma = max(float(self._strategy.sigma), _MIN_SIGMA_SHARE * self._config.sigma)
        self.start_mean.copy_(torch.from_numpy(np.asarray(self._strategy.mean)))
        self.start_sigma.fill_(min(sigma, self._config.sigma))
        self.searches += 1
        self.discard_scores()

    def discard_scores(self) -> None:
        """Restarts the current search from its start: its scores are no longer valid."""
        self.scores.fill_(torch.nan)

    def _restore_strategy(self) -> None:
        """Rebuilds the strategy object from extra_state, if it differs from it."""
        state = tuple(self.extra_state.values())
        if self._strategy_state and all(
            torch.equal(a.nan_to_num(), b.nan_to_num())
            for a, b in zip(state, self._strategy_state, strict=True)
        ):
            return
        random = np.random.Generator(
            np.random.Philox(key=self._seed, counter=[0, 0, int(self.searches), 2])
        )
        options = {
            "popsize": self._config.population,
            "randn": lambda *shape: random.standard_normal(shape),
            "seed": np.nan,  # leaves numpy's global generator alone
            "verbose": -9,
        }
        self._strategy = cma.CMAEvolutionStrategy(
            self.start_mean.numpy().copy(), float(self.start_sigma), options
        )
        for scores in self.scores[: self.generation]:
            self._strategy.tell(self._strategy.ask(), (-scores).tolist())
        self._strategy_state = tuple(part.clone() for part in state)
