"""The doctor: what it says of machine, VRChat, ports, camera and sound, and how it ends."""

import contextlib
import dataclasses
import importlib.util
import io
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time

import cv2
import numpy as np
import pytest
from rich.console import Console

from configs.load import load_config
from interfaces.devices.camera_names import camera_names
from interfaces.doctor import check_ports as ports
from interfaces.doctor.check_avatar_files import file_findings
from interfaces.doctor.check_camera import Seen, camera_finding, configured_camera
from interfaces.doctor.check_clients import avatar_findings, choose_client
from interfaces.doctor.check_machine import clock_finding, disk_finding, memory_finding
from interfaces.doctor.check_ports import port_findings
from interfaces.doctor.check_sound import SoundFacts, findings_of
from interfaces.doctor.check_stop_key import stop_key_findings
from interfaces.doctor.check_torch_build import CUDA_INSTALL, TorchFacts, torch_findings
from interfaces.doctor.check_vrchat import calibration_finding
from interfaces.doctor.check_vrchat_process import Running, process_finding, running_clients
from interfaces.doctor.findings import Check, Finding, examine, ok, once, problem, warning
from interfaces.doctor.show_findings import as_json, print_report
from interfaces.osc.message import encode
from interfaces.osc.oscquery_browser import Peer
from interfaces.vrchat.client_finder import Avatar
from tests import xvfb
from tests.conftest import ROOT

PATIENCE_S = 60.0


# Without OSCQuery, at VRChat's usual ports.
PLAIN = ("world.osc.oscquery=false", "world.osc.send_port=9000", "world.osc.receive_port=9001")


def vrchat(*overrides):
    return load_config(ROOT / "configs" / "vrchat.yaml", (*PLAIN, *overrides))


def world(*overrides):
    return vrchat(*overrides).world


def levels(findings):
    return {each.name: each.level for each in findings}


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


@contextlib.contextmanager
def udp_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def free_port():
    with udp_port() as port:
        return port


# The command


def test_a_bad_configuration_is_refused_with_exit_code_2(tmp_path):
    done = doctor("beat.hz=1000")
    assert done.returncode == 2
    assert "beat.hz" in done.stderr
    (tmp_path / "file").touch()
    done = doctor("--pictures", tmp_path / "file")
    assert done.returncode == 2
    assert "--pictures" in done.stderr


@pytest.mark.e2e
def test_it_finds_a_running_client_and_says_what_is_wrong(tmp_path):
    """One doctor for all of it: mDNS takes seconds. The client is a real stand-in."""
    ear, pictures = free_port(), tmp_path / "夢"
    command = [sys.executable, "-u", str(ROOT / "main.py"), "standin", "--http", "0"]
    command += ["--osc", f"0:127.0.0.1:{ear}", "world.standin.width=64", "world.standin.height=64"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, encoding="utf-8") as standin:
        try:
            said = ""
            while "Ctrl-C" not in said:
                assert standin.poll() is None, said
                said += standin.stdout.readline()
            osc_in = re.search(r"OSC in 127\.0\.0\.1:(\d+)", said)[1]
            name = re.search(r"VRChat-Client-\w{6}", said)[0]
            stream = re.search(r"http://\S+camera\.mjpg", said)[0]
            done = doctor(
                ROOT / "configs" / "vrchat.yaml",
                *("--json", "--pictures", pictures),
                f"world.osc.client={name}",
                f"world.osc.send_port={osc_in}",
                f"world.osc.receive_port={ear}",
                "world.osc.oscquery=true",
                f"world.camera.source={stream}",
                "world.parameters=[HeadPat, VelocityX, Fluffiness]",
                HOME=str(tmp_path),
            )
        finally:
            standin.terminate()
    assert done.stderr == ""
    found = {each["name"]: each for each in json.loads(done.stdout)}
    assert all(set(each) == {"name", "level", "text", "remedy"} for each in found.values())
    assert all(each["remedy"] for each in found.values() if each["level"] != "ok")
    assert (found["client"]["level"], name in found["client"]["text"]) == ("ok", True)
    assert found["avatar"]["level"] == "ok"
    assert "Fluffiness" in found["parameters"]["text"]
    assert "HeadPat" not in found["parameters"]["text"]
    assert "main.py standin" in found["send port"]["text"]
    assert found["receive port"]["level"] != "problem"
    assert found["camera"]["level"] in ("ok", "warning"), found["camera"]
    assert cv2.imdecode(np.fromfile(pictures / "camera.png", np.uint8), 1).shape == (384, 384, 3)
    problems = [each for each in found.values() if each["level"] == "problem"]
    assert done.returncode == bool(problems)


