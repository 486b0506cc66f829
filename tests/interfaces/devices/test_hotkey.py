"""The stop key on a real X server: it works without focus; errors name the setting."""

import importlib.util
import os
import select
import subprocess
import sys

import pytest

from configs.errors import BadInput
from interfaces.devices.hotkey import Hotkey
from tests import xvfb
from tests.conftest import ROOT

LISTEN = """
import sys
from interfaces.devices.hotkey import Hotkey
print("listening", Hotkey(sys.argv[1], lambda: print("pressed", flush=True)) and "", flush=True)
sys.stdin.read()
"""
CONTROL, ALT = 0xFFE3, 0xFFE9


# importorskip does not work here: importing pynput connects to a desktop.
needs_pynput = pytest.mark.skipif(
    importlib.util.find_spec("pynput") is None, reason="pynput comes with the extra hotkey"
)


@pytest.fixture
def desktop():
    pytest.importorskip("Xlib.ext.xtest", reason="python-xlib comes with the extra screen")
    with xvfb.running("320x240") as name:
        from Xlib.display import Display

        display = Display(name)
        yield display
        display.close()


def press(display, *keysyms):
    """Press the keys in order and release them in reverse order."""
    from Xlib import X
    from Xlib.ext import xtest

    codes = [display.keysym_to_keycode(each) for each in keysyms]
    for code in codes:
        xtest.fake_input(display, X.KeyPress, code)
    for code in reversed(codes):
        xtest.fake_input(display, X.KeyRelease, code)
    display.sync()


def has_output(listener, seconds):
    """Whether the process prints something within `seconds`."""
    return bool(select.select([listener.stdout], [], [], seconds)[0])


@needs_pynput
def test_only_the_configured_key_combination_is_reported(desktop):
    command = [sys.executable, "-c", LISTEN, "<ctrl>+<alt>+y"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=ROOT) as listener:
        try:
            assert listener.stdout.readline().strip() == "listening"
            # The X server may start to deliver keys a little later: the first press may be lost.
            for _ in range(20):
                press(desktop, CONTROL, ALT, ord("y"))
                if has_output(listener, 1.0):
                    break
            else:
                pytest.fail("the key press was never reported")
            assert listener.stdout.readline().strip() == "pressed"
            press(desktop, ord("y"))
            press(desktop, CONTROL, ord("y"))
            press(desktop, CONTROL, ALT, ord("u"))
            assert not has_output(listener, 0.5), "other keys are ignored"
            press(desktop, CONTROL, ALT, ord("y"))
            assert has_output(listener, 10.0)
            assert listener.stdout.readline().strip() == "pressed"
        finally:
            listener.kill()


@needs_pynput
def test_invalid_key_is_named_in_the_error(desktop):
    code = "from interfaces.devices.hotkey import Hotkey; Hotkey('<hyper>+nonsense', print)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert "world.control.stop_key <hyper>+nonsense: not a key" in done.stderr


@needs_pynput
@pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="other systems always have a desktop"
)
def test_run_without_a_desktop_exits_with_an_error():
    words = ["run", "tiny", "world.control.stop_key=<f9>", "--seconds", "1"]
    environment = {name: value for name, value in os.environ.items() if name != "DISPLAY"}
    done = subprocess.run(
        [sys.executable, str(ROOT / "main.py"), *words],
        capture_output=True,
        text=True,
        env=environment,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert "stop_key <f9>: no desktop to read keys from" in " ".join(done.stderr.split())


def test_error_without_pynput_names_the_install_command(monkeypatch):
    monkeypatch.setitem(sys.modules, "pynput", None)
    with pytest.raises(BadInput, match="pip install"):
        Hotkey("<f9>", print)
