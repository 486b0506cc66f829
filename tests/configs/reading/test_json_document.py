"""JSON is read in the expected shape with a matching checksum, or refused with place and cause."""

import json
import math
import tracemalloc

import pytest
from pydantic import BaseModel, TypeAdapter

from configs.reading.bounded_file import MissingFile, UnreadableFile
from configs.reading.json_document import (
    ANY,
    OBJECT,
    OddNumbers,
    parse_json,
    read_json,
    with_checksum,
)
from interfaces.ipc.atomic_files import write_checked_json, write_json


class Pair(BaseModel):
    """Two fields."""

    count: int
    name: str = "none"


PAIR = TypeAdapter(Pair)


def cause(content, shape=ANY, **how):
    with pytest.raises(UnreadableFile) as caught:
        parse_json(content, "here", shape, **how)
    return caught.value.cause


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"", "not JSON"),
        (b'{"a": 1', "not JSON"),
        (b"[1] 2", "not JSON"),
        (b"\x00" * 50, "not JSON"),
        (b"\x7fELF\xff", "not UTF-8"),
        (b"[" * 100_000 + b"]" * 100_000, "levels"),
        (b'{"a":' * 500 + b"1" + b"}" * 500, "levels"),
        (b"1e999", "1e999"),
        (b'{"a": -1e999}', "-1e999"),
        (b"[NaN]", "NaN"),
        (b"-Infinity", "-Infinity"),
        (b"1" + b"0" * 400, "401 characters"),
        (b"9" * 1_000_000, "1000000 characters"),
    ],
)
def test_what_is_not_usable_json_is_refused(content, part):
    assert part in cause(content)


def test_odd_numbers_become_null_or_stay_where_that_is_asked_for():
    content = b"[NaN, 1e999, -Infinity, 1" + b"0" * 400 + b", 1.5]"
    assert parse_json(content, "", ANY, odd_numbers=OddNumbers.NULL) == [None] * 4 + [1.5]
    nan, infinity = parse_json(b"[NaN, Infinity]", "", ANY, odd_numbers=OddNumbers.KEEP)
    assert math.isnan(nan)
    assert infinity == math.inf
    assert "1e999" in cause(b"1e999", odd_numbers=OddNumbers.KEEP)
    assert parse_json(str(2**128 - 1), "", ANY) == 2**128 - 1, "the state of a random generator"


def test_another_shape_names_the_entry_and_its_value():
    assert parse_json('{"count": 3, "later": true}', "", PAIR) == Pair(count=3)
    assert "'count' = 'x'" in cause('{"count": "x"}', PAIR)
    assert "'count'" in cause("{}", PAIR)
    assert "\x1b" not in cause('{"count": "\\u001b[31m"}', PAIR), "escaped for the terminal"
    for other in ("[]", "5", "null", '"text"'):
        assert cause(other, PAIR)
        assert cause(other, OBJECT)


def test_a_written_file_is_read_back_and_each_flipped_bit_is_noticed(tmp_path):
    path, content = tmp_path / "meta.json", {"seed": 1, "x": 0.1, "words": ["夢", "b"], "n": None}
    with pytest.raises(MissingFile):
        read_json(path, OBJECT)
    write_checked_json(path, content)
    assert read_json(path, OBJECT) == content
    written, wrong = path.read_bytes(), 0
    for bit in range(len(written) * 8):
        damaged = bytearray(written)
        damaged[bit // 8] ^= 1 << bit % 8
        try:
            value = parse_json(bytes(damaged), path, OBJECT)
        except UnreadableFile:
            continue
        # Harmless: white space, or the key of the checksum itself. The content is the same.
        wrong += {key: value.get(key) for key in content} != content
    assert wrong == 0


def test_a_file_without_a_checksum_is_read(tmp_path):
    write_json(tmp_path / "old.json", {"seed": 1})
    assert read_json(tmp_path / "old.json", OBJECT) == {"seed": 1}
    edited = with_checksum({"seed": 1}) | {"seed": 2}
    assert "checksum" in cause(json.dumps(edited))
    assert "checksum" in cause('{"checksum": [1]}')


def test_a_checksum_survives_what_json_changes(tmp_path):
    write_checked_json(
        tmp_path / "a.json", {"t": (1, 2), "k": {1: "a"}, "f": 1e-9, "nan": math.nan}
    )
    read = read_json(tmp_path / "a.json", OBJECT, odd_numbers=OddNumbers.KEEP)
    assert read["t"] == [1, 2]
    assert read["k"] == {"1": "a"}


def test_a_large_document_takes_bounded_memory(tmp_path):
    path = tmp_path / "large.json"
    path.write_bytes(b"[" + b"[]," * (2**20 // 3 - 2) + b"[]]")  # a quarter of the limit
    tracemalloc.start()
    try:
        read_json(path, ANY)
        assert tracemalloc.get_traced_memory()[1] < 100 * 2**20
    finally:
        tracemalloc.stop()
