"""A run against a client with every unkindness that was reported for VRChat."""

import json
import subprocess
import time

import pytest

from benchmarks.processes import INTERRUPTIBLE, interrupt
from configs.standin import OTHER_AVATAR_ID
from interfaces.core.world import Situation
from interfaces.journal import JournalReader
from interfaces.osc.oscquery import client_name
from interfaces.osc.ports import own_addresses
from tests.cli import command
from tests.contracts.vrchat.client import running_standin
from tests.polling import wait_until

pytestmark = pytest.mark.e2e
# Loss of single datagrams would hide whether the order is handled.
FAULTS = ["change_last=true", "late_values=true", "goodbye_s=5"]
if any(not each.startswith("127.") for each in own_addresses()):
    FAULTS.append("lan_only=true")


def test_run_finds_hears_and_follows_a_client_with_all_unkind_faults(tmp_path):
    avatars = (
        f"[{{id: avtr_a}}, {{id: {OTHER_AVATAR_ID}, parameters: {{Hat: bool, YumeOff: bool}}}}]"
    )
    words = [f"world.standin.avatars={avatars}", "world.standin.people=0"]
    words += [word for fault in FAULTS for word in ("--fault", fault)]
    with running_standin(*words) as client:
        name = client_name(client.send_port)
        run = tmp_path / "run"
        more = ["world.kind=vrchat", "world.osc.oscquery=true", f"world.osc.client={name}"]
        more += [f"world.camera.source={client.camera}", "world.parameters=[Mood, Hat]"]
        more += ["reward.parameters.HeadPat=null", "reward.parameters.Hat=1"]
        more += [f"world.osc.send_port={client.send_port}", "trainer.prefill=100000"]
        process = subprocess.Popen(
            command("run", "tiny", *more, "--seed", "0", "--quiet", "--out", run),
            stdout=subprocess.DEVNULL,
            **INTERRUPTIBLE,
        )
        try:
            wait_until(lambda: (run / "journal").exists(), "the journal", 40.0)
            reader = JournalReader(run / "journal")

            def newest(rows=3):
                reader.refresh()
                return reader.read(reader.end - rows, rows) if reader.end >= rows else None

            wait_until(lambda: newest(20) is not None, "20 steps", 40.0)
            client.send("/avatar/parameters/Mood", 0.75)
            wait_until(lambda: newest()["vector"][-1, 0] == 0.75, "a parameter told")
            client.request("/events", {"event": "avatar_swap", "argument": OTHER_AVATAR_ID})
            wait_until(lambda: newest()["vector"][-1, 0] == 0.0, "the other avatar lacks Mood")
            client.send("/avatar/parameters/Hat", True)
            client.send("/avatar/parameters/YumeOff", True)
            wait_until(lambda: newest()["situation"][-1] & Situation.STOPPED, "the stop")
            assert newest()["vector"][-1, 1] == 1.0
            time.sleep(0.2)
            client.send("/avatar/parameters/YumeOff", False)
            wait_until(lambda: not newest()["situation"][-1] & Situation.STOPPED, "its end")
        finally:
            interrupt(process)
            process.wait(30)
    summary = json.loads((run / "summary.json").read_text(encoding="utf-8"))
    assert summary["osc"]["received"] > 100
    assert summary["osc"]["foreign"] == 0
    assert process.returncode == 0