# How it examines


def test_a_check_that_raises_is_a_problem_and_the_others_count():
    def break_down():
        raise RuntimeError("the driver is upset")

    found = examine([Check("x", "upset", break_down), Check("x", "fine", lambda: [ok("f", "")])], 5)
    assert levels(found[0]) == {"upset": "problem"}
    assert "the driver is upset" in found[0][0].text
    assert found[1] == [ok("f", "")]


def test_a_check_that_hangs_is_left_behind():
    freed = threading.Event()
    waited = []

    def hang():
        freed.wait(PATIENCE_S)
        return []

    checks = [Check("x", "stuck", hang), Check("x", "quick", lambda: [])]
    try:
        began = time.monotonic()
        found = examine(checks, 0.3, lambda names: waited.append(list(names)))
        assert time.monotonic() - began < PATIENCE_S / 2
    finally:
        freed.set()
    assert levels(found[0]) == {"stuck": "problem"}
    assert found[1] == []
    assert waited == [["stuck", "quick"], ["stuck"]]


# What it says


@pytest.mark.parametrize("width", [80, 120])
def test_the_report_fits_the_terminal_and_sums_up(width):
    lines = [ok("clock", "fine"), warning("a long name", "word " * 40, "cure " * 40)]
    lines.append(problem("device", "[bold]no markup[/bold]", CUDA_INSTALL))
    out = io.StringIO()
    console = Console(file=out, width=width, color_system=None)
    print_report(console, "vrchat", [Check("machine", "all", list)], [lines], 1.25)
    text = out.getvalue()
    assert max(map(len, text.splitlines())) <= width
    assert "[bold]no markup[/bold]" in text
    assert text.rstrip().endswith("1 problem, 1 warning, 1 ok  in 1.2 s")
    columns = {
        line.index(word) for line in text.splitlines() for word in ("fine", "→") if word in line
    }
    assert len(columns) == 1, "remedies stand below what they cure"


def test_json_keeps_what_is_not_ascii():
    assert json.loads(as_json([ok("夢", "なで")])) == [dataclasses.asdict(ok("夢", "なで"))]
    assert "夢" in as_json([ok("夢", "")])


# The machine


def test_a_gpu_beside_a_cpu_torch_is_a_problem_with_the_cure_of_the_readme():
    beside = TorchFacts("2.13.0+cpu", gpu="RTX 4090")
    found = torch_findings(beside, "auto")
    assert levels(found) == {"torch": "ok", "device": "problem"}
    assert found[1].remedy == CUDA_INSTALL
    assert CUDA_INSTALL in (ROOT / "README.md").read_text(encoding="utf-8")
    assert levels(torch_findings(beside, "cpu"))["device"] == "ok", "asked for, so no problem"


def test_a_gpu_that_works_is_fine_and_one_that_does_not_is_a_problem():
    works = TorchFacts("2.13.0+cu130", cuda="13.0", gpu="RTX 4090")
    assert levels(torch_findings(works, "auto"))["device"] == "ok"
    broken = dataclasses.replace(works, trouble="driver too old")
    assert levels(torch_findings(broken, "auto"))["device"] == "problem"
    assert levels(torch_findings(TorchFacts("2.13.0+cpu"), "cuda"))["device"] == "problem"
    assert levels(torch_findings(TorchFacts(), "auto")) == {"torch": "problem"}


