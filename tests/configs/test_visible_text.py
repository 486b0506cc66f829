"""Control characters: refused in settings, escaped in what is shown."""

import sys
from pathlib import Path

import pytest
from loguru import logger

from configs.load import load_config
from configs.visible_text import visible
from interfaces.runtime.terminal import set_up_log
from tests.cli import here
from tests.configs.files import error_of, write

CONTROLS = [chr(code) for code in (*range(0x20), *range(0x7F, 0xA0))]
REORDERING = ["\u202a", "\u202e", "\u2066", "\u2069", "\u2028"]
SETTINGS = (
    "world.camera.source=VALUE",
    "world.osc.host=VALUE",
    "world.osc.interfaces=[VALUE]",
    "world.parameters=[VALUE]",
    "world.control.stop_key=VALUE",
    "world.standin.avatars=[{id: a, parameters: {VALUE: bool}}]",
    "reward.parameters={VALUE: 1.0}",
    "reward.terms={fun: {source: VALUE}}",
)


def quoted(text: str) -> str:
    """YAML of the text, in which every character is escaped."""
    return '"' + "".join(f"\\u{ord(each):04x}" for each in text) + '"'


@pytest.mark.parametrize("setting", SETTINGS)
def test_a_setting_with_a_control_character_is_refused(tmp_path: Path, setting: str) -> None:
    path = write(tmp_path, "seed: 1")
    for character in ("\x1b", "\n", "\t", "\r", "\x9b", "\u202e"):
        error = error_of(path, setting.replace("VALUE", quoted(f"a{character}b")))
        assert setting.partition("=")[0].split(".")[0] in error
        assert visible(error) == error


def test_every_control_character_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "seed: 1")
    for character in (*CONTROLS, *REORDERING):
        error = error_of(path, f"world.camera.source={quoted(f'x{character}y')}")
        assert "control character" in error


def test_a_chat_text_has_lines_but_no_escape_sequence(tmp_path: Path) -> None:
    path = write(tmp_path, "seed: 1")
    chat = "world.actions=[{name: Hi, kind: press, target: chat, text: VALUE}]"
    words = chat.replace("VALUE", quoted("one\ntwo\tthree"))
    assert load_config(path, [words]).world.actions[0].text == "one\ntwo\tthree"
    assert "control character" in error_of(path, chat.replace("VALUE", quoted("one\x1b[2Jtwo")))
    words = f"world.limits.introduction={quoted('one' + chr(10) + 'two')}"
    assert load_config(path, [words]).world.limits.introduction == "one\ntwo"


def test_what_is_shown_has_no_control_characters_but_line_ends_and_tabs() -> None:
    for character in (*CONTROLS, *REORDERING):
        if character not in "\n\t":
            shown = visible(f"a{character}b")
            assert shown.isprintable()
            assert shown.startswith("a\\")
    assert visible("夢 🌙 é\n\tאב") == "夢 🌙 é\n\tאב"


@pytest.mark.parametrize("words", ["evaluate NAME", "train NAME", "sessions info NAME"])
def test_a_name_in_an_error_is_escaped(words: str) -> None:
    errors = here(*words.replace("NAME", "\x1b[31mred\x9b\u202e").split(), code=2).errors
    assert "\\x1b[31mred\\x9b\\u202e" in "".join(errors.split())
    assert "\x9b" not in errors
    assert "\u202e" not in errors


def test_a_logged_name_makes_no_line_and_no_colour_of_its_own(
    capsys: pytest.CaptureFixture[str],
) -> None:
    set_up_log()
    try:
        logger.warning("the avatar {} has no senses", "x\n12:00:00 ERROR: \x1b[31mfake")
        line, *more = capsys.readouterr().err.splitlines()
    finally:
        logger.remove()
        logger.configure(patcher=lambda record: None)
        logger.add(sys.stderr)
    assert line.endswith("WARNING: the avatar x")
    assert more == ["    12:00:00 ERROR: \\x1b[31mfake has no senses"]
