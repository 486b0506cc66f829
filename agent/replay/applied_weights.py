"""The weights that lived a run, version by version: the seed's own, and those kept on disk."""

import torch

from agent.networks.agent_networks import ActingNetworks, acting_shapes, build_for, view_acting
from agent.networks.dynamics import State
from configs.schema import Config
from interfaces.core.spaces import Spaces
from interfaces.journal.latent_snapshots import read_keyframes
from interfaces.runtime.run_folder import RunFolder
from interfaces.weights import Manifest, WeightsError
from interfaces.weights.versions import kept_versions, load_kept


class LivedWeights:
    """Networks of a version, or why there are none. The last one is remembered."""

    def __init__(self, run: RunFolder, spaces: Spaces, config: Config) -> None:
        self._run, self._spaces, self._config = run, spaces, config
        self._fresh = build_for(spaces, config).eval()
        self._manifest = Manifest(acting_shapes(self._fresh))
        self._version = 0
        self._networks: ActingNetworks | str = self._fresh

    def __call__(self, version: int) -> ActingNetworks | str:
        """Of version 0, what the seed gives: it acts until the first weights come."""
        if version != self._version:
            self._version, self._networks = version, self._load(version)
        return self._networks

    def keyframes(self) -> dict[int, State]:
        """What the memory held after some of the Steps, (1, ...) each, by their index."""
        dynamics = self._fresh.dynamics
        kept = read_keyframes(self._run.keyframes, dynamics.feature_size)
        none = dynamics.initial(1)
        return {index: none.like(torch.from_numpy(row.copy())[None]) for index, row in kept.items()}

    def _load(self, version: int) -> ActingNetworks | str:
        if version == 0:
            return self._fresh
        try:
            flat = load_kept(self._run.weights, version, self._manifest)
        except (WeightsError, OSError) as error:
            kept = version in kept_versions(self._run.weights)
            return str(error) if kept else "weights that are not kept"
        return view_acting(self._spaces, self._config, flat)
