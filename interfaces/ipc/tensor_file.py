"""Reads safetensors files that may be damaged or hostile: one error, memory bounded by the file.

The format: https://github.com/huggingface/safetensors (eight bytes with the length of the header,
the header as JSON, the data). The library reads metadata only from files, so the header is parsed
here, before the library sees the data.
"""

import math
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar

from numpy.typing import NDArray
from pydantic import BaseModel, Field, TypeAdapter, ValidationError
from safetensors import SafetensorError
from safetensors.numpy import load, save

from configs.reading.bounded_file import UnreadableFile, read_bytes
from configs.reading.json_document import OBJECT, parse_json

MAX_TENSOR_BYTES = 16 * 2**30
_MAX_HEADER_BYTES = 16 * 2**20
_LENGTH_BYTES = 8
_DATA_CRC = "crc32"  # in the metadata: the CRC-32 of the data, which the format itself lacks
# Bytes of one value. Other types of the format are in no file of Yume.
_ITEM_BYTES = {
    **{"BOOL": 1, "U8": 1, "I8": 1, "I16": 2, "U16": 2, "F16": 2, "BF16": 2},
    **{"I32": 4, "U32": 4, "F32": 4, "I64": 8, "U64": 8, "F64": 8},
}
_Count = Annotated[int, Field(ge=0, lt=2**63, strict=True)]
T = TypeVar("T")


class TensorEntry(BaseModel):
    """One entry of the header: `data_offsets` are begin and end in the data, in bytes."""

    dtype: str
    shape: list[_Count]
    data_offsets: tuple[_Count, _Count]


_ENTRIES = TypeAdapter(dict[str, TensorEntry])
_METADATA = TypeAdapter(dict[str, str])


@dataclass(frozen=True)
class TensorFile:
    """The checked header: entries by name and the metadata. `data` is where the data begin."""

    entries: dict[str, TensorEntry]
    metadata: dict[str, str]
    data: int


def read_arrays(path: Path, max_bytes: int) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    """The arrays and the metadata of a file. Raises UnreadableFile and MissingFile."""
    content = read_bytes(path, max_bytes)
    return parse_tensors(content, path, load)


def parse_tensors(
    content: bytes, place: Path | str, load: Callable[[bytes], dict[str, T]]
) -> tuple[dict[str, T], dict[str, str]]:
    """The tensors and the metadata in the content of a file; `load` is the library's function.

    Raises UnreadableFile.
    """
    header = check_tensors(content, place)
    try:
        return load(content), header.metadata
    except (SafetensorError, ValueError, TypeError, KeyError, RuntimeError, MemoryError) as error:
        raise UnreadableFile(place, f"not a safetensors file that can be read: {error}") from None


def pack_array(name: str, array: NDArray[Any], metadata: dict[str, str]) -> bytes:
    """The content of a file with this one array, C-contiguous, and with a checksum of its data."""
    return save({name: array}, metadata=metadata | {_DATA_CRC: f"{zlib.crc32(array.data):08x}"})


def check_tensors(content: bytes, place: Path | str) -> TensorFile:
    """Check the header against the data, and the checksum of the data if the file states one.

    Raises UnreadableFile.
    """
    length = _header_length(content)
    data = _LENGTH_BYTES + length
    if len(content) < _LENGTH_BYTES or data > len(content) or length > _MAX_HEADER_BYTES:
        raise UnreadableFile(place, "not a safetensors file, or truncated: its header is too long")
    raw = parse_json(content[_LENGTH_BYTES:data], place, OBJECT)
    try:
        metadata = _METADATA.validate_python(raw.pop("__metadata__", {}))
        entries = _ENTRIES.validate_python(raw)
    except ValidationError as error:
        message = error.errors(include_url=False, include_context=False)[0]["msg"]
        raise UnreadableFile(place, f"not the header of a safetensors file: {message}") from None
    _check_offsets(entries, len(content) - data, place)
    stated = metadata.get(_DATA_CRC)
    if stated is not None and stated != f"{zlib.crc32(memoryview(content)[data:]):08x}":
        raise UnreadableFile(place, "its checksum does not match: damaged")
    return TensorFile(entries, metadata, data)


def _header_length(content: bytes) -> int:
    return int.from_bytes(content[:_LENGTH_BYTES], "little")


def _check_offsets(entries: dict[str, TensorEntry], size: int, place: Path | str) -> None:
    """Each byte of the data belongs to exactly one tensor of the right size."""
    reached = 0
    for name, entry in sorted(entries.items(), key=lambda item: item[1].data_offsets):
        begin, end = entry.data_offsets
        item = _ITEM_BYTES.get(entry.dtype)
        if item is None:
            raise UnreadableFile(place, f"{ascii(name)[:60]}: type {ascii(entry.dtype)[:20]}")
        if begin != reached or end - begin != item * math.prod(entry.shape):
            raise UnreadableFile(place, f"{ascii(name)[:60]} does not have the size of its shape")
        reached = end
    if reached != size:
        raise UnreadableFile(place, f"{size} bytes of data, but its header states {reached}")
