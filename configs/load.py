"""Loads a configuration: YAML files, then `key=value` overrides, then the checks of the schema."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from loguru import logger
from pydantic import ValidationError

from configs.loading.config_checksum import DELETE_LINE, with_checksum_line
from configs.loading.explain import ConfigError, explain
from configs.loading.extends import ConfigFiles, find_config, nulls_as_empty_sections, presets
from configs.loading.reference import json_schema, settings
from configs.loading.renamed_keys import with_new_keys
from configs.loading.tree import MAX_DEPTH, Dumper, InvalidYaml, Tree, merge, parse
from configs.loading.yaml_words import words_as_text
from configs.reading.busy_files import replace_file
from configs.schema import Config

__all__ = [
    "ConfigError",
    "dump_config",
    "dump_extending_config",
    "find_config",
    "json_schema",
    "load_config",
    "presets",
    "recorded_setting",
    "with_overrides",
    "write_config",
]


def load_config(
    path: Path,
    overrides: Sequence[str] = (),
    *,
    log_old_keys: bool = True,
    of_run: bool = False,
    edited: bool = False,
) -> Config:
    """Load the file or preset `path`, merged over what it extends, with `key.path=value` on top.

    Old names of keys are accepted, each with a line in the log unless `log_old_keys` is false.
    `of_run`: it is the config.yaml of a run, which is never empty. `edited`: its checksum may be
    wrong. Raises ConfigError, which lists every problem.
    """
    problems, notices = list[str](), list[str]()
    after_edit = f'run `python main.py trust "{path.parent}"`' if of_run else DELETE_LINE
    tree = ConfigFiles(problems, notices, None if edited else after_edit).read(path)
    if of_run and not tree.value and not problems:
        problems.append(f"{path}  holds no settings: the file is damaged")
    return _validated(tree, overrides, problems, notices if log_old_keys else None)


def with_overrides(config: Config, overrides: Sequence[str]) -> Config:
    """`config` with `key.path=value` on top. Raises ConfigError."""
    problems, notices = list[str](), list[str]()
    tree = parse(dump_config(config), "the given configuration", problems, lines=False)
    return _validated(tree, overrides, problems, notices)


def recorded_setting(text: str, path: str) -> Any:
    """The value of one setting in the YAML text of a recorded configuration.

    `path` is the present name; the text may use an old one. Raises KeyError if the text lacks the
    setting, ValueError if it is not YAML.
    """
    problems, notices = list[str](), list[str]()
    tree = parse(text, "the recorded configuration", problems, lines=False)
    (tree,) = with_new_keys([tree], problems, notices)
    node = tree.at(path.split("."))
    if node is None:
        raise KeyError(path)
    return node.plain()


def dump_extending_config(base: str, overrides: Sequence[str], values: dict[str, Any]) -> str:
    """YAML of a file that extends `base` by the overrides, and by `values` on top of them.

    load_config of the file equals load_config of `base` with the overrides and the values. Raises
    ConfigError.
    """
    problems = list[str]()
    tree = Tree({}, "")
    for override in _parse_overrides(overrides, problems, []):
        tree = merge(tree, override)
    own = parse(yaml.dump(values, Dumper=Dumper), "", problems, lines=False)
    if problems:
        raise ConfigError(problems)
    data = {"extends": base} | merge(tree, own).plain()
    return yaml.dump(data, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=100)


def dump_config(config: Config) -> str:
    """YAML of every setting; load_config of it gives an equal configuration."""
    data = config.model_dump(mode="json")
    return yaml.dump(data, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=100)


def write_config(config: Config, path: Path) -> None:
    """Write the whole file, with a checksum in its first line, or nothing. Raises OSError."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    temporary.unlink(missing_ok=True)
    try:
        with temporary.open("x", encoding="utf-8", newline="\n") as file:  # through no link
            file.write(with_checksum_line(dump_config(config)))
            file.flush()
            os.fsync(file.fileno())
        replace_file(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _validated(
    tree: Tree, overrides: Sequence[str], problems: list[str], notices: list[str] | None
) -> Config:
    """`notices`: lines to log about old keys; None logs nothing."""
    lines = [] if notices is None else notices
    for override in _parse_overrides(overrides, problems, lines):
        tree = merge(tree, override)
    if notices is not None:
        for line in lines:
            logger.warning("{}", line)
    tree = words_as_text(_without_nulls(tree, ""))
    try:
        # the strict mode for JSON: neither true nor "3" is a number, and a list becomes a tuple
        config = Config.model_validate_json(json.dumps(tree.plain()), strict=True)
    except ValidationError as error:
        raise ConfigError(problems + explain(error, tree, partial=bool(problems))) from None
    if problems:
        raise ConfigError(problems)
    return config


def _parse_overrides(
    overrides: Sequence[str], problems: list[str], notices: list[str]
) -> list[Tree]:
    """One tree for each override, in order, with new key names."""
    trees = [
        _parse_override(text, f"command line, override {number}", problems)
        for number, text in enumerate(overrides, 1)
    ]
    return [nulls_as_empty_sections(tree) for tree in with_new_keys(trees, problems, notices)]


def _parse_override(text: str, origin: str, problems: list[str]) -> Tree:
    key, equals, value = text.partition("=")
    steps = key.strip().split(".")
    if not equals or not all(steps) or len(steps) > MAX_DEPTH:
        problems.append(f"{origin}  {text[:200]}\n    write key.path=value, as in tick.hz=12")
        return Tree({}, origin)
    try:
        tree = parse(value, origin, problems, lines=False)
    except InvalidYaml as error:
        problems.append(f"{error}\n    in {text}")
        return Tree({}, origin)
    for step in reversed(steps):
        tree = Tree({step: tree}, origin)
    return tree


def _without_nulls(tree: Tree, path: str) -> Tree:
    """In a mapping with free names (`reward.parameters`), null removes an inherited name."""
    if not isinstance(tree.value, dict):
        return tree
    setting = settings().get(path)
    if setting is not None and setting.open:
        return Tree({k: v for k, v in tree.value.items() if v.value is not None}, tree.where)
    entries = tree.value.items()
    return Tree(
        {k: _without_nulls(v, f"{path}.{k}" if path else k) for k, v in entries}, tree.where
    )
