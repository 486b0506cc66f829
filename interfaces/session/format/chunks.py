"""Decompress the chunks of an MCAP file, with a size limit against damaged or malicious files."""

import io
import struct
from dataclasses import replace

import lz4.frame
import zstandard
from mcap.data_stream import ReadDataStream
from mcap.opcode import Opcode
from mcap.records import Channel, Chunk, McapRecord, Message
from mcap.stream_reader import get_chunk_data_stream

RECORD_HEAD = struct.Struct("<BQ")  # opcode and length in bytes, before the content of a record
MAX_BYTES = 64 * 2**20  # our own chunks hold 256 KiB, plus the Step that fills them
_MESSAGE = struct.Struct("<HIQQ")  # channel, sequence, log time, publish time; then the data
_MAX_RECORDS = 500_000  # of one chunk


def chunk_records(chunk: Chunk) -> list[McapRecord]:
    """The channels and messages of a chunk.

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
    stream, length = get_chunk_data_stream(chunk, validate_crc=True)
    return _split(stream.read(length))


def _split(content: bytes) -> list[McapRecord]:
    records: list[McapRecord] = []
    offset = count = 0
    while offset < len(content):
        opcode, length = RECORD_HEAD.unpack_from(content, offset)
        offset, count = offset + RECORD_HEAD.size, count + 1
        if length > len(content) - offset or count > _MAX_RECORDS:
            raise ValueError(f"a record of {length} bytes, or too many records")
        if opcode == Opcode.MESSAGE:
            channel, sequence, log_ns, publish_ns = _MESSAGE.unpack_from(content, offset)
            data = content[offset + _MESSAGE.size : offset + length]
            records.append(Message(channel, log_ns, data, publish_ns, sequence))
        elif opcode == Opcode.CHANNEL:
            part = io.BytesIO(content[offset : offset + length])
            records.append(Channel.read(ReadDataStream(part)))
        offset += length
    return records
