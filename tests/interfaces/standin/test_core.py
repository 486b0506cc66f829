"""The core sends what VRChat sends, is deterministic, and continues from a snapshot."""

import json
import random
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest

from configs.standin import BUILT_IN, OTHER_AVATAR_ID, StandinConfig
from interfaces.osc.message import decode, encode
from interfaces.standin.core import StandinCore
from tests.conftest import ROOT

CONFIG = StandinConfig(width=64, height=64)
PARAMETERS = {
    *BUILT_IN,
    *("VRCEmote", "Mood", "Hat", "HeadPat", "HeadPat_Prox", "Boop", "/avatar/eyeheight"),
}


def names(sent: list[bytes]) -> list[str]:
    return [decode(datagram)[0][0].removeprefix("/avatar/parameters/") for datagram in sent]


def random_inputs(seed: int, ticks: int) -> list[list[bytes]]:
    rng = random.Random(seed)
    return [
        [
            encode("/input/Vertical", rng.uniform(-1, 1)),
            encode("/input/LookHorizontal", rng.uniform(-1, 1)),
            encode("/input/LookVertical", rng.uniform(-1, 1)),
            encode("/input/Jump", rng.randrange(2)),
        ]
        for _ in range(ticks)
    ]


def test_the_first_step_sends_the_avatar_id_and_all_parameters() -> None:
    sent = StandinCore(CONFIG, 0).step(1, [])
    assert names(sent)[0] == "/avatar/change"
    assert set(names(sent)[1:]) == PARAMETERS
    values = {a.rpartition("/")[2]: v for d in sent for a, (v,) in decode(d)}
    assert values["Grounded"] is True
    assert values["TrackingType"] == 3
    assert type(values["Upright"]) is float
    assert all(len(decode(datagram)) == 1 for datagram in sent)


def test_later_only_changes_are_sent() -> None:
    core = StandinCore(CONFIG, 0)
    core.step(1, [])
    last: dict[str, object] = {}
    for datagrams in random_inputs(0, 100):
        for address, (value,) in (decode(d)[0] for d in core.step(1, datagrams)):
            assert last.get(address) != value or type(last[address]) is not type(value)
            last[address] = value
    assert len(last) >= 5


def test_a_substep_sends_each_address_at_most_once() -> None:
    core = StandinCore(CONFIG, 0)
    for datagrams in random_inputs(1, 50):
        sent = names(core.step(1, datagrams))
        assert len(sent) == len(set(sent))


def test_one_long_step_equals_many_short_ones() -> None:
    one, many = StandinCore(CONFIG, 3), StandinCore(CONFIG, 3)
    for datagrams in random_inputs(3, 30):
        whole = one.step(6, datagrams)
        parts = many.step(1, datagrams)
        for _ in range(5):
            parts += many.step(1, [])
        assert whole == parts


def test_an_avatar_change_sends_everything_again() -> None:
    core = StandinCore(CONFIG, 0)
    core.step(1, [])
    sent = core.step(1, [encode("/avatar/change", OTHER_AVATAR_ID)])
    assert decode(sent[0]) == [("/avatar/change", [OTHER_AVATAR_ID])]
    assert set(names(sent)[1:]) == {*BUILT_IN, "/avatar/eyeheight"}  # it has no own parameters


def test_voice_toggles_mute_when_pressed() -> None:
    core = StandinCore(CONFIG, 0)
    core.step(1, [])
    assert "MuteSelf" in names(core.step(4, [encode("/input/Voice", 1)]))
    assert "MuteSelf" not in names(core.step(4, [encode("/input/Voice", 1)]))
    assert "MuteSelf" not in names(core.step(4, [encode("/input/Voice", 0)]))
    assert "MuteSelf" in names(core.step(4, [encode("/input/Voice", True)]))


def test_nested_bundles_act_at_once() -> None:
    core = StandinCore(CONFIG, 0)
    core.step(1, [])
    message = encode("/input/LookHorizontal", 1.0)
    inner = b"#bundle\0" + b"\0" * 8 + struct.pack(">i", len(message)) + message
    outer = b"#bundle\0" + b"\0" * 8 + struct.pack(">i", len(inner)) + inner
    assert "AngularY" in names(core.step(3, [outer]))


