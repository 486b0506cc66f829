"""What the configuration of a run names outside its folder: code, hosts, devices and files."""

import ipaddress

from configs.plugin_reference import camera_plugin
from configs.reading.bounded_file import MissingFile, UnreadableFile
from configs.reading.json_document import read_json
from configs.schema import Config
from interfaces.core.plugins import plugin_place, plugins_of
from interfaces.runtime.known_runs import code_files
from interfaces.runtime.plugin_folders import FOLDERS
from interfaces.runtime.run_folder import RunFolder

_MAX_SHOWN = 20  # files of one kind


def imported_code(config: Config) -> list[str]:
    """What lets `evaluate` or training import code that the configuration names, for messages."""
    code = [plugin_place(kind, name) for kind, name in plugins_of(config) if kind != "camera"]
    if config.world.id is not None and ":" in config.world.id:  # Gymnasium imports MODULE:ID
        code.append(f"world.id {config.world.id}")
    return code


def named_things(run: RunFolder, config: Config) -> dict[str, list[str]]:
    """What the run names, by kind; kinds without anything are left out. Reads only its folder."""
    world = config.world
    code = imported_code(config)
    camera = camera_plugin(world.camera.source)
    if camera is not None:
        code.append(plugin_place("camera", camera))
    code += [f"plugin folder {folder}" for folder in _plugin_folders(run)]
    code += [f"code in the run's folder: {path}" for path in code_files(run.path)]
    osc = world.osc
    hosts = [] if _is_loopback(osc.host) else [f"world.osc.host {osc.host}"]
    hosts += [f"world.osc.interfaces {each}" for each in osc.interfaces]
    devices: list[str] = []
    if camera is None and world.camera.source != "auto":
        is_url = isinstance(world.camera.source, str) and "://" in world.camera.source
        (hosts if is_url else devices).append(f"world.camera.source {world.camera.source}")
    for setting, value in (
        ("world.audio_input.device", world.audio_input.device),
        ("world.voice.device", world.voice.device),
        ("world.standin.speaker", world.standin.speaker),
        ("world.standin.microphone", world.standin.microphone),
    ):
        if value is not None:
            devices.append(f"{setting} {value}")
    files = [f"sound of action {a.name}: {a.sound}" for a in world.actions if a.sound]
    for setting, value in (
        ("world.limits.log_folder", world.limits.log_folder),
        ("world.standin.speech", world.standin.speech),
    ):
        if value is not None:
            files.append(f"{setting} {value}")
    things = {
        "code that would be imported": code,
        "hosts beyond this machine, and URLs": hosts,
        "cameras, microphones and speakers": devices,
        "files elsewhere": files,
    }
    return {kind: _shortened(names) for kind, names in things.items() if names}


def _plugin_folders(run: RunFolder) -> list[str]:
    try:
        return [str(folder) for folder in read_json(run.plugin_folders, FOLDERS).folders]
    except MissingFile:
        return []
    except UnreadableFile:
        return [f"{run.plugin_folders.name} cannot be read"]


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _shortened(names: list[str]) -> list[str]:
    more = len(names) - _MAX_SHOWN
    return names if more <= 0 else [*names[:_MAX_SHOWN], f"and {more} more"]
