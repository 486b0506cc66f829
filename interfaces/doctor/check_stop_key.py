"""Check whether the stop key works here: without it a run refuses to start."""

import importlib.util

from configs.errors import BadInput
from configs.vrchat import ControlConfig
from interfaces.devices.hotkey import Hotkey
from interfaces.doctor.findings import Finding, ok, problem

_WITHOUT = "or do without: world.control.stop_key=null"


def stop_key_findings(control: ControlConfig) -> list[Finding]:
    """Empty if no stop key is configured."""
    key = control.stop_key
    if key is None:
        return []
    if importlib.util.find_spec("pynput") is None:
        text = f"{key} cannot be received: pynput is not installed"
        return [problem("stop key", text, f'pip install -e ".[hotkey]"; {_WITHOUT}')]
    try:
        Hotkey(key, lambda: None).close()
    except BadInput as error:
        return [problem("stop key", str(error), f"choose another key on a desktop; {_WITHOUT}")]
    return [ok("stop key", f"{key} works in any window")]
