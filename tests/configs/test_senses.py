"""Settings of the contacts: what is allowed, and what they clash with."""

from pathlib import Path

import pytest

from configs.errors import BadInput
from configs.load import dump_config, load_config


def contacts(tmp_path: Path, yaml: str):
    path = tmp_path / "mine.yaml"
    path.write_text(f"world:\n  contacts: {yaml}\n", encoding="utf-8")
    return load_config(path).world.contacts


def test_the_words_on_and_off_are_not_bools(tmp_path):
    for mode in ("off", "on", "auto"):
        config = contacts(tmp_path, f"{{mode: {mode}}}")
        assert config.mode == mode
        assert len(config.features) == (0 if mode == "off" else 8)
    path = tmp_path / "again.yaml"
    whole = load_config(Path("default"), ["world.contacts.mode=on"])
    path.write_text(dump_config(whole), encoding="utf-8")
    assert load_config(path) == whole


@pytest.mark.parametrize(
    ("yaml", "text"),
    [
        ("{count: 9}", "less than or equal to 8"),
        ("{count: 3}", "greater than or equal to 4"),
        ("{radius_m: 3.1}", "less than or equal to 3"),
        ("{name: Near}", "must contain {i} once"),
        ("{name: 'a#{i}'}", "not the name of an avatar parameter"),
        ("{mode: maybe}", "'off', 'on' or 'auto'"),
        ("{mode: on, name: 'HeadPat{i}'}\n  parameters: [HeadPat, HeadPat2]", "HeadPat2"),
    ],
)
def test_a_wrong_setting_is_named_with_what_is_allowed(tmp_path, yaml, text):
    with pytest.raises(BadInput) as error:
        contacts(tmp_path, yaml)
    assert text in str(error.value)


def test_other_worlds_have_no_contacts():
    with pytest.raises(BadInput, match="a world of kind gymnasium has none"):
        load_config(
            Path("dreamer"),
            ["world.kind=gymnasium", "world.id=Pendulum-v1", "world.contacts.mode=on"],
        )
