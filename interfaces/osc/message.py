"""OSC datagrams as VRChat speaks them: one message with one value out, anything at all in."""

import struct
from functools import lru_cache

from pythonosc.osc_message import OscMessage

MAX_DEPTH = 8  # bundles within bundles
_BUNDLE = b"#bundle\0"
_BUNDLE_HEADER = 16  # "#bundle\0" and an eight-byte time tag
_TAG_BYTES = dict.fromkeys("ifrmsb", 4) | dict.fromkeys("hdt", 8) | dict.fromkeys(",TFN[]", 0)
_FLOAT = struct.Struct(">f")
_INT = struct.Struct(">i")


class OscError(ValueError):
    """Not an OSC datagram, or a value OSC cannot carry."""


def encode(address: str, value: bool | int | float | str) -> bytes:
    """One message with one argument: tag T or F (no payload), i (32 bit), f (32 bit) or s.

    Raises OscError for an address without a leading slash, an int beyond 32 bit, a float beyond
    float32, or text that holds a NUL.
    """
    try:
        if isinstance(value, bool):
            return _head(address, ",T" if value else ",F")
        if isinstance(value, float):
            return _head(address, ",f") + _FLOAT.pack(value)
        if isinstance(value, int):
            return _head(address, ",i") + _INT.pack(value)
        return _head(address, ",s") + _padded(value)
    except (struct.error, OverflowError, UnicodeEncodeError) as error:
        raise OscError(f"{address}: cannot send {value!r}: {error}") from error


def decode(datagram: bytes) -> list[tuple[str, list[object]]]:
    """The messages of a datagram, bundles unpacked in order (time tags mean: now).

    Raises OscError for anything that is not well-formed OSC, and nothing else.
    """
    found: list[tuple[str, list[object]]] = []
    _collect(datagram, found, 0)
    return found


@lru_cache(maxsize=4096)
def _head(address: str, tags: str) -> bytes:
    if not address.startswith("/"):
        raise OscError(f"an OSC address starts with a slash: {address!r}")
    return _padded(address) + _padded(tags)


def _padded(text: str) -> bytes:
    raw = text.encode()
    if b"\0" in raw:
        raise OscError(f"OSC text cannot hold a NUL: {text!r}")
    return raw + b"\0" * (4 - len(raw) % 4)


def _collect(datagram: bytes, found: list[tuple[str, list[object]]], depth: int) -> None:
    if not datagram.startswith(_BUNDLE):
        found.append(_message(datagram))
        return
    if depth >= MAX_DEPTH:
        raise OscError(f"bundles nested deeper than {MAX_DEPTH}")
    if len(datagram) < _BUNDLE_HEADER:
        raise OscError("bundle without a time tag")
    at = _BUNDLE_HEADER
    while at < len(datagram):
        if at + 4 > len(datagram):
            raise OscError("bundle cut short")
        size = _INT.unpack_from(datagram, at)[0]
        at += 4
        if size <= 0 or at + size > len(datagram):
            raise OscError(f"bundle element of {size} bytes where {len(datagram) - at} are left")
        _collect(datagram[at : at + size], found, depth + 1)
        at += size


def _message(datagram: bytes) -> tuple[str, list[object]]:
    if not datagram.startswith(b"/"):
        raise OscError("an OSC message starts with a slash")
    address_end = datagram.find(b"\0")
    tags_at = (address_end // 4 + 1) * 4
    tags_end = datagram.find(b"\0", tags_at)
    tags = datagram[tags_at:tags_end]
    try:
        if address_end > 0 and tags_end > 0:
            payload_at = (tags_end // 4 + 1) * 4
            # The kinds VRChat sends all day long, without a parser.
            if tags in (b",f", b",i") and len(datagram) == payload_at + 4:
                number = _FLOAT if tags == b",f" else _INT
                return datagram[:address_end].decode(), [*number.unpack_from(datagram, payload_at)]
            if tags in (b",T", b",F") and len(datagram) == payload_at:
                return datagram[:address_end].decode(), [tags == b",T"]
            # The parser skips tags it does not know, reading the wrong bytes then, and pads what is
            # missing at the end: refuse both first. An unknown tag is a KeyError here.
            if len(datagram) < payload_at + sum(_TAG_BYTES[tag] for tag in tags.decode()):
                raise OscError("message cut short")
        message = OscMessage(datagram)
        return message.address, list(message.params)
    except OscError:
        raise
    except Exception as error:  # the parser lets many kinds out; callers know one
        raise OscError(f"not an OSC message: {error}") from error
