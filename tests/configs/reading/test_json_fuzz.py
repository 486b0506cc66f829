"""Thousands of damaged JSON files: each is read in its shape or raises UnreadableFile."""

import json
from dataclasses import asdict

import pytest
from pydantic import TypeAdapter

from configs.load import load_config
from configs.reading.bounded_file import UnreadableFile
from configs.reading.json_document import ANY, OBJECT, OddNumbers, parse_json, with_checksum
from interfaces.core.step import StepLayout
from interfaces.doctor.check_avatar_files import read_file
from interfaces.journal import JournalError, read_layout
from interfaces.journal.step_fields import fields_to_json
from interfaces.osc.oscquery import Node, host_info, node_tree
from interfaces.osc.oscquery_browser import peer_from
from interfaces.runtime.plugin_folders import FOLDERS
from interfaces.runtime.run_lock import PIDS
from interfaces.session.format.run_info import SOURCES
from interfaces.session.maintain.start_time import START_TIME
from interfaces.vrchat.avatar_listing import avatar_of
from interfaces.vrchat.endpoints import ENDPOINTS, Endpoints
from interfaces.vrchat.vrchat_world import vrchat_spaces
from interfaces.weights.checkpoint_files import RECORD
from tests.conftest import ROOT
from tests.mutations import mutations, only_raises

TOKENS = [
    *(b"NaN", b"-Infinity", b"1e999", b"-1", b"1" + b"0" * 400, b"9" * 5000, b"true", b"null"),
    *(b"{", b"}", b"[", b"]", b'"', b",", b":", b"[" * 5000, b'{"a":' * 2000, b"\\ud800", b"\\"),
    *(b"\xef\xbb\xbf", b"\x00", b'"checksum": 1,', b"1.5", b"{}", b"[]", b'""', b"1" + b"0" * 30),
]
ENDPOINT = asdict(Endpoints("127.0.0.1", 9000, 9001, "http://127.0.0.1:5/x", query_port=80))
RECORDED = {"steps": 10, "updates": 2, "version": 3, "crc32": 77, "bytes": 8, "extra": {"a": [1.5]}}
FILES = {
    "meta": (OBJECT, {"seed": 0, "git_dirty": False, "versions": {"numpy": "2"}, "command": ["a"]}),
    "processes": (PIDS, {"supervisor": 100, "body": 101}),
    "endpoints": (ENDPOINTS, ENDPOINT),
    "plugins": (FOLDERS, {"folders": ["/a/b", "c"]}),
    "began": (START_TIME, {"began_ns": 1_780_000_000_000_000_000}),
    "sessions": (SOURCES, {"sessions": ["/a"], "steps": 500}),
    "checkpoint": (RECORD, RECORDED),
    "odd": (TypeAdapter(list[float]), {"a": [1.0]}),
}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("checked", [True, False])
def test_a_damaged_file_of_a_run_is_read_in_its_shape_or_refused(name, checked):
    shape, content = FILES[name]
    text = json.dumps(with_checksum(content) if checked else content, indent=2).encode()

    def read(damaged):
        assert shape.validate_python(parse_json(damaged, name, shape)) is not None

    accepted, refused = only_raises(UnreadableFile, read, mutations(text, TOKENS, 3000))
    assert refused > 1000
    assert accepted or name == "odd"


def test_a_damaged_layout_is_refused_as_no_journal(tmp_path):
    layout = StepLayout(vrchat_spaces(load_config(ROOT / "configs" / "tiny.yaml").world), ("near",))
    content = {
        "format": "YUMEJ001",
        "spaces": layout.spaces.to_json(),
        "step": fields_to_json(layout.dtype),
    }
    path = tmp_path / "layout.json"

    def read(damaged):
        path.write_bytes(damaged)
        read = read_layout(tmp_path)
        assert read is not None
        assert read.spaces.vector_size >= 0
        assert read.steps.dtype.itemsize < 2**33

    text = json.dumps(content).encode()
    accepted, refused = only_raises(JournalError, read, mutations(text, TOKENS, 3000))
    assert refused > 1000
    assert accepted > 20


def test_a_damaged_answer_of_an_oscquery_program_gives_a_peer_or_a_value_error():
    nodes = [
        Node("/avatar/change", "s", 3, ("avtr_1",)),
        Node("/avatar/parameters/Pat", "f", 3, (0.5,), ((0.0, 1.0),)),
        Node("/avatar/parameters/On", "T", 1, (True,)),
    ]
    tree = json.dumps(node_tree(nodes)).encode()
    info = json.dumps(host_info("VRChat-Client-ABCDEF", 9000)).encode()

    def read(damaged):
        answer = parse_json(damaged, "/", ANY, odd_numbers=OddNumbers.NULL)
        for value in avatar_of(answer).values.values():
            assert not isinstance(value, int) or abs(value) < 10**40, "it fits into a float"
        peer_from("name", "127.0.0.1", 80, json.loads(info), answer, loopback_only=False)

    def read_info(damaged):
        answer = parse_json(damaged, "/", ANY, odd_numbers=OddNumbers.NULL)
        peer_from("name", "127.0.0.1", 80, answer, {"CONTENTS": {}}, loopback_only=False)

    accepted, refused = only_raises(ValueError, read, mutations(tree, TOKENS, 3000))
    assert accepted > 20
    assert refused > 1000
    only_raises(ValueError, read_info, mutations(info, TOKENS, 3000))


def test_a_damaged_avatar_file_is_read_or_refused(tmp_path):
    content = {
        "id": "avtr_1",
        "name": "夢",
        "parameters": [
            {"name": "Pat", "output": {"address": "/avatar/parameters/Pat", "type": "Float"}}
        ],
    }
    path = tmp_path / "avtr_1.json"

    def read(damaged):
        path.write_bytes(damaged)
        assert all(isinstance(address, str) for address in read_file(path).addresses.values())

    text = b"\xef\xbb\xbf" + json.dumps(content).encode()
    accepted, _ = only_raises(ValueError, read, mutations(text, TOKENS, 3000))
    assert accepted > 20
