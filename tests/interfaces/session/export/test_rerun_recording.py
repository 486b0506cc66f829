"""The Rerun recording, read back by Rerun's command line."""

import subprocess
import sys

import pytest

from interfaces.session.format.segment_writer import SessionError


def test_rerun_finds_pictures_curves_and_events(recorded, tmp_path):
    pytest.importorskip("rerun", reason="extra [rerun] is not installed")
    from interfaces.session.export.rerun_recording import to_rerun

    session, _ = recorded
    out = tmp_path / "run.rrd"
    assert to_rerun(session, out) == 150
    printed = subprocess.run(
        [sys.executable, "-m", "rerun", "rrd", "print", str(out)],
        capture_output=True,
        encoding="utf-8",
        check=True,
    ).stdout
    for path in ("/camera - ", "/events - ", "/action/Jump - ", "/feeling/VelocityX - "):
        assert path in printed
    assert "with 150 rows" in printed
    with pytest.raises(SessionError, match="exists already"):
        to_rerun(session, out)
