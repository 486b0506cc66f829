"""Where a run finds the modules of its plugins; every process of the run reads the same list.

In this order: the folder of the YAML file, then the current folder of the command that started the
run, then the current folder. All come after the places where Python finds modules anyway.
"""

import sys
from pathlib import Path

from pydantic import BaseModel, TypeAdapter

from configs.load import find_config
from configs.loading.extends import PRESETS
from configs.reading.bounded_file import MissingFile, UnreadableFile
from configs.reading.json_document import read_json
from configs.schema import Config
from interfaces.core.plugins import add_plugin_folders, plugins_of
from interfaces.ipc.atomic_files import write_json
from interfaces.runtime.known_runs import code_files, list_run
from interfaces.runtime.run_folder import RunError, RunFolder
from interfaces.runtime.user_folder import user_folder


class PluginFolders(BaseModel):
    """The content of plugins.json."""

    folders: list[Path]


FOLDERS = TypeAdapter(PluginFolders)


def folders_of_config(config: Config, path: Path) -> list[Path]:
    """The folders of a new run with the configuration file or preset `path`; [] without a plugin.

    Raises ConfigError if there is no such file.
    """
    if not plugins_of(config):
        return []
    folder = find_config(path).resolve().parent
    return [*([] if folder == PRESETS.resolve() else [folder]), Path.cwd()]


def use_config_folders(config: Config, path: Path) -> list[Path]:
    """Let this process find the plugins of a configuration. Returns folders_of_config."""
    folders = folders_of_config(config, path)
    add_plugin_folders(folders)
    return folders


def write_plugin_folders(run: RunFolder, folders: list[Path]) -> None:
    """Write the folders of a new run into its folder; [] writes no file. Raises RunError."""
    if not folders:
        return
    try:
        write_json(run.plugin_folders, {"folders": [str(folder) for folder in folders]})
        list_run(run.path)  # it is known with this list
    except OSError as error:
        raise RunError(f"{run.plugin_folders}: {error.strerror or error}") from error


def use_plugin_folders(run: RunFolder) -> None:
    """Let this process find the plugins of a run, where its configuration names any.

    Raises RunError if the list of the folders cannot be read.
    """
    if code_files(run.path):  # what makes a run known does not cover compiled files in its folder
        sys.pycache_prefix = str(user_folder() / "compiled")
    try:
        content = read_json(run.plugin_folders, FOLDERS)
    except MissingFile:
        return
    except UnreadableFile as error:
        raise RunError(f"{error}; remove it") from error
    add_plugin_folders([*content.folders, Path.cwd()])
