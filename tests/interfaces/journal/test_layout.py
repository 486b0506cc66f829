"""The layout of a journal: Steps of another shape or with other fields are refused."""

import json

import pytest

from configs.actions import ActionConfig
from interfaces.core.spaces import Spaces
from interfaces.journal import JournalError, JournalReader, JournalWriter
from tests.interfaces.journal.journals import append, make_writer

OTHER_SPACES = Spaces((8, 8, 3), ("Speed", "Pat"), (ActionConfig(name="Vertical"),))


def test_steps_of_another_shape_are_refused_by_name(tmp_path):
    append(make_writer(tmp_path), 3)
    with pytest.raises(JournalError, match=r"features.*Speed"):
        JournalWriter(tmp_path, OTHER_SPACES, segment_steps=16, max_steps=64, background=False)


def test_steps_with_other_fields_are_refused_by_name(tmp_path):
    append(make_writer(tmp_path), 3)
    path = tmp_path / "layout.json"
    layout = json.loads(path.read_text(encoding="utf-8"))
    layout["step"][1][0] = "beat"
    path.write_text(json.dumps(layout), encoding="utf-8")
    with pytest.raises(JournalError, match="beat, tick"):
        make_writer(tmp_path)
    with pytest.raises(JournalError, match="beat, tick"):
        JournalReader(tmp_path)
