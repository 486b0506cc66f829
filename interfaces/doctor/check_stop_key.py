"""Whether the key that stops the avatar can be heard here: a run refuses to start without it."""

import importlib.util

from configs.errors import BadInput
from configs.vrchat import ControlConfig
from interfaces.devices.hotkey import Hotkey
from interfaces.doctor.findings import Finding, ok, problem

_WITHOUT = "or do without: world.control.stop_key=null"


def stop_key_findings(control: ControlConfig) -> list[Finding]:
    """Nothing where none is configured."""
    key = control.stop_key
    if key is None:
        return []
    if importlib.util.find_spec("pynput") is None:
        text = f"{key} cannot be heard: pynput is not installed"
        return [problem("stop key", text, f'pip install -e ".[hotkey]"; {_WITHOUT}')]
    try:
        Hotkey(key, lambda: None).close()
    except BadInput as error:
        return [problem("stop key", str(error), f"name another one on a desktop; {_WITHOUT}")]
    return [ok("stop key", f"{key} is heard from any window")]
