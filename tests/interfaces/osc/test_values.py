"""Values of OSC messages from other programs."""

import pytest

from interfaces.osc.message import encode
from interfaces.osc.values import MAX_MESSAGE_BYTES, first_value


def text_message(address: str, raw: bytes) -> bytes:
    """An OSC message whose only argument is a string of these bytes."""
    head = encode(address, "").removesuffix(b"\0\0\0\0")
    return head + raw + b"\0" * (4 - len(raw) % 4)


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("夢".encode(), "夢"),
        ("夢".encode("cp932"), "\ufffd\ufffd"),
        (b"avtr_\xff_1", "avtr_\ufffd_1"),
        ("名前".encode()[:-1], "名\ufffd"),  # cut within a character
        (b"", ""),
    ],
)
def test_text_in_any_encoding_is_read(raw, text):
    assert first_value(text_message("/avatar/change", raw), len("/avatar/change")) == text


@pytest.mark.parametrize(
    "message",
    [
        encode("/x", "y")[:-4] + b"yyyy",  # no end
        text_message("/x", b"y" * MAX_MESSAGE_BYTES),
        b"/x\0\0,r\0\0\1\2\3\4",
        b"/x\0\0,f\0\0\1\2",
        b"/x\0\0",
    ],
)
def test_no_usable_value_is_none(message):
    assert first_value(message, 2) is None
