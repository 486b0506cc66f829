"""What a session states about its run."""

import json

from configs.schema import Config
from interfaces.core.sense_map import sense_map
from interfaces.core.step import StepLayout
from interfaces.runtime.run_folder import RunFolder
from interfaces.session.format.messages import Codec


def read_run_metadata(run: RunFolder) -> dict[str, str]:
    """Configuration, seed, commit and versions as text by name: the MCAP metadata `yume.run`."""
    metadata = {"config": run.config_file.read_text(encoding="utf-8")}
    try:
        meta = json.loads(run.meta.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return metadata
    return metadata | {name: _text(value) for name, value in meta.items()}


def codec_for(config: Config, layout: StepLayout) -> Codec:
    """The codec that the settings of the run ask for."""
    session = config.session
    return Codec(
        layout,
        session.camera,
        session.jpeg_quality,
        config.world.audio_input.rate_hz,
        sense_map(config.world, layout.spaces.features),
    )


def first_own_step(run: RunFolder) -> int:
    """Index of the first Step of this run itself; the Steps before it were imported."""
    try:
        return int(json.loads(run.sources.read_text(encoding="utf-8"))["steps"])
    except (OSError, ValueError, KeyError, TypeError):
        return 0


def _text(value: object) -> str:
    """The value as text. A path in it may hold bytes that are no text: they become a mark."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text.encode(errors="replace").decode()
