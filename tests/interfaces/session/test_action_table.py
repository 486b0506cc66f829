"""A malformed table is refused with its line."""

import pytest

from interfaces.session.action_table import read_table
from interfaces.session.format.segment_writer import SessionError


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.csv", "Vertical,Jump\n1,0", "line 2: no time"),
        ("a.csv", "time_s,Vertical\n0,1\n1,x", "line 3, column Vertical: no number: 'x'"),
        ("a.csv", "time_s,Vertical\n1,1\n0,1", "line 3: time 0.0 is before"),
        ("a.csv", "time_s,Vertical\n1", "line 2: the number of values differs"),
        ("a.csv", "time_s,Vertical\nnan,1\n1,1", "line 2: not a finite number"),
        ("a.csv", "time_s,Vertical\n0,1\ninf,1", "line 3: not a finite number"),
        ("a.csv", "time_s,Vertical\n0,nan", "line 2: not a finite number"),
        ("a.csv", "time_s,Vertical\n0,1e39", "line 2: not a finite number, or too large"),
        ("a.jsonl", f'{{"time_s": 0, "Vertical": 1{400 * "0"}}}', "line 1, column "),
        ("a.csv", "", "no rows"),
        ("a.jsonl", '{"time_s": 0}\nnonsense', "line 2: not a JSON object"),
    ],
)
def test_a_malformed_table_is_refused_with_its_line(tmp_path, name, text, message):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SessionError, match=message):
        read_table(path)
