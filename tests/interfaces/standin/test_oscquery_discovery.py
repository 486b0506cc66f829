"""Receivers that the stand-in finds by mDNS, with its faults, and OSCQuery programs of others.

The programs of others are optional: python -m pip install python-oscquery, and npm install oscquery
with NODE_PATH set to its node_modules.
"""

import contextlib
import json
import shutil
import socket
import subprocess

import pytest

from configs.standin import FaultsConfig, StandinConfig
from interfaces.osc.mdns import OSCJSON
from interfaces.osc.oscquery_browser import Browser
from interfaces.osc.ports import own_addresses
from interfaces.standin.client_tree import client_tree
from interfaces.standin.core import StandinCore
from interfaces.standin.oscquery_discovery import OscQueryDiscovery
from interfaces.vrchat.client_finder import ReceiverAdvertiser
from tests.polling import holds_for, wait_until

LAN = [each for each in own_addresses() if not each.startswith("127.")]


@contextlib.contextmanager
def discovery(**faults):
    """The OSCQuery of a stand-in whose avatar has loaded, and its faults in a list of one."""
    core = StandinCore(StandinConfig(width=64, height=64, people=0), 0)
    core.step(60, [])
    core.faults = FaultsConfig(**faults)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    made = OscQueryDiscovery(
        lambda: client_tree(core),
        seed=0,
        osc_port=port,
        advertised_port=port,
        faults=lambda: core.faults,
    )
    try:
        yield made, core
    finally:
        made.close()


def test_receiver_gets_messages_for_a_while_after_its_goodbye():
    with discovery(goodbye_s=600.0) as (made, core):
        receiver = ReceiverAdvertiser(19_005, ["127.0.0.1"])
        wait_until(lambda: ("127.0.0.1", 19_005) in made.receivers())
        receiver.close()
        holds_for(lambda: ("127.0.0.1", 19_005) in made.receivers(), 0.5)
        again = ReceiverAdvertiser(19_006, ["127.0.0.1"])
        wait_until(lambda: ("127.0.0.1", 19_006) in made.receivers())
        core.faults = FaultsConfig()
        again.close()
        wait_until(lambda: ("127.0.0.1", 19_006) not in made.receivers())


@pytest.mark.skipif(not LAN, reason="this machine has no network interface besides loopback")
def test_receiver_on_loopback_alone_gets_nothing_where_only_the_lan_counts():
    with discovery(lan_only=True) as (made, _):
        receivers = [
            ReceiverAdvertiser(19_007, ["127.0.0.1"]),
            ReceiverAdvertiser(19_008, ["127.0.0.1", *LAN]),
        ]
        try:
            wait_until(lambda: ("127.0.0.1", 19_008) in made.receivers())
            assert ("127.0.0.1", 19_007) not in made.receivers()
        finally:
            for each in receivers:
                each.close()


def test_client_whose_osc_is_off_is_not_advertised():
    here: set[str] = set()
    browser = Browser(lambda peer: here.add(peer.name), here.discard)
    with discovery() as (made, _):
        wait_until(lambda: made.name in here)
        made.show(False)
        wait_until(lambda: made.name not in here)
        made.show(True)
        wait_until(lambda: made.name in here)
    browser.close()


def test_python_oscquery_reads_the_tree():
    """It refuses a node that has a type and no value, and an address with a space.

    So it cannot read /input with its "Reset Orientation", of VRChat neither.
    """
    client = pytest.importorskip(
        "pythonoscquery.osc_query_client", reason="needs python-oscquery (PyPI)"
    )
    from zeroconf import ServiceInfo

    with discovery() as (made, _):
        name = f"{made.name}.{OSCJSON}"
        info = ServiceInfo(OSCJSON, name, made.http_port, parsed_addresses=["127.0.0.1"])
        query = client.OSCQueryClient(info)
        assert query.get_host_info().name == made.name
        for path in ("/avatar", "/usercamera", "/usercamera/Mode", "/chatbox", "/input/Jump"):
            assert query.query_node(path).full_path == path
        assert query.query_node("/nothing") is None


NODE_SCRIPT = """
const { OSCQueryDiscovery } = require("oscquery");
new OSCQueryDiscovery().queryNewService("127.0.0.1", Number(process.argv[1])).then((found) => {
  const methods = found.flat().filter((each) => each.arguments);
  console.log(JSON.stringify({
    name: found.hostInfo.name,
    values: Object.fromEntries(methods.map((m) => [m.full_path, m.arguments.map((a) => a.value)])),
  }));
  process.exit(0);
}).catch((error) => { console.error(error); process.exit(1); });
"""


def test_oscquery_for_node_reads_the_whole_tree():
    node = shutil.which("node")
    probe = [str(node), "-e", "require('oscquery')"]
    if node is None or subprocess.run(probe, capture_output=True, check=False).returncode:
        pytest.skip("needs node with the package oscquery (npm), and NODE_PATH")
    with discovery() as (made, _):
        command = [node, "-e", NODE_SCRIPT, str(made.http_port)]
        done = subprocess.run(
            command, capture_output=True, text=True, encoding="utf-8", timeout=20, check=False
        )
        assert done.returncode == 0, done.stderr
        found = json.loads(done.stdout)
        assert found["name"] == made.name
        assert found["values"]["/usercamera/Mode"] == [0]
        assert found["values"]["/chatbox/input"] == ["", False, False]
