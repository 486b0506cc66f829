"""Reads a configuration: YAML with `extends:`, then `key=value` overrides, then the schema."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from configs.explain import ConfigError, explain
from configs.layers import Layers, filled, find_config, presets
from configs.reference import json_schema, settings
from configs.schema import Config
from configs.tree import MAX_DEPTH, Dumper, NotYaml, Tree, merge, parse

__all__ = [
    "ConfigError",
    "changed",
    "dump_config",
    "dump_layer",
    "find_config",
    "json_schema",
    "load_config",
    "presets",
    "write_config",
]


def load_config(path: Path, overrides: Sequence[str] = ()) -> Config:
    """The frozen configuration of `path` and what it extends, with `key.path=value` on top.

    `path` may be the name of a preset. Raises ConfigError, which lists every problem found.
    """
    problems: list[str] = []
    return _validated(Layers(problems).read(path), overrides, problems)


def changed(config: Config, overrides: Sequence[str]) -> Config:
    """`config` with `key.path=value` on top. Raises ConfigError."""
    problems: list[str] = []
    tree = parse(dump_config(config), "the configuration given", problems, lines=False)
    return _validated(tree, overrides, problems)


def dump_layer(base: str, overrides: Sequence[str], found: dict[str, Any]) -> str:
    """YAML of a file that extends `base`: the overrides, and `found` on top of them.

    load_config of it is load_config of `base` with the overrides and what was found. Raises
    ConfigError.
    """
    problems: list[str] = []
    tree = Tree({}, "")
    for text in overrides:
        tree = merge(tree, _override(text, "command line", problems))
    own = parse(yaml.dump(found, Dumper=Dumper), "", problems, lines=False)
    if problems:
        raise ConfigError(problems)
    data = {"extends": base} | merge(tree, own).plain()
    return yaml.dump(data, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=100)


def _validated(tree: Tree, overrides: Sequence[str], problems: list[str]) -> Config:
    for number, text in enumerate(overrides, 1):
        override = _override(text, f"command line, override {number}", problems)
        tree = merge(tree, override)
    tree = _without_nulls(tree, "")
    try:
        # JSON's strict mode: true is no number, "3" is no number, a list is a tuple
        config = Config.model_validate_json(json.dumps(tree.plain()), strict=True)
    except ValidationError as error:
        raise ConfigError(problems + explain(error, tree, partial=bool(problems))) from None
    if problems:
        raise ConfigError(problems)
    return config


def _override(text: str, origin: str, problems: list[str]) -> Tree:
    key, equals, value = text.partition("=")
    steps = key.strip().split(".")
    if not equals or not all(steps) or len(steps) > MAX_DEPTH:
        problems.append(f"{origin}  {text[:200]}\n    write key.path=value, as in beat.hz=12")
        return Tree({}, origin)
    try:
        tree = parse(value, origin, problems, lines=False)
    except NotYaml as error:
        problems.append(f"{error}\n    in {text}")
        return Tree({}, origin)
    for step in reversed(steps):
        tree = Tree({step: tree}, origin)
    return filled(tree, "")


def _without_nulls(tree: Tree, path: str) -> Tree:
    """In a mapping of free names (`reward.parameters`), null takes out what a file below put in."""
    if not isinstance(tree.value, dict):
        return tree
    setting = settings().get(path)
    if setting is not None and setting.open:
        return Tree({k: v for k, v in tree.value.items() if v.value is not None}, tree.where)
    entries = tree.value.items()
    return Tree(
        {k: _without_nulls(v, f"{path}.{k}" if path else k) for k, v in entries}, tree.where
    )


def dump_config(config: Config) -> str:
    """YAML of every setting; load_config of it gives the same configuration."""
    data = config.model_dump(mode="json")
    return yaml.dump(data, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=100)


def write_config(config: Config, path: Path) -> None:
    """Writes the whole file or none of it. Raises OSError."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("w", encoding="utf-8", newline="\n") as file:
            file.write(dump_config(config))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
