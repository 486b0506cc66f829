"""Tables as other programs save them are read; a malformed one is refused with its line."""

import codecs
import contextlib

import numpy as np
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
        ("a.csv", 'time_s,Vertical\n0,"0,5"', "column Vertical: no number: '0,5'"),
        ("a.csv", "time_s;Vertical\n0;0,5\n1.5;0", r"may mean two .*, in line 2 and \. in line 3"),
        ("a.csv", "time_s,Jump,Jump\n0,1,1", "line 1: two columns are called Jump"),
        ("a.csv", 'sep=;\ntime_s;"a\nb";Jump\n0;1', "line 4: the number of values differs"),
        ("a.csv", "time_s\n" + 150_000 * "1", "line 2: field larger than field limit"),
        ("a.jsonl", 20_000 * "[", "line 1: not a JSON object"),
        ("a.jsonl", '[["time_s", 1]]', "line 1: not a JSON object"),
        ("a.jsonl", '{"time_s": 0}\nnonsense', "line 2: not a JSON object"),
    ],
)
def test_a_malformed_table_is_refused_with_its_line(tmp_path, name, text, message):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SessionError, match=message):
        read_table(path)


WINDOWS = (
    'time_s,Vertical,LookHorizontal,場面\r\n0.00,0.5,0,ロビー\r\n0.25,-1,1e-1,"a, b\nc"\r\n\r\n'
)
EXCEL = WINDOWS.replace('"a, b\nc"', "x").replace(",", ";").replace(".", ",")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("ACTIONS.CSV", WINDOWS.encode()),
        ("a.csv", codecs.BOM_UTF8 + WINDOWS.encode()),
        ("a.csv", WINDOWS.encode("cp932")),
        ("a.txt", WINDOWS.encode("utf-16")),
        ("a.csv", WINDOWS.replace("場面", "scene").replace("ロビー", "x").encode("utf-16-le")),
        ("a.csv", WINDOWS.replace("場面", "scene").replace("ロビー", "x").encode("utf-16-be")),
        ("a.Csv", EXCEL.encode("cp932")),
        ("a.csv", f"sep=;\r\n{EXCEL}".encode()),
        ("a.TSV", EXCEL.replace(";", "\t").encode("utf-16")),
        ("table", WINDOWS.replace("\r\n", "\n").encode()),
        (
            "A.JSONL",
            b'{"time_s": 0, "Vertical": 0.5, "x": [1]}\r\n{"time_s": 0.25, "Vertical": -1}',
        ),
        ("table", b'{"time_s": 0, "Vertical": 0.5}\n{"time_s": 0.25, "Vertical": -1}'),
    ],
)
def test_tables_of_windows_programs_are_read_and_other_columns_ignored(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    table = read_table(path, ("Vertical", "Jump"))
    np.testing.assert_array_equal(table.times_s, [0, 0.25])
    assert list(table.values) == ["Vertical"]
    np.testing.assert_array_equal(table.values["Vertical"], [0.5, -1])
    assert set(table.ignored) <= {"LookHorizontal", "場面", "scene", "x"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"time_s,Vertical\n0,\x81", "is not UTF-8, UTF-16 or Shift JIS .byte "),
        (b"PK\x03\x04 a workbook", "is a workbook, not a table of text: save it as CSV with"),
    ],
)
def test_a_file_that_is_no_text_is_refused_with_what_to_do(tmp_path, content, message):
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    with pytest.raises(SessionError, match=message):
        read_table(path)
    with pytest.raises(SessionError, match="a directory, not a file"):
        read_table(tmp_path)


def test_any_bytes_are_a_table_or_a_session_error(tmp_path):
    random, path = np.random.Generator(np.random.PCG64(0)), tmp_path / "a.csv"
    good = EXCEL.encode()
    for number in range(400):
        content = bytearray(good)
        for at in random.integers(0, len(good), 1 + number % 5):
            content[at] = random.integers(256)
        path.write_bytes(content[: int(random.integers(1, len(good) + 1))])
        with contextlib.suppress(SessionError):  # any other error fails
            assert read_table(path, ("Vertical",)).times_s.shape[0] > 0
