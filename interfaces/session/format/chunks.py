"""Unpacking what may be foreign: a megabyte can say that it is a terabyte of zeros."""

from dataclasses import replace

import lz4.frame
import zstandard
from mcap.records import Chunk, McapRecord
from mcap.stream_reader import breakup_chunk

MOST_BYTES = 64 * 2**20  # our own chunks hold 256 KiB and the Step that they end with


def chunk_records(chunk: Chunk) -> list[McapRecord]:
    """The records in a chunk. Raises ValueError for one of more than MOST_BYTES, and whatever mcap
    and the decompressors make of damage; a wrong checksum is damage too."""
    size = chunk.uncompressed_size
    if chunk.compression == "zstd":  # which takes its own word for the size, where it has one
        size = max(size, zstandard.frame_content_size(chunk.data))
    if size > MOST_BYTES:
        raise ValueError(f"a chunk of {size / 2**20:,.0f} MiB; at most {MOST_BYTES / 2**20:.0f}")
    if chunk.compression == "lz4":
        unpacker = lz4.frame.LZ4FrameDecompressor()
        data = unpacker.decompress(chunk.data, max_length=size)
        if not unpacker.eof:
            raise ValueError(f"a chunk that is not the {size} bytes it tells")
        chunk = replace(chunk, compression="", data=data)
    return breakup_chunk(chunk, validate_crc=True)
