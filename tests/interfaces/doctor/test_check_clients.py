"""The client that a run would use is named, and every reason why it would use none."""

from configs.load import load_config
from interfaces.doctor.check_clients import avatar_findings, select_client
from interfaces.vrchat.client_finder import Avatar
from tests.conftest import ROOT
from tests.interfaces.doctor.settings import levels, make_client, vrchat_world


def test_of_two_clients_one_must_be_configured():
    both = [make_client("AAAAAA"), make_client("BBBBBB")]
    client, findings = select_client(vrchat_world(), both)
    assert levels(findings) == {"client": "problem"}
    assert "world.osc.client=VRChat-Client-AAAAAA" in findings[0].remedy
    assert all(each.name in findings[0].text for each in both)
    second = make_client("BBBBBB", osc_port=9005)
    client, findings = select_client(vrchat_world("world.osc.send_port=9005"), [both[0], second])
    assert "world.osc.client=VRChat-Client-BBBBBB" in findings[0].remedy, "the configured port"
    client, findings = select_client(vrchat_world("world.osc.client=VRChat-Client-BBBBBB"), both)
    assert (client, levels(findings)) == (both[1], {"client": "ok"})
    client, findings = select_client(vrchat_world("world.osc.client=VRChat-Client-CCCCCC"), both)
    assert (client, levels(findings)) == (None, {"client": "problem"})


def test_a_configured_client_on_another_host_is_a_problem():
    elsewhere = make_client("DDDDDD", "192.0.2.7")
    clients = [make_client("AAAAAA"), elsewhere]
    client, findings = select_client(vrchat_world(f"world.osc.client={elsewhere.name}"), clients)
    assert (client, levels(findings)) == (None, {"client": "problem"}), "a run would not use it"
    assert findings[0].remedy == "world.osc.host=192.0.2.7"


def test_the_host_may_be_a_name():
    client, findings = select_client(
        vrchat_world("world.osc.host=localhost"), [make_client("AAAAAA")]
    )
    assert (client, levels(findings)) == (make_client("AAAAAA"), {"client": "ok"})
    client, findings = select_client(
        vrchat_world("world.osc.host=nowhere.invalid"), [make_client("AAAAAA")]
    )
    assert (client, levels(findings)) == (None, {"client": "problem"})
    assert "nowhere.invalid" in findings[0].text


def test_other_clients_are_no_problem_for_the_stand_in():
    world = load_config(ROOT / "configs" / "default.yaml").world
    client, findings = select_client(world, [make_client("AAAAAA"), make_client("BBBBBB")])
    assert (client, levels(findings)) == (None, {"client": "ok"})
    assert "VRChat-Client-BBBBBB" in findings[0].text


def test_a_client_on_another_host_or_port_is_a_warning():
    client, findings = select_client(vrchat_world(), [make_client("AAAAAA", "192.0.2.7")])
    assert (client, levels(findings)) == (None, {"client": "warning"})
    assert "world.osc.host=192.0.2.7" in findings[0].remedy
    client, findings = select_client(
        vrchat_world("world.osc.send_port=9005"), [make_client("AAAAAA")]
    )
    assert client is not None
    assert levels(findings) == {"client": "ok", "client port": "warning"}


def test_no_client_is_a_problem_only_if_oscquery_is_needed():
    assert levels(select_client(vrchat_world(), [])[1]) == {"client": "warning"}
    world = vrchat_world("world.osc.oscquery=true")
    assert levels(select_client(world, [])[1]) == {"client": "problem"}


def test_missing_and_read_only_parameters_are_warnings():
    world = vrchat_world()
    values = dict.fromkeys(world.parameters, 0.0)
    assert levels(avatar_findings(world, Avatar("avtr_1", values))) == {"avatar": "ok"}
    assert levels(avatar_findings(world, Avatar())) == {"avatar": "problem"}
    actions = "world.actions=[{name: Vertical}, {name: Ears, target: parameter}]"
    del values["HeadPat"]
    avatar = Avatar("avtr_1", values, frozenset({"Tail"}))
    findings = avatar_findings(vrchat_world(actions), avatar)
    assert levels(findings) == {"avatar": "ok", "parameters": "warning", "actions": "warning"}
    assert "HeadPat" in findings[1].text
    assert "Ears" in findings[2].text
