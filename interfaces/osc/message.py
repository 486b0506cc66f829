"""Encodes OSC messages with one value, as VRChat does, and decodes any OSC datagram."""

import struct
from functools import lru_cache

from pythonosc.osc_message import OscMessage

MAX_DEPTH = 8  # levels of nested bundles
BUNDLE = b"#bundle\0"
BUNDLE_HEADER = 16  # "#bundle\0" and an eight-byte time tag
_TAG_BYTES = dict.fromkeys("ifrmsb", 4) | dict.fromkeys("hdt", 8) | dict.fromkeys(",TFN[]", 0)
_FLOAT = struct.Struct(">f")
_INT = struct.Struct(">i")


class OscError(ValueError):
    """The datagram is not OSC, or OSC cannot carry the value."""


def encode(address: str, value: bool | int | float | str) -> bytes:
    """Encode one message with one argument: type tag T or F (no payload), i, f or s.

    Ints and floats have 32 bits. Raises OscError for an address without a leading slash, a number
    out of range, and text with a NUL character.
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
    """The (address, arguments) of each message. Bundles are unpacked in order.

    Time tags are ignored. A colour (tag r) is a tuple of four numbers, like a MIDI message: it must
    not pass for a number. Raises only OscError, for anything that is not well-formed OSC.
    """
    messages: list[tuple[str, list[object]]] = []
    _collect(datagram, messages, 0)
    return messages


@lru_cache(maxsize=4096)
def _head(address: str, tags: str) -> bytes:
    if not address.startswith("/"):
        raise OscError(f"an OSC address must start with a slash: {address!r}")
    return _padded(address) + _padded(tags)


def _padded(text: str) -> bytes:
    raw = text.encode()
    if b"\0" in raw:
        raise OscError(f"OSC text cannot contain a NUL character: {text!r}")
    return raw + b"\0" * (4 - len(raw) % 4)


def _collect(datagram: bytes, messages: list[tuple[str, list[object]]], depth: int) -> None:
    if not datagram.startswith(BUNDLE):
        messages.append(_message(datagram))
        return
    if depth >= MAX_DEPTH:
        raise OscError(f"bundles are nested deeper than {MAX_DEPTH} levels")
    if len(datagram) < BUNDLE_HEADER:
        raise OscError("the bundle has no time tag")
    at = BUNDLE_HEADER
    while at < len(datagram):
        if at + 4 > len(datagram):
            raise OscError("the bundle is cut short")
        size = _INT.unpack_from(datagram, at)[0]
        at += 4
        if size <= 0 or at + size > len(datagram):
            raise OscError(f"a bundle element has {size} bytes, {len(datagram) - at} remain")
        _collect(datagram[at : at + size], messages, depth + 1)
        at += size


def _message(datagram: bytes) -> tuple[str, list[object]]:
    if not datagram.startswith(b"/"):
        raise OscError("an OSC message must start with a slash")
    address_end = datagram.find(b"\0")
    tags_at = (address_end // 4 + 1) * 4
    tags_end = datagram.find(b"\0", tags_at)
    tags = datagram[tags_at:tags_end]
    try:
        if address_end > 0 and tags_end > 0:
            payload_at = (tags_end // 4 + 1) * 4
            # Fast path for the messages that VRChat sends most.
            if tags in (b",f", b",i") and len(datagram) == payload_at + 4:
                number = _FLOAT if tags == b",f" else _INT
                return datagram[:address_end].decode(), [*number.unpack_from(datagram, payload_at)]
            if tags in (b",T", b",F") and len(datagram) == payload_at:
                return datagram[:address_end].decode(), [tags == b",T"]
            # The parser would skip unknown tags and then read wrong bytes, and it would pad a short
            # payload. Refuse both first. An unknown tag is a KeyError here.
            if len(datagram) < payload_at + sum(_TAG_BYTES[tag] for tag in tags.decode()):
                raise OscError("the message is cut short")
            if b"r" in tags:  # the parser makes one int of a colour, and four of a MIDI message
                tags = tags.replace(b"r", b"m")
                datagram = datagram[:tags_at] + tags + datagram[tags_end:]
        message = OscMessage(datagram)
        return message.address, list(message.params)
    except OscError:
        raise
    except Exception as error:  # the parser raises many types; callers expect OscError
        raise OscError(f"not an OSC message: {error}") from error
