"""The folder of the user: where it is, and who may read it."""

import sys
from pathlib import Path

import pytest

from interfaces.runtime.user_folder import user_folder


def test_variable_names_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("YUME_STATE", str(tmp_path / "夢" / "state"))
    assert user_folder() == tmp_path / "夢" / "state"
    assert user_folder().is_dir()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no permission bits")
def test_other_users_cannot_read_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("YUME_STATE", str(tmp_path / "state"))
    assert user_folder().stat().st_mode & 0o077 == 0
