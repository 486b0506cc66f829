"""What a session states about its run."""

import json
from typing import Annotated

from loguru import logger
from pydantic import BaseModel, Field, TypeAdapter

from configs.reading.bounded_file import MissingFile, UnreadableFile, read_text
from configs.reading.json_document import OBJECT, read_json
from configs.schema import Config
from interfaces.core.sense_map import sense_map
from interfaces.core.step import StepLayout
from interfaces.runtime.run_folder import RunFolder
from interfaces.session.format.messages import Codec


class ImportedSessions(BaseModel):
    """The content of sessions.json: recordings at the start of the journal, and their Steps."""

    sessions: list[str]
    steps: Annotated[int, Field(ge=0, lt=2**63, strict=True)]


SOURCES = TypeAdapter(ImportedSessions)


def read_run_metadata(run: RunFolder) -> dict[str, str]:
    """Configuration, seed, commit and versions as text by name: the MCAP metadata `yume.run`.

    Raises UnreadableFile if config.yaml cannot be read. A damaged meta.json is logged and left out.
    """
    metadata = {"config": read_text(run.config_file)}
    try:
        meta = read_json(run.meta, OBJECT)
    except MissingFile:
        return metadata
    except UnreadableFile as error:
        logger.warning("{}; the recording will lack it", error)
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
    """Index of the first Step of this run itself; the Steps before it were imported.

    Raises UnreadableFile for a damaged file: imported Steps would count as those of the run.
    """
    try:
        return read_json(run.sources, SOURCES).steps
    except MissingFile:
        return 0


def _text(value: object) -> str:
    """MCAP holds UTF-8 only; a path on the command line may be something else."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text.encode("utf-8", "backslashreplace").decode()