def test_memory_disk_and_clock_have_limits(tmp_path):
    assert memory_finding(8.0, 16.0).level == "ok"
    assert memory_finding(0.5, 16.0).level == "warning"
    free = [disk_finding(gb, 2.0, tmp_path).level for gb in (100.0, 2.5, 1.0)]
    assert free == ["ok", "warning", "problem"]
    assert clock_finding(0.1, 0.2, spin_ms=1.5).level == "ok"
    coarse = clock_finding(0.1, 14.0, spin_ms=1.5)
    assert (coarse.level, coarse.remedy) == ("warning", "beat.spin_ms=15")


def test_a_stop_key_that_cannot_be_heard_is_a_problem_with_its_cure(monkeypatch):
    assert stop_key_findings(world().control) == []
    asked = world("world.control.stop_key=<ctrl>+<alt>+y").control
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    (found,) = stop_key_findings(asked)
    assert (found.level, "pynput is not installed" in found.text) == ("problem", True)
    assert found.remedy.startswith('pip install -e ".[hotkey]"')


@pytest.mark.parametrize(("key", "level"), [("<ctrl>+<alt>+y", "ok"), ("<nonsense>", "problem")])
def test_a_stop_key_is_tried(key, level):
    pytest.importorskip("Xlib", reason="the extra hotkey")
    if importlib.util.find_spec("pynput") is None:
        pytest.skip("pynput is not installed")
    with xvfb.running("64x64"):
        code = (
            "from interfaces.doctor.check_stop_key import stop_key_findings\n"
            "from configs.vrchat import ControlConfig\n"
            f"print(*[f.level for f in stop_key_findings(ControlConfig(stop_key={key!r}))])"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
        )
    assert done.stdout.split() == [level]


# Ports


def test_a_taken_port_names_who_took_it():
    with udp_port() as port:
        found = port_findings(
            world(f"world.osc.receive_port={port}", f"world.osc.send_port={port}"), 0.1
        )
    assert levels(found) == {"send port": "warning", "receive port": "problem"}
    assert all(f"(pid {os.getpid()})" in each.text for each in found)


def test_nobody_who_listens_is_a_problem_and_silence_is_not_told_again():
    found = port_findings(world(f"world.osc.send_port={free_port()}"), 0.1)
    assert found[0].level == "problem"
    assert "OSC > Enabled" in found[0].remedy
    assert found[1].level in ("ok", "problem")  # 9001 may be taken here


@pytest.fixture
def usual(monkeypatch):
    """Ports that play 9000 and 9001, which somebody may have here."""
    send, receive = free_port(), free_port()
    monkeypatch.setattr(ports, "USUAL_IN", send)
    monkeypatch.setattr(ports, "USUAL_OUT", receive)
    return send, receive


UNSET = ("world.osc.send_port=0", "world.osc.receive_port=0")


def test_where_oscquery_finds_nobody_the_ports_a_run_falls_back_to_are_looked_at(usual):
    asked = world("world.osc.oscquery=true", *UNSET)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", usual[1]))
        found = port_findings(asked, 0.1)
        told = port_findings(asked, 0.1, lambda: [peer("AAAAAA")])
        off = port_findings(world(*UNSET), 0.1, lambda: pytest.fail("not asked"))
    assert levels(found) == {"send port": "problem", "receive port": "problem"}
    assert f"nobody listens on {usual[0]}" in found[0].text
    assert f"{usual[1]} is taken by" in found[1].text
    assert f"(pid {os.getpid()})" in found[1].text
    assert "OSCQuery finds nobody" in found[1].text
    assert levels(told) == {"send port": "ok", "receive port": "ok"}
    assert levels(off) == levels(found)
    assert "OSCQuery finds nobody" not in off[1].text
    assert levels(port_findings(asked, 0.1))["receive port"] == "ok", "free again"


def test_a_host_nobody_knows_is_a_problem():
    assert levels(port_findings(world("world.osc.host=nowhere.invalid"))) == {"ports": "problem"}


