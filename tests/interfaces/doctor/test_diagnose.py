"""The command `doctor`: exit codes, and all checks against a running stand-in."""

import json
import os
import re
import subprocess
import sys

import cv2
import numpy as np
import pytest

from tests.conftest import ROOT
from tests.interfaces.doctor.settings import free_port

PATIENCE_S = 60.0


def doctor(*words, **environment):
    return subprocess.run(
        [sys.executable, str(ROOT / "main.py"), "doctor", *map(str, words)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=PATIENCE_S,
        env=os.environ | environment,
        check=False,
    )


def test_a_bad_configuration_is_refused_with_exit_code_2(tmp_path):
    done = doctor("tick.hz=1000")
    assert done.returncode == 2
    assert "tick.hz" in done.stderr
    (tmp_path / "file").touch()
    done = doctor("--pictures", tmp_path / "file")
    assert done.returncode == 2
    assert "--pictures" in done.stderr


@pytest.mark.e2e
def test_a_running_client_and_its_problems_are_found(tmp_path):
    """One run of the doctor for all checks: mDNS takes seconds. The client is a stand-in."""
    receive_port, pictures = free_port(), tmp_path / "夢"
    command = [sys.executable, "-u", str(ROOT / "main.py"), "standin", "--http", "0"]
    command += ["--osc", f"0:127.0.0.1:{receive_port}"]
    command += ["world.standin.width=64", "world.standin.height=64"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, encoding="utf-8") as standin:
        try:
            output = ""
            while "Ctrl-C" not in output:
                assert standin.poll() is None, output
                output += standin.stdout.readline()
            osc_in = re.search(r"OSC in 127\.0\.0\.1:(\d+)", output)[1]
            name = re.search(r"VRChat-Client-\w{6}", output)[0]
            stream = re.search(r"http://\S+camera\.mjpg", output)[0]
            done = doctor(
                ROOT / "configs" / "vrchat.yaml",
                *("--json", "--pictures", pictures),
                f"world.osc.client={name}",
                f"world.osc.send_port={osc_in}",
                f"world.osc.receive_port={receive_port}",
                "world.osc.oscquery=true",
                f"world.camera.source={stream}",
                "world.parameters=[HeadPat, VelocityX, Fluffiness]",
                HOME=str(tmp_path),
            )
        finally:
            standin.terminate()
    assert " ".join(done.stderr.split()).startswith("The avatar now turns once on the spot")
    findings = {each["name"]: each for each in json.loads(done.stdout)}
    assert all(set(each) == {"name", "level", "text", "remedy"} for each in findings.values())
    assert all(each["remedy"] for each in findings.values() if each["level"] != "ok")
    assert (findings["client"]["level"], name in findings["client"]["text"]) == ("ok", True)
    assert findings["avatar"]["level"] == "ok"
    assert "Fluffiness" in findings["parameters"]["text"]
    assert "HeadPat" not in findings["parameters"]["text"]
    assert "main.py standin" in findings["send port"]["text"]
    assert findings["receive port"]["level"] != "problem"
    assert findings["camera"]["level"] in ("ok", "warning"), findings["camera"]
    assert cv2.imdecode(np.fromfile(pictures / "camera.png", np.uint8), 1).shape == (384, 384, 3)
    problems = [each for each in findings.values() if each["level"] == "problem"]
    assert done.returncode == bool(problems)
