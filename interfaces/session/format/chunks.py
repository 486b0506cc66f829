"""Decompress the chunks of an MCAP file, with a size limit against damaged or malicious files."""

import struct
from dataclasses import replace

import lz4.frame
import zstandard
from mcap.records import Chunk, McapRecord
from mcap.stream_reader import breakup_chunk

RECORD_HEAD = struct.Struct("<BQ")  # opcode and length in bytes, before the content of a record
MAX_BYTES = 64 * 2**20  # our own chunks hold 256 KiB, plus the Step that fills them


def chunk_records(chunk: Chunk) -> list[McapRecord]:
    """The records of a chunk.

    Raises ValueError for a chunk of more than MAX_BYTES. A damaged chunk raises what mcap and the
    decompressors raise; a wrong checksum counts as damage.
    """
    size = chunk.uncompressed_size
    if chunk.compression == "zstd":  # zstd uses the size in its own header, if any
        size = max(size, zstandard.frame_content_size(chunk.data))
    if size > MAX_BYTES:
        raise ValueError(
            f"a chunk of {size / 2**20:,.0f} MiB; the limit is {MAX_BYTES / 2**20:.0f}"
        )
    if chunk.compression == "lz4":
        decompressor = lz4.frame.LZ4FrameDecompressor()
        data = decompressor.decompress(chunk.data, max_length=size)
        if not decompressor.eof:
            raise ValueError(f"a chunk does not have the {size} bytes that its header states")
        chunk = replace(chunk, compression="", data=data)
    return breakup_chunk(chunk, validate_crc=True)