def test_what_is_looked_up_for_several_checks_is_looked_up_once():
    looked = []
    ask = once(lambda: looked.append(1) or len(looked))
    assert [ask(), ask()] == [1, 1]


def test_what_comes_is_said():
    stop, port = threading.Event(), free_port()

    def talk():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mouth:
            while not stop.wait(0.01):
                mouth.sendto(encode("/avatar/parameters/HeadPat", True), ("127.0.0.1", port))
                mouth.sendto(b"no OSC", ("127.0.0.1", port))

    talker = threading.Thread(target=talk)
    talker.start()
    try:
        with udp_port() as client:
            given = (f"world.osc.send_port={client}", f"world.osc.receive_port={port}")
            heard = port_findings(world(*given), 1.0)[1]
    finally:
        stop.set()
        talker.join()
    assert heard.level == "ok"
    assert "/avatar/parameters/HeadPat" in heard.text


def test_the_stand_in_needs_its_ports_free():
    with udp_port() as port:
        asked = load_config(ROOT / "configs" / "default.yaml", [f"world.osc.send_port={port}"])
        assert levels(port_findings(asked.world)) == {"send port": "problem", "receive port": "ok"}


# VRChat


def test_vrchat_that_does_not_run_is_a_problem_here_and_not_elsewhere():
    assert process_finding(world(), [], client=False).level == "problem"
    assert process_finding(world(), [], client=True).level == "ok"
    assert process_finding(world("world.osc.host=192.0.2.7"), [], client=False).level == "ok"
    assert process_finding(world(), [Running(7, 60.0)], client=False).level == "ok"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="a sleep plays VRChat there")
def test_a_process_of_vrchat_is_found_and_what_only_mentions_it_is_not(tmp_path):
    vrchat_exe, other = tmp_path / "VRChat.exe", tmp_path / "proton"
    for path in (vrchat_exe, other):
        path.symlink_to(sys.executable)
    words = ["-c", "import time; print(flush=True); time.sleep(60)"]
    commands = [[vrchat_exe, *words, "--osc=9100:127.0.0.1:9101"], [other, *words, vrchat_exe]]
    with contextlib.ExitStack() as stack:
        started = []
        for command in commands:
            child = stack.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE))
            stack.callback(child.kill)
            child.stdout.readline()
            started.append(child.pid)
        found = {each.pid: each for each in running_clients()}
    assert found[started[0]].osc == (9100, "127.0.0.1", 9101)
    assert started[1] not in found


def test_ports_given_to_vrchat_are_compared_with_ours():
    told = [Running(7, 60.0, (9100, "127.0.0.1", 9101))]
    found = process_finding(world(), told, client=True)
    assert found.level == "warning"
    assert found.remedy == "world.osc.send_port=9100 world.osc.receive_port=9101"
    same = [Running(7, 60.0, (9000, "127.0.0.1", 9001))]
    assert process_finding(world(), same, client=True).level == "ok"


def peer(name, host="127.0.0.1", osc_port=9000):
    return Peer(f"VRChat-Client-{name}", host, 4242, host, osc_port, frozenset({"avatar"}))


def test_of_two_clients_the_key_that_chooses_is_told():
    both = [peer("AAAAAA"), peer("BBBBBB")]
    chosen, found = choose_client(world(), both)
    assert levels(found) == {"client": "problem"}
    assert "world.osc.client=VRChat-Client-AAAAAA" in found[0].remedy
    assert all(each.name in found[0].text for each in both)
    second = peer("BBBBBB", osc_port=9005)
    chosen, found = choose_client(world("world.osc.send_port=9005"), [both[0], second])
    assert "world.osc.client=VRChat-Client-BBBBBB" in found[0].remedy, "the one we would talk to"
    chosen, found = choose_client(world("world.osc.client=VRChat-Client-BBBBBB"), both)
    assert (chosen, levels(found)) == (both[1], {"client": "ok"})
    chosen, found = choose_client(world("world.osc.client=VRChat-Client-CCCCCC"), both)
    assert (chosen, levels(found)) == (None, {"client": "problem"})
    elsewhere = peer("DDDDDD", "192.0.2.7")
    chosen, found = choose_client(world(f"world.osc.client={elsewhere.name}"), [*both, elsewhere])
    assert (chosen, levels(found)) == (None, {"client": "problem"}), "a run would not take it"
    assert found[0].remedy == "world.osc.host=192.0.2.7"


