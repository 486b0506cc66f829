"""The option --osc of the command `standin`."""

import pytest

from configs.errors import BadInput
from interfaces.standin.standalone import parse_osc


def test_osc_is_in_port_host_and_out_port() -> None:
    assert parse_osc("9000:127.0.0.1:9001") == (9000, "127.0.0.1", 9001)
    assert parse_osc("0:localhost:0") == (0, "127.0.0.1", 0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("9000", "IN:HOST:OUT"),
        ("9000::9001", "IN:HOST:OUT"),
        ("9000:127.0.0.1:70000", "0..65535"),
        ("9000:127.0.0.1:9000", "send to itself"),
        ("9000:" + "x" * 70 + ":9001", "unknown"),
    ],
)
def test_another_osc_option_is_refused(text: str, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        parse_osc(text)
