"""The weights that a run acted with, by version: the initial ones, and those stored on disk."""

import torch

from agent.networks.agent_networks import (
    ActingNetworks,
    acting_shapes,
    build_method_networks,
    view_acting,
)
from agent.networks.dynamics import LatentState
from configs.schema import Config
from interfaces.core.spaces import Spaces
from interfaces.journal.latent_snapshots import read_latent_snapshots
from interfaces.runtime.run_folder import RunFolder
from interfaces.weights import Manifest, WeightsError
from interfaces.weights.versions import load_version, stored_versions


class AppliedWeights:
    """Looks up the acting networks of a version. It caches the last one."""

    def __init__(self, run: RunFolder, spaces: Spaces, config: Config) -> None:
        self._run, self._spaces, self._config = run, spaces, config
        self._initial = build_method_networks(spaces, config).eval()
        self._manifest = Manifest(acting_shapes(self._initial))
        self._version = 0
        self._networks: ActingNetworks | str = self._initial

    def __call__(self, version: int) -> ActingNetworks | str:
        """The networks of a version, or the reason why there are none.

        Version 0 is the initial weights of the seed, in use until the first published ones.
        """
        if version != self._version:
            self._version, self._networks = version, self._load(version)
        return self._networks

    def latent_snapshots(self) -> dict[int, LatentState]:
        """The recorded states (1, ...) after some of the Steps, by the index of the Step."""
        dynamics = self._initial.dynamics
        features = read_latent_snapshots(self._run.latent_snapshots, dynamics.feature_size)
        template = dynamics.initial(1)
        return {
            index: template.with_feature(torch.from_numpy(feature.copy())[None])
            for index, feature in features.items()
        }

    def _load(self, version: int) -> ActingNetworks | str:
        if version == 0:
            return self._initial
        try:
            flat = load_version(self._run.weights, version, self._manifest)
        except (WeightsError, OSError) as error:
            stored = version in stored_versions(self._run.weights)
            return str(error) if stored else "weights not stored"
        return view_acting(self._spaces, self._config, flat)
