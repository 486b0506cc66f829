"""Values from other programs: the first argument of an OSC message, and numbers within limits.

Nothing here raises: what is no usable value is None, and the caller counts it.
"""

import math
import struct

MAX_MESSAGE_BYTES = 1024  # a parameter has one argument; a longer message is not one of VRChat
_MAX_TAGS = 16
_NUMBERS = {tag: struct.Struct(f">{kind}") for tag, kind in zip("ifdh", "ifdq", strict=True)}
_FIXED_BYTES = dict.fromkeys("ifrmsb", 4) | dict.fromkeys("hdt", 8) | dict.fromkeys("TFN[]", 0)
Value = bool | int | float | str


def first_value(message: bytes, address_length: int) -> Value | None:
    """The first argument of a message whose address has this length: a number, bool or text.

    None for a message without one, for another type (a colour, a blob, an array), and for a
    message that is malformed or longer than MAX_MESSAGE_BYTES.
    """
    tags_at = (address_length // 4 + 1) * 4
    tags_end = message.find(b"\0", tags_at)
    if tags_end < 0 or len(message) > MAX_MESSAGE_BYTES or not message.startswith(b",", tags_at):
        return None
    payload_at = (tags_end // 4 + 1) * 4
    tags = message[tags_at + 1 : tags_end].decode("latin-1")
    if not 0 < len(tags) <= _MAX_TAGS or not _FIXED_BYTES.keys() >= set(tags):
        return None
    if len(message) < payload_at + sum(_FIXED_BYTES[tag] for tag in tags):
        return None
    kind = tags[0]
    if number := _NUMBERS.get(kind):
        return number.unpack_from(message, payload_at)[0]
    if kind in "TF":
        return kind == "T"
    return _text(message, payload_at) if kind == "s" else None


def clipped(value: object, low: float, high: float) -> float | None:
    """A number or bool as a float within low..high, however large it is.

    None for NaN and for what is no number.
    """
    if not isinstance(value, (bool, int, float)) or value != value:
        return None
    return float(min(high, max(low, value)))


def plain_value(value: object) -> Value | None:
    """A value of a JSON answer: a bool, a finite number that a float can hold, or text.

    None for anything else, such as NaN, 1e999 or an integer of 400 digits.
    """
    if isinstance(value, (bool, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**64 else None
    return None


def _text(message: bytes, at: int) -> str | None:
    end = message.find(b"\0", at)
    if end < 0:
        return None
    return message[at:end].decode("utf-8", "replace")  # names of other programs: any encoding
