"""YAML: what is not a configuration is refused, with its place and without a crash."""

import contextlib
import random
from pathlib import Path

import pytest

from configs.load import ConfigError, load_config
from tests.configs.files import error_of, write


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"a: [1\nb: 2", ":2:"),
        (b"a:\n\t- x", ":2:1"),
        (b"- a\n- b", "not a mapping"),
        (b"just text", "not a mapping"),
        ("seed: 1\nx: é".encode("latin-1"), "my.yaml:2  not UTF-8"),
        ("seed: 1".encode("utf-16") + b"a", "my.yaml:1  not UTF-16"),
        (b"\x00\x01\x02\x03", "not YAML"),
        (b"\x7fELF\x02\x01", "not YAML"),
        (b"%YAML 9.9\n---\na: 1", "not YAML"),
        (b"a: 1\n---\nb: 2", "not YAML"),
        (b"<<: {seed: 1}", "use extends"),
        (b"1: 2", "in quotes"),
        (b"? [a]\n: 1", "in quotes"),
        (b"a: &a\n  b: *a", "levels"),
        (b"{" * 500, "nested too deeply"),
        (b"#" * 300_000, "larger than 256 KiB"),
        (b"seed: !!set {}", "tag !!set"),
    ],
)
def test_a_file_that_is_not_a_configuration_is_refused(
    tmp_path: Path, content: bytes, part: str
) -> None:
    path = tmp_path / "my.yaml"
    path.write_bytes(content)
    message = error_of(path)
    assert part in message
    assert "my.yaml" in message


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_file_of_notepad_or_powershell_is_read(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "夢.yaml"
    path.write_bytes("# 夢\r\nseed: 12\r\n".encode(encoding))
    assert load_config(path).seed == 12


def test_an_alias_bomb_is_refused(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]
    assert "more than 10000 values" in error_of(write(tmp_path, "\n".join(lines)))


def test_an_alias_is_resolved(tmp_path: Path) -> None:
    path = write(tmp_path, "world: {camera: {width: &side 32, height: *side}}")
    assert load_config(path).world.camera.height == 32


def test_random_bytes_raise_nothing_but_config_errors(tmp_path: Path) -> None:
    rng = random.Random(0)
    alphabet = [*"abc:-[]{}\"'\n  \t#&*!|>%@`0123456789.~\\\0", "tick", "hz", "seed", "夢"]
    path = tmp_path / "my.yaml"
    for _ in range(300):
        path.write_bytes("".join(rng.choices(alphabet, k=rng.randrange(40))).encode())
        with contextlib.suppress(ConfigError):  # and nothing else
            load_config(path)