@pytest.mark.parametrize(
    "datagram",
    [
        b"",
        b"hello",
        b"/input/Vertical",
        b"#bundle\0",
        encode("/input/Nonsense", 1.0),
        encode("/input/Vertical", "fast"),
        encode("/input/Vertical", float("inf")),
        encode("/avatar/parameters/Grounded", False),
        encode("/avatar/parameters/HeadPat", True),
        encode("/avatar/change", 1),
        encode("/avatar/change", "avtr_of_another_user"),
        b"/input/Jump\0,ii\0\0\0\0\1\0\0\0\1",
        b"/input/Jump\0,[i]\0\0\0\0\0\0\0\1",
    ],
)
def test_a_datagram_without_a_known_message_is_counted_and_ignored(datagram: bytes) -> None:
    touched, untouched = StandinCore(CONFIG, 0), StandinCore(CONFIG, 0)
    assert touched.step(5, [datagram]) == untouched.step(5, [])
    assert touched.truth()["ignored"] == 1
    assert touched.truth()["received"] == 1


def test_random_bytes_raise_no_error() -> None:
    rng, core = random.Random(0), StandinCore(CONFIG, 0)
    for _ in range(300):
        core.step(1, [rng.choice([b"/", b"/input/Jump\0", b"#bundle\0"]) + rng.randbytes(20)])
    assert core.truth()["received"] == 300


def fingerprint(seed: int) -> int:
    core, checksum = StandinCore(CONFIG, seed), 0
    for datagrams in random_inputs(seed, 40):
        checksum = zlib.crc32(b"".join(core.step(6, datagrams)), checksum)
        checksum = zlib.crc32(core.frame().tobytes(), checksum)
    return checksum


def test_the_same_datagrams_give_the_same_messages_and_pictures() -> None:
    assert fingerprint(5) == fingerprint(5)
    assert fingerprint(5) != fingerprint(6)


def test_another_process_gives_the_same_messages_and_pictures() -> None:
    here = fingerprint(5)
    code = (
        "from tests.interfaces.standin.test_core import fingerprint; "
        f"print(fingerprint(5) == {here})"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.strip() == "True"
    assert done.stderr == ""


@pytest.mark.parametrize("other_seed", [7, 8])
def test_a_restored_snapshot_continues_bit_identically(other_seed: int) -> None:
    core = StandinCore(CONFIG, 7)
    ticks = random_inputs(7, 400)
    for datagrams in ticks[:150]:
        core.step(6, datagrams)
    core.step(1, ticks[150])  # inputs are still in their dead time
    stored = json.dumps(core.snapshot(), allow_nan=False)
    resumed = StandinCore(CONFIG, other_seed)
    resumed.frame()
    resumed.restore(json.loads(stored))
    assert json.dumps(resumed.snapshot()) == stored
    for datagrams in ticks[151:]:
        assert core.step(6, datagrams) == resumed.step(6, datagrams)
    assert core.snapshot() == resumed.snapshot()
    assert np.array_equal(core.frame(), resumed.frame())


def test_a_snapshot_is_a_copy() -> None:
    core = StandinCore(CONFIG, 7)
    snapshot = core.snapshot()
    before = json.dumps(snapshot)
    for datagrams in random_inputs(7, 30):
        core.step(6, datagrams)
    assert json.dumps(snapshot) == before
    core.restore(snapshot)
    core.step(60, [encode("/input/Vertical", 1.0)])
    assert json.dumps(snapshot) == before


def test_the_truth_can_be_written_as_json() -> None:
    core = StandinCore(CONFIG, 0)
    core.step(10, [])
    assert json.loads(json.dumps(core.truth()))["time_s"] == pytest.approx(10 / 60)


@pytest.mark.parametrize(
    "name", ["ToggleSitStand", "PanicButton", "Reset Orientation", "ShowDebugInfo0"]
)
def test_a_button_that_is_not_simulated_is_accepted_without_effect(name: str) -> None:
    """docs/standin.md lists them: if one gets an effect, correct the page."""
    core = StandinCore(CONFIG, 0)
    core.step(1, [])
    before = core.truth()
    core.step(30, [encode(f"/input/{name}", 1)])
    core.step(30, [encode(f"/input/{name}", 0)])
    after = core.truth()
    assert (after["agent"], after["menu"]) == (before["agent"], before["menu"])
    assert (after["received"], after["ignored"]) == (2, 0)
    page = (ROOT / "docs" / "standin.md").read_text(encoding="utf-8")
    assert f"`{name}`" in page
