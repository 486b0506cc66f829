"""Folders that cannot hold a run on Windows are refused with the reason."""

import sys
from pathlib import Path, PureWindowsPath

import pytest

from interfaces.runtime.system.folder_place import (
    drive_problem,
    folder_problem,
    length_problem,
    name_problem,
)

FIXED, REMOTE = 3, 4


@pytest.mark.parametrize(
    "name", ["nul", "NUL", "con", "Aux.txt", "com1", "COM9.run", "lpt1", "prn .x", "com²"]
)
def test_names_of_devices(name):
    problem = name_problem(["runs", name])
    assert name in problem
    assert "device" in problem


@pytest.mark.parametrize("name", ["a:b", "what?", "a|b", "x*", 'say "hi"', "a\tb"])
def test_letters_that_windows_cannot_store(name):
    assert "does not allow" in name_problem([name])


@pytest.mark.parametrize("name", ["run.", "run "])
def test_endings_that_windows_drops(name):
    assert "drops" in name_problem([name])


@pytest.mark.parametrize(
    "name", ["nullus", "com10", "console", "夢 の 家", "2026-12-01_10-00-00_default", "a.b"]
)
def test_usual_names(name):
    assert name_problem(["Users", name]) is None


def test_a_path_that_is_too_long_for_the_files_in_it():
    path = "C:\\" + "a" * 200
    assert "203 letters" in length_problem(path, long_paths=False)
    assert length_problem(path, long_paths=True) is None
    assert length_problem("C:\\" + "a" * 150, long_paths=False) is None


@pytest.mark.parametrize(
    ("path", "drive_type", "refused"),
    [
        (r"Z:\runs", REMOTE, True),
        (r"\\server\share\runs", FIXED, True),
        (r"\\?\C:\runs", FIXED, False),
        (r"C:\runs", FIXED, False),
    ],
)
def test_network_drives(path, drive_type, refused):
    problem = drive_problem(PureWindowsPath(path), drive_type)
    assert (problem is not None) is refused
    assert not refused or "network drive" in problem


@pytest.mark.skipif(sys.platform == "win32", reason="other systems store any name")
def test_other_systems_have_no_such_limits():
    assert folder_problem(Path("/nul/" + "a" * 300)) is None


@pytest.mark.skipif(sys.platform != "win32", reason="Windows")
def test_the_system_is_asked(tmp_path):
    assert folder_problem(tmp_path) is None
    assert "device" in folder_problem(tmp_path / "nul")
