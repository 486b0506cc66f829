"""The size of a chunk is checked before it is decompressed."""

import tracemalloc

import lz4.frame
import pytest
import zstandard
from mcap.records import Chunk, Message
from mcap.stream_reader import StreamReader
from mcap.writer import CompressionType, Writer

from interfaces.session.format.chunks import MAX_BYTES, chunk_records
from interfaces.session.format.segment_reader import codec_of

ZEROS = bytes(MAX_BYTES + 1)


def chunk(compression, data, size):
    return Chunk(
        compression=compression,
        data=data,
        message_start_time=0,
        message_end_time=0,
        uncompressed_crc=0,
        uncompressed_size=size,
    )


@pytest.mark.parametrize(
    ("compression", "data", "stated_size"),
    [
        ("zstd", zstandard.compress(ZEROS), len(ZEROS)),
        ("zstd", zstandard.compress(ZEROS), 10),  # zstd uses the size in its own header
        ("zstd", zstandard.ZstdCompressor(write_content_size=False).compress(ZEROS), 10),
        ("lz4", lz4.frame.compress(ZEROS), len(ZEROS)),
        ("lz4", lz4.frame.compress(ZEROS), 10),
        ("lz4", lz4.frame.compress(bytes(1000))[:-8], 1000),  # truncated
    ],
)
def test_a_chunk_that_is_too_large_is_not_decompressed(compression, data, stated_size):
    compressed = chunk(compression, data, stated_size)
    tracemalloc.start()
    try:
        with pytest.raises((ValueError, zstandard.ZstdError)):
            chunk_records(compressed)
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("compression", list(CompressionType))
def test_chunks_of_other_writers_are_read(tmp_path, compression):
    path = tmp_path / "other.mcap"
    with path.open("wb") as file:
        writer = Writer(file, compression=compression)
        writer.start()
        channel = writer.register_channel("/a", "json", writer.register_schema("a", "", b""))
        for i in range(20):
            writer.add_message(channel, log_time=i, publish_time=i, data=b"x" * 100, sequence=i)
        writer.finish()
    with path.open("rb") as file:
        records = list(StreamReader(file, emit_chunks=True).records)
    messages = [
        record
        for each in records
        if isinstance(each, Chunk)
        for record in chunk_records(each)
        if isinstance(record, Message)
    ]
    assert [message.sequence for message in messages] == list(range(20))


def test_spaces_with_too_large_steps_are_refused():
    spaces = '{"image_shape": [10000, 10000, 3], "features": [], "actions": []}'
    with pytest.raises(ValueError, match="MiB"):
        codec_of({"camera": "png", "spaces": spaces, "sample_rate": "16000"})
