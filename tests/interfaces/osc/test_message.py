"""OSC messages: values of VRChat survive a round trip, invalid datagrams raise only OscError."""

import math
import random
import struct

import pytest
from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder

from interfaces.osc.message import OscError, decode, encode


@pytest.mark.parametrize(
    ("value", "tag"),
    [(True, "T"), (False, "F"), (1, "i"), (-7, "i"), (0.5, "f"), (-1.0, "f"), ("おはよう", "s")],
)
def test_value_and_type_survive_a_round_trip(value: object, tag: str) -> None:
    datagram = encode("/avatar/parameters/X", value)  # type: ignore[arg-type]
    address, (back,) = decode(datagram)[0]
    assert address == "/avatar/parameters/X"
    assert back == value
    assert type(back) is type(value)
    assert f",{tag}".encode() in datagram
    assert len(datagram) % 4 == 0


@pytest.mark.parametrize("value", [True, False, 3, 0.25, "", "abc", "abcd"])
def test_encoded_bytes_equal_those_of_python_osc(value: object) -> None:
    builder = OscMessageBuilder("/input/Vertical")
    builder.add_arg(value)
    assert encode("/input/Vertical", value) == builder.build().dgram  # type: ignore[arg-type]


def test_bool_has_no_payload() -> None:
    assert encode("/abc", True) == b"/abc\0\0\0\0,T\0\0"


def test_python_osc_reads_encoded_messages() -> None:
    message = OscMessage(encode("/input/LookHorizontal", 0.1))
    assert message.params == [struct.unpack(">f", struct.pack(">f", 0.1))[0]]


def test_nested_bundles_keep_their_order() -> None:
    outer, inner = OscBundleBuilder(IMMEDIATELY), OscBundleBuilder(IMMEDIATELY)
    for bundle, names in ((inner, "bc"), (outer, "a")):
        for name in names:
            message = OscMessageBuilder(f"/{name}")
            message.add_arg(1.0)
            bundle.add_content(message.build())
    outer.add_content(inner.build())
    assert [address for address, _ in decode(outer.build().dgram)] == ["/a", "/b", "/c"]


def test_message_with_many_arguments_is_decoded() -> None:
    builder = OscMessageBuilder("/chatbox/input")
    for value in ("hi", True, False):
        builder.add_arg(value)
    assert decode(builder.build().dgram) == [("/chatbox/input", ["hi", True, False])]


@pytest.mark.parametrize(
    "datagram",
    [
        b"",
        b"\0",
        b"hello",
        b"/",
        b"/x",
        b"/abc\0\0\0\0,f\0\0",
        b"/abc\0\0\0\0,i\0\0\0",
        b"/abc\0\0\0\0,q\0\0\0\0\0\0",
        b"/\xff\xfe\0,f\0\0\0\0\0\0",
        b"#bundle\0",
        b"#bundle\0" + b"\0" * 8 + b"\0\0\0\0",
        b"#bundle\0" + b"\0" * 8 + struct.pack(">i", -4),
        b"#bundle\0" + b"\0" * 8 + struct.pack(">i", 2**31 - 1),
    ],
)
def test_invalid_datagram_is_refused(datagram: bytes) -> None:
    with pytest.raises(OscError):
        decode(datagram)


def test_deeply_nested_bundle_is_refused() -> None:
    datagram = encode("/a", 1)
    for _ in range(200):
        datagram = b"#bundle\0" + b"\0" * 8 + struct.pack(">i", len(datagram)) + datagram
    with pytest.raises(OscError, match="nested"):
        decode(datagram)


def test_random_datagrams_raise_only_osc_error() -> None:
    rng = random.Random(0)
    seeds = [
        encode("/input/Vertical", 0.5),
        encode("/input/Jump", 1),
        encode("/chatbox/input", "hello"),
        b"#bundle\0" + b"\0" * 7 + b"\1" + struct.pack(">i", 12) + encode("/a", True) + b"\0" * 4,
        b"/a\0\0,bmtrhdN[]i\0\0\0\0" + b"\0" * 40,
    ]
    for _ in range(6000):
        if rng.random() < 0.3:
            datagram = rng.choice([b"", b"/", b"#bundle\0"]) + rng.randbytes(rng.randrange(64))
        else:
            raw = bytearray(rng.choice(seeds))
            for _ in range(rng.randrange(1, 6)):
                raw[rng.randrange(len(raw))] = rng.choice(
                    [0, 44, 47, 98, 116, 255, rng.randrange(256)]
                )
            datagram = bytes(raw[: rng.randrange(len(raw) + 1)])
        try:
            messages = decode(datagram)
        except OscError:
            continue
        assert all(isinstance(address, str) for address, _ in messages)


@pytest.mark.parametrize("value", [2**31, 1e300, "a\0b", "\ud800"])
def test_value_that_osc_cannot_carry_is_refused(value: object) -> None:
    with pytest.raises(OscError):
        encode("/x", value)  # type: ignore[arg-type]


def test_address_without_a_slash_is_refused() -> None:
    with pytest.raises(OscError):
        encode("x", 1)


def test_nan_survives_a_round_trip() -> None:
    assert math.isnan(decode(encode("/x", math.nan))[0][1][0])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("tags", "count", "arguments"),
    [
        (b",r\0\0", 1, [(0, 0, 0, 3)]),
        (b",rir\0\0\0\0", 3, [(0, 0, 0, 3), 3, (0, 0, 0, 3)]),
        (b",[r]\0\0\0\0", 1, [[(0, 0, 0, 3)]]),
    ],
)
def test_colour_is_no_number(tags: bytes, count: int, arguments: object) -> None:
    assert decode(b"/ab\0" + tags + b"\0\0\0\3" * count)[0][1] == arguments
