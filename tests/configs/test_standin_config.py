"""Wrong settings of the stand-in are refused with an error that names them."""

import pytest

from configs.errors import BadInput
from configs.load import load_config
from tests.conftest import ROOT


@pytest.mark.parametrize(
    ("override", "named"),
    [
        (".avatars=[{id: a, parameters: {Grounded: bool}}]", "Grounded"),
        (".avatars=[{id: a}, {id: a}]", "twice"),
        (".avatars=[{id: a, parameters: {HeadPat: bool}}]", "HeadPat"),
        (".avatars=[]", "avatars"),
        (".place=moon", "place"),
        (".faults.loss=2", "loss"),
        ("={timestamp: true, width: 32}", "64 pixels"),
        (".faults.video=purple", "video"),
    ],
)
def test_a_wrong_setting_is_refused(override: str, named: str) -> None:
    with pytest.raises(BadInput, match=named):
        load_config(ROOT / "configs" / "tiny.yaml", [f"world.standin{override}"])
