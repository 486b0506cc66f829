"""Numbers in base 8 and 60 are refused with what to write; yes, no, on and off may be words."""

from pathlib import Path

import pytest

from configs.load import ConfigError, load_config
from configs.loading.misread_numbers import misread_number
from configs.loading.tree import parse

BASE_8, BASE_60 = "YAML reads this in base 8, as", "YAML reads this in base 60, as"


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("5:30", f'{BASE_60} 330: write 5.5 or 330, or "5:30" for text'),
        ("-1:30", f"{BASE_60} -90: write -1.5 or -90, "),
        ("1:30:00", f"{BASE_60} 5400: write 1.5 or 90 or 5400, "),
        ("1:30.5", f"{BASE_60} 90.5: write 1.508333333 or 90.5, "),
        ("010", f'{BASE_8} 8: write 10 or 8, or "010" for text'),
        ("-0_17", f"{BASE_8} -15: write -17 or -15, "),
        ("0" * 30 + "10", "YAML reads this in base 8: write it without a zero in front"),
        ("1" + ":30" * 9, "YAML reads this in base 60: write a number without colons"),
    ],
)
def test_a_number_in_another_base_is_named_with_what_to_write(text, advice):
    problems = []
    parse(f"a: {text}", "f.yaml", problems)
    assert len(problems) == 1
    assert problems[0].startswith(f"f.yaml:1:1  a = {text[:60]}\n    {advice}")


@pytest.mark.parametrize("text", ["10", "0", "007", "0.5", "1e-3", "0x10", "100_000", '"010"'])
def test_other_numbers_and_texts_are_read(text):
    problems = []
    parse(f"a: {text}", "f.yaml", problems)
    assert problems == []


@pytest.mark.parametrize("text", ["09", "1:75", "12:30:99", "2026-11-30", "'5:30'"])
def test_what_yaml_reads_as_text_stays_text(text):
    assert isinstance(parse(f"a: {text}", "f.yaml", []).plain()["a"], str)
    assert misread_number("1", True) == ""


def test_every_place_is_listed_and_an_override_too(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text(
        "extends: tiny\nsession: {minutes: 5:30}\nworld:\n  parameters:\n  - HeadPat\n  - 1:00\n",
        encoding="utf-8",
    )
    with pytest.raises(ConfigError) as caught:
        load_config(path, ["tick.hz=012"])
    text = str(caught.value)
    assert f"{path}:2:11  minutes = 5:30\n    {BASE_60} 330: write 5.5 or 330" in text
    assert f"{path}:6:5  1:00\n    {BASE_60} 60: write 1 or 60" in text
    assert f"command line, override 1  012\n    {BASE_8} 10: write 12 or 10" in text


def test_yes_no_on_and_off_are_words_where_no_bool_is_allowed(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text(
        "extends: tiny\n"
        "world:\n"
        "  rays: {mode: on}\n"
        "  contacts:\n    mode: Off\n"
        "  osc: {oscquery: no}\n"
        "  camera: {source: No}\n"
        "  parameters: [HeadPat, yes]\n",
        encoding="utf-8",
    )
    config = load_config(path)
    assert (config.world.rays.mode, config.world.contacts.mode) == ("on", "off")
    assert config.world.osc.oscquery is False
    assert config.world.camera.source == "No"
    assert config.world.parameters == ("HeadPat", "yes")
    assert load_config(path, ["world.rays.mode=off"]).world.rays.mode == "off"


def test_a_word_where_a_number_is_allowed_is_shown_as_written():
    with pytest.raises(ConfigError, match=r'tick.hz = "off"\n +should be a valid number'):
        load_config(Path("tiny"), ["tick.hz=off"])