def test_a_host_may_be_a_name():
    chosen, found = choose_client(world("world.osc.host=localhost"), [peer("AAAAAA")])
    assert (chosen, levels(found)) == (peer("AAAAAA"), {"client": "ok"})
    chosen, found = choose_client(world("world.osc.host=nowhere.invalid"), [peer("AAAAAA")])
    assert (chosen, levels(found)) == (None, {"client": "problem"})
    assert "nowhere.invalid" in found[0].text


def test_the_stand_in_does_not_mind_other_clients():
    default = load_config(ROOT / "configs" / "default.yaml").world
    chosen, found = choose_client(default, [peer("AAAAAA"), peer("BBBBBB")])
    assert (chosen, levels(found)) == (None, {"client": "ok"})
    assert "VRChat-Client-BBBBBB" in found[0].text


def test_a_client_elsewhere_or_on_another_port_is_a_warning():
    chosen, found = choose_client(world(), [peer("AAAAAA", "192.0.2.7")])
    assert (chosen, levels(found)) == (None, {"client": "warning"})
    assert "world.osc.host=192.0.2.7" in found[0].remedy
    chosen, found = choose_client(world("world.osc.send_port=9005"), [peer("AAAAAA")])
    assert chosen is not None
    assert levels(found) == {"client": "ok", "client port": "warning"}
    assert levels(choose_client(world(), [])[1]) == {"client": "warning"}
    assert levels(choose_client(world("world.osc.oscquery=true"), [])[1]) == {"client": "problem"}


def test_what_the_avatar_lacks_is_said():
    felt = dict.fromkeys(world().parameters, 0.0)
    assert levels(avatar_findings(world(), Avatar("avtr_1", felt))) == {"avatar": "ok"}
    assert levels(avatar_findings(world(), Avatar())) == {"avatar": "problem"}
    moved = "world.actions=[{name: Vertical}, {name: Ears, target: parameter}]"
    del felt["HeadPat"]
    found = avatar_findings(world(moved), Avatar("avtr_1", felt, frozenset({"Tail"})))
    assert levels(found) == {"avatar": "ok", "parameters": "warning", "actions": "warning"}
    assert "HeadPat" in found[1].text
    assert "Ears" in found[2].text


def test_what_calibrate_measured_is_shown():
    assert "has not measured" in calibration_finding(world().measured).text
    given = (f"world.measured.{each}" for each in ("turn_deg_s=180", "loop_s=0.05"))
    shown = calibration_finding(world(*given, "world.measured.forward_m_s=6").measured)
    assert shown.level == "ok"
    assert shown.text == "turns 180 deg/s, forward 6 m/s, seen after 50 ms"


@pytest.fixture
def osc_folder(tmp_path):
    (tmp_path / "usr_1" / "Avatars").mkdir(parents=True)
    return tmp_path


def write_avatar(folder, avatar, names, prefix="/avatar/parameters/", age_s=0.0):
    told = [{"name": n, "output": {"address": prefix + n, "type": "Float"}} for n in names]
    path = folder / "usr_1" / "Avatars" / f"{avatar}.json"
    content = {"id": avatar, "name": "夢", "parameters": told}
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8-sig")
    os.utime(path, (time.time() - age_s,) * 2)
    return path


