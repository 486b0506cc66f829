"""The OSCQuery tree: nested JSON of the nodes, and names in the form of VRChat."""

import random

import pytest

from interfaces.osc.oscquery import CLIENT_NAME, Node, client_name, find_node, node_tree
from tests.interfaces.osc.services import NODES


def test_tree_is_nested_and_each_node_has_its_full_path():
    root = node_tree(NODES)
    assert (root["FULL_PATH"], root["ACCESS"]) == ("/", 0)
    assert set(root["CONTENTS"]) == {"avatar", "input", "usercamera"}
    avatar = root["CONTENTS"]["avatar"]
    assert avatar["FULL_PATH"] == "/avatar"
    assert avatar["ACCESS"] == 0
    assert set(avatar["CONTENTS"]) == {"change", "parameters"}
    assert avatar["CONTENTS"]["change"] == {
        "FULL_PATH": "/avatar/change",
        "ACCESS": 3,
        "TYPE": "s",
        "VALUE": ["avtr_夢"],
    }
    assert find_node(root, "/avatar/parameters/FT/v2/JawOpen") == {
        "FULL_PATH": "/avatar/parameters/FT/v2/JawOpen",
        "ACCESS": 3,
        "TYPE": "f",
        "VALUE": [0.25],
        "RANGE": [{"MIN": 0.0, "MAX": 1.0}],
    }
    assert find_node(root, "/avatar/nothing") is None


def test_tree_without_nodes_is_a_root():
    assert node_tree([]) == {"FULL_PATH": "/", "ACCESS": 0, "CONTENTS": {}}


@pytest.mark.parametrize("order", [1, -1])
def test_method_can_contain_other_methods_in_any_order(order):
    both = find_node(node_tree(NODES[::order]), "/avatar/parameters/FT")
    assert (both["ACCESS"], both["TYPE"], both["VALUE"]) == (1, "i", [2])
    assert set(both["CONTENTS"]) == {"v2"}


def test_bool_has_type_tag_t_for_both_values():
    mute = find_node(node_tree(NODES), "/avatar/parameters/MuteSelf")
    assert (mute["TYPE"], mute["VALUE"]) == ("T", [False])
    assert mute["DESCRIPTION"] == "is the voice off"


@pytest.mark.parametrize(("access", "shown"), [(0, False), (1, True), (2, True), (3, True)])
def test_value_is_shown_with_any_access(access, shown):
    assert ("VALUE" in node_tree([Node("/x", "i", access, (1,))])["CONTENTS"]["x"]) is shown


@pytest.mark.parametrize("path", ["", "/", "avatar", "/avatar/", "//avatar", "/a//b"])
def test_invalid_path_is_refused(path):
    with pytest.raises(ValueError, match="full path"):
        Node(path, "f", 1)


@pytest.mark.parametrize("access", [-1, 4])
def test_invalid_access_is_refused(access):
    with pytest.raises(ValueError, match="access"):
        Node("/x", "f", access)


def test_client_names_have_the_form_of_vrchat():
    names = {client_name(seed) for seed in range(100)}
    assert len(names) == 100
    assert all(CLIENT_NAME.match(name) for name in names)
    assert client_name(7) == client_name(random.Random(7))
    for other in ("VRChat-Client-ABC12", "VRChat-Client-ABC1234", "VRChat-Client-ABC123\n", "Yume"):
        assert not CLIENT_NAME.match(other)
