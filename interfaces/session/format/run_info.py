"""What a session says of the run that it is of."""

import json

from configs.schema import Config
from interfaces.core.spaces import Spaces
from interfaces.runtime.run_folder import RunFolder
from interfaces.session.format.messages import Codec


def about_run(run: RunFolder) -> dict[str, str]:
    """Configuration, seed, commit, versions: text by name, a segment's metadata."""
    told = {"config": run.config_file.read_text(encoding="utf-8")}
    try:
        meta = json.loads(run.meta.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return told
    return told | {name: _text(value) for name, value in meta.items()}


def codec_for(config: Config, spaces: Spaces) -> Codec:
    """As the run's settings want its Steps written."""
    session = config.session
    return Codec(spaces, session.camera, session.jpeg_quality, config.world.ears.rate_hz)


def first_own(run: RunFolder) -> int:
    """The first Step it lived itself: those before were imported, and are recorded where they come
    from."""
    try:
        return int(json.loads(run.sources.read_text(encoding="utf-8"))["steps"])
    except (OSError, ValueError, KeyError, TypeError):
        return 0


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
