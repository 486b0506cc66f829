"""An outdated or broken avatar file is a warning that names the file."""

import json
import os
import time

import pytest

from interfaces.doctor.check_avatar_files import file_findings
from tests.interfaces.doctor.settings import levels


@pytest.fixture
def osc_folder(tmp_path):
    (tmp_path / "usr_1" / "Avatars").mkdir(parents=True)
    return tmp_path


def write_avatar(folder, avatar, names, prefix="/avatar/parameters/", age_s=0.0):
    parameters = [{"name": n, "output": {"address": prefix + n, "type": "Float"}} for n in names]
    path = folder / "usr_1" / "Avatars" / f"{avatar}.json"
    content = {"id": avatar, "name": "夢", "parameters": parameters}
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8-sig")
    os.utime(path, (time.time() - age_s,) * 2)
    return path


def test_a_file_without_a_configured_parameter_is_a_warning(osc_folder):
    wanted = ("VelocityX", "HeadPat")
    assert levels(file_findings(wanted, [osc_folder], "")) == {"avatar file": "ok"}
    path = write_avatar(osc_folder, "avtr_old", ["VelocityX"], age_s=40 * 86400.0)
    (finding,) = file_findings(wanted, [osc_folder], "avtr_old")
    assert finding.level == "warning"
    assert "40 days old, lacks HeadPat" in finding.text
    assert str(path) in finding.remedy
    write_avatar(osc_folder, "avtr_new", wanted)
    assert file_findings(wanted, [osc_folder], "")[0].level == "ok", "the newest file"
    assert file_findings(wanted, [osc_folder], "avtr_old")[0].level == "warning"
    assert file_findings(wanted, [osc_folder], "avtr_other")[0].level == "ok"


def test_another_output_address_and_a_broken_file_are_warnings(osc_folder):
    path = write_avatar(osc_folder, "avtr_1", ["HeadPat"], prefix="/elsewhere/")
    (finding,) = file_findings(["HeadPat"], [osc_folder], "")
    assert (finding.level, "/elsewhere/HeadPat" in finding.text) == ("warning", True)
    for broken in ("", "[]", "{}", '{"parameters": 1}'):
        path.write_text(broken, encoding="utf-8")
        assert levels(file_findings(["HeadPat"], [osc_folder], "")) == {"avatar file": "warning"}
