"""A safetensors file is read whole and checked, or refused with one error."""

import json

import numpy as np
import pytest
from safetensors.numpy import load, save

from configs.reading.bounded_file import MissingFile, UnreadableFile
from interfaces.ipc.tensor_file import check_tensors, pack_array, parse_tensors, read_arrays
from tests.mutations import mutations, only_raises

ARRAYS = {"flat": np.arange(12, dtype=np.float32), "n": np.array([[1], [2]], np.int64)}
TOKENS = [
    *(b"F32", b"F999", b"BF16", b"U8", b"-1", b"9" * 20, b"1e999", b"0", b"[", b"]", b"{", b"}"),
    *(b'"shape"', b'"data_offsets"', b"[0,8]", b"[4611686018427387904,4]", b'"__metadata__"'),
    *(b"\xff" * 8, b"\x00" * 8, b"[" * 3000, b'"a":1,', b"null", b"\\ud800"),
]


def with_header(header, data=b"\0" * 8):
    packed = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(packed).to_bytes(8, "little") + packed + data


def entry(**changes):
    return {"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]} | changes}


def test_arrays_and_metadata_come_back(tmp_path):
    path = tmp_path / "a.safetensors"
    with pytest.raises(MissingFile):
        read_arrays(path, 1000)
    path.write_bytes(save(ARRAYS, metadata={"manifest": "x"}))
    arrays, metadata = read_arrays(path, 1000)
    assert metadata == {"manifest": "x"}
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(arrays[name], array)
        assert arrays[name].dtype == array.dtype
    with pytest.raises(UnreadableFile, match="larger than"):
        read_arrays(path, 100)


def test_every_flipped_bit_is_noticed():
    flat = ARRAYS["flat"]
    packed, wrong = pack_array("flat", flat, {"manifest": "x"}), []
    for bit in range(len(packed) * 8):
        damaged = bytearray(packed)
        damaged[bit // 8] ^= 1 << bit % 8
        try:
            arrays, metadata = parse_tensors(bytes(damaged), "here", load)
        except UnreadableFile:
            continue
        read = arrays.get("flat")  # the bit was in a name: what is asked for is not there
        if read is None or metadata.get("manifest") != "x":
            continue
        if not np.array_equal(read, flat) or read.dtype != flat.dtype:
            wrong.append(bit)
    assert wrong == []


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"", "header"),
        (b"\xff" * 100, "header"),
        ((2**43).to_bytes(8, "little") + b"{}", "header"),  # 8 TiB
        (with_header(b"[]"), "dictionary"),
        (with_header(b"[" * 5000), "levels"),
        (with_header({}), "states 0"),
        (with_header(entry(dtype="F999")), "F999"),
        (with_header(entry(dtype=5)), "string"),
        (with_header(entry(shape=[3])), "size of its shape"),
        (with_header(entry(shape=[-2])), "greater than or equal to 0"),
        (with_header(entry(shape=[2**62, 2**62, 2**62])), "size of its shape"),
        (with_header(entry(shape=[10**30])), "less than"),
        (with_header(entry(data_offsets=[8, 0])), "size of its shape"),
        (with_header(entry(data_offsets=[0, 2**62])), "size of its shape"),
        (with_header(entry() | {"b": entry()["a"]}), "size of its shape"),  # overlapping
        (with_header(entry(), b"\0" * 9), "9 bytes of data"),
        (with_header(entry() | {"__metadata__": {"a": 5}}), "string"),
        (with_header(entry() | {"__metadata__": [1]}), "dictionary"),
        (with_header(entry() | {"__metadata__": {"crc32": "0"}}), "checksum"),
    ],
)
def test_a_header_that_does_not_describe_the_data_is_refused(content, part):
    with pytest.raises(UnreadableFile, match=part):
        check_tensors(content, "here")


@pytest.mark.parametrize(
    "packed", [pack_array("flat", ARRAYS["flat"], {}), save(ARRAYS)], ids=["own", "old"]
)
def test_thousands_of_damaged_files_raise_one_error(packed):
    accepted, refused = only_raises(
        UnreadableFile,
        lambda damaged: parse_tensors(damaged, "here", load),
        mutations(packed, TOKENS, 4000),
    )
    assert refused > 2000
    assert accepted