def test_a_stale_avatar_file_is_told_by_name(osc_folder):
    wanted = ("VelocityX", "HeadPat")
    assert levels(file_findings(wanted, [osc_folder], "")) == {"avatar file": "ok"}
    path = write_avatar(osc_folder, "avtr_old", ["VelocityX"], age_s=40 * 86400.0)
    (found,) = file_findings(wanted, [osc_folder], "avtr_old")
    assert found.level == "warning"
    assert "40 days old, lacks HeadPat" in found.text
    assert str(path) in found.remedy
    write_avatar(osc_folder, "avtr_new", wanted)
    assert file_findings(wanted, [osc_folder], "")[0].level == "ok", "the newest, if none is worn"
    assert file_findings(wanted, [osc_folder], "avtr_old")[0].level == "warning"
    assert file_findings(wanted, [osc_folder], "avtr_other")[0].level == "ok"


def test_an_avatar_file_that_sends_elsewhere_or_is_broken_is_a_warning(osc_folder):
    path = write_avatar(osc_folder, "avtr_1", ["HeadPat"], prefix="/elsewhere/")
    (found,) = file_findings(["HeadPat"], [osc_folder], "")
    assert (found.level, "/elsewhere/HeadPat" in found.text) == ("warning", True)
    for broken in ("", "[]", "{}", '{"parameters": 1}'):
        path.write_text(broken, encoding="utf-8")
        assert levels(file_findings(["HeadPat"], [osc_folder], "")) == {"avatar file": "warning"}


# Camera and sound


def test_a_camera_file_that_is_missing_is_a_problem_at_once(tmp_path):
    found = configured_camera(vrchat(f"world.camera.source={tmp_path / 'none.mp4'}"), None)
    assert (found.level, "no such file" in found.text) == ("problem", True)


def test_the_camera_is_judged_by_rate_age_and_brightness():
    config = vrchat()
    bright = Seen(45, 1.5, [0.02], np.full((64, 64, 3), 128, np.uint8))
    assert camera_finding(config, bright) == ok(
        "camera", "OBS Virtual Camera: 30.0 frames/s, 20 ms old"
    )
    for seen, level in (
        (Seen(), "problem"),
        (dataclasses.replace(bright, frames=0, ages_s=[1.0]), "problem"),
        (dataclasses.replace(bright, picture=np.zeros((64, 64, 3), np.uint8)), "warning"),
        (dataclasses.replace(bright, frames=8), "warning"),
    ):
        assert camera_finding(config, seen).level == level


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="a folder of Linux")
def test_cameras_have_names_and_metadata_is_none(tmp_path):
    for number, name, index in ((0, "Webcam", 0), (1, "Webcam", 1), (10, "OBS Virtual Camera", 0)):
        device = tmp_path / f"video{number}"
        device.mkdir()
        (device / "name").write_text(f"{name}\n")
        (device / "index").write_text(f"{index}\n")
    assert camera_names(tmp_path) == {0: "Webcam", 10: "OBS Virtual Camera"}


def test_portaudio_is_missed_only_where_it_is_needed():
    missing = SoundFacts(missing="PortAudio is missing")
    assert levels(findings_of(world(), missing)) == {"PortAudio": "warning"}
    needed = findings_of(world("world.ears.device=CABLE Output"), missing)
    assert levels(needed) == {"PortAudio": "problem"}
    assert "world.ears.device" in needed[0].text
    assert "libportaudio2" in needed[0].remedy


def test_ears_and_voice_are_judged():
    both = world("world.ears.device=CABLE Output", "world.voice.device=CABLE Input")
    heard = SoundFacts(ears="CABLE Output", ears_db=-20.0, voice="CABLE Input")
    assert {each.level for each in findings_of(both, heard)} == {"ok"}
    silent = dataclasses.replace(heard, ears_db=-90.0)
    assert levels(findings_of(both, silent))["ears"] == "warning"
    gone = dataclasses.replace(heard, ears_error="there is none", voice_error="there is none")
    found = levels(findings_of(both, gone))
    assert (found["ears"], found["voice"]) == ("problem", "problem")


def test_a_finding_that_is_not_ok_has_a_remedy():
    with pytest.raises(ValueError, match="remedy"):
        Finding("x", "problem", "it is broken")
