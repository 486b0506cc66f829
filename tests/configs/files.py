"""Configuration files, and the errors that they cause, for the tests of configs/."""

from pathlib import Path

import pytest

from configs.load import ConfigError, load_config

CONFIGS = Path(__file__).parents[2] / "configs"


def write(folder: Path, text: str, name: str = "my.yaml") -> Path:
    """Write a configuration file, with its folders."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")
    return path


def error_of(path: Path, *overrides: str) -> str:
    """The message with which a configuration is refused."""
    with pytest.raises(ConfigError) as caught:
        load_config(path, overrides)
    return str(caught.value)
