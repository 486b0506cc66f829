"""The two files of a checkpoint: tensors as safetensors, everything else as JSON with checksums."""

import re
import zlib
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from configs.reading.bounded_file import UnreadableFile, read_bytes
from configs.reading.json_document import OddNumbers, read_json
from interfaces.ipc.atomic_files import write_bytes, write_checked_json
from interfaces.ipc.tensor_file import MAX_TENSOR_BYTES

MAX_RECORD_BYTES = 64 * 2**20  # the states of many worlds may be in it
_NAME = re.compile(r"[0-9]{6,18}-[0-9]{12,18}")
_Count = Annotated[int, Field(ge=0, lt=2**63)]


class CheckpointRecord(BaseModel):
    """What the JSON file holds.

    `crc32`, `bytes`: of the tensors; None for the size in files of older versions. `left_out`:
    updates skipped just before it was saved. `extra`: JSON content of the training loop.
    """

    model_config = ConfigDict(strict=True, frozen=True)

    steps: _Count
    updates: _Count
    version: _Count
    crc32: Annotated[int, Field(ge=0, lt=2**32)]
    bytes: _Count | None = None
    left_out: _Count = 0
    extra: dict[str, Any]


RECORD = TypeAdapter(CheckpointRecord)


def checkpoint_path(folder: Path, serial: int, steps: int) -> Path:
    """The path of the JSON file of a checkpoint."""
    return folder / f"{serial:06d}-{steps:012d}.json"


def checkpoint_files(folder: Path) -> list[Path]:
    """The JSON files with the name of a checkpoint, oldest first."""
    return sorted(path for path in folder.glob("*.json") if _NAME.fullmatch(path.stem))


def tensor_files(folder: Path) -> list[Path]:
    """The safetensors files with the name of a checkpoint, also those without their JSON file."""
    return sorted(path for path in folder.glob("*.safetensors") if _NAME.fullmatch(path.stem))


def serial_of(path: Path) -> int:
    """The serial number in the name of a checkpoint."""
    return int(path.stem.split("-")[0])


def write_checkpoint(path: Path, tensors: bytes, record: dict[str, Any]) -> None:
    """Write the tensors, then the JSON file with `record` and the checksums. Raises OSError."""
    write_bytes(path.with_suffix(".safetensors"), tensors)
    write_checked_json(path, record | {"crc32": zlib.crc32(tensors), "bytes": len(tensors)})


def read_record(path: Path) -> CheckpointRecord:
    """The JSON file of a checkpoint. Raises UnreadableFile and MissingFile."""
    return read_json(
        path, RECORD, max_bytes=MAX_RECORD_BYTES, odd_numbers=OddNumbers.KEEP
    )  # a state may hold NaN


def read_checkpoint(path: Path) -> tuple[CheckpointRecord, bytes]:
    """Both files of a checkpoint, checked: its record and the content of the tensor file.

    Raises UnreadableFile and MissingFile.
    """
    record, tensors = read_record(path), path.with_suffix(".safetensors")
    content = read_bytes(tensors, MAX_TENSOR_BYTES if record.bytes is None else record.bytes)
    if record.bytes not in (None, len(content)) or zlib.crc32(content) != record.crc32:
        raise UnreadableFile(tensors, "its checksum does not match: damaged")
    return record, content
