"""Error messages: every problem with its place, the given value and advice."""

from pathlib import Path

import pytest

from tests.configs.files import error_of, write


def test_every_problem_is_listed_with_its_place(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "tick:\n  hz: 100\ndream:\n  horizen: 15\nseed: 1\nseed: 2\n"
        "world:\n  actions:\n  - kind: fly\n",
    )
    message = error_of(path, "seed=one", "tick.spin_ms").replace(str(path), "my.yaml")
    for part in (
        "configuration: 7 problems",
        "my.yaml:2:3  tick.hz = 100\n    should be less than or equal to 60\n"
        "    allowed: number >= 1, <= 60 (Ticks per second)",
        "my.yaml:4:3  dream.horizen = 15\n    unknown key; did you mean dream.horizon?",
        "my.yaml:6:1  seed\n    written twice; the first is at my.yaml:5:1",
        'my.yaml:9:5  world.actions.0.kind = "fly"',
        'command line, override 1  seed = "one"\n    should be a valid integer',
        "command line, override 2  tick.spin_ms\n    write key.path=value",
    ):
        assert part in message


def test_a_problem_in_a_parent_has_its_place_there(tmp_path: Path) -> None:
    write(tmp_path, "\n\ntick: {hz: -1}", "a.yaml")
    assert "a.yaml:3:8  tick.hz = -1" in error_of(write(tmp_path, "extends: a.yaml"))


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("tick.hertz", "tick.hz"),
        ("tick.hx", "tick.hz"),
        ("hz", "tick.hz"),
        ("horizon", "dream.horizon"),
        ("trainer.batch_size", "trainer.batch"),
        ("model.model_lr", "trainer.model_lr"),
        ("sed", "seed"),
        ("word.kind", "world"),  # the section is what is unknown
    ],
)
def test_the_nearest_key_is_suggested(empty: Path, given: str, meant: str) -> None:
    assert f"did you mean {meant}?" in error_of(empty, f"{given}=1")


def test_without_a_near_key_the_known_keys_are_listed(empty: Path) -> None:
    assert "known here: hz, spin_ms" in error_of(empty, "tick.qqqqqqqq=1")
    assert "known here: seed, device, method" in error_of(empty, "qqqqqqqq=1")


def test_a_dotted_key_and_a_misplaced_extends_get_advice(tmp_path: Path) -> None:
    assert "write it nested" in error_of(write(tmp_path, "tick.hz: 3"))
    assert "top of a file" in error_of(write(tmp_path, "world: {extends: a}"))
    assert "top of a file" in error_of(write(tmp_path, ""), "extends=default")


def test_an_item_of_a_list_is_named_by_its_index(tmp_path: Path) -> None:
    message = error_of(write(tmp_path, "world:\n  actions:\n  - {name: A}\n  - {nam: B}\n"))
    assert "my.yaml:4:6  world.actions.1.nam" in message
    assert "did you mean world.actions.1.name?" in message
    assert "my.yaml:4:5  world.actions.1.name: missing" in message
    assert "at least 1 item" not in message


def test_a_rule_between_settings_shows_the_place_of_each(empty: Path) -> None:
    message = error_of(empty, "world.parameters=[A]", "reward.parameters={B: 1}")
    assert "command line, override 2  reward.parameters.B = 1" in message
    assert 'and command line, override 1  world.parameters = ["A"]' in message


@pytest.mark.parametrize(
    "override",
    [
        "tick.hz=yes", "tick.hz='10'", "tick.hz=.nan", "tick.hz=.inf", "tick.hz=1e999", "tick.hz=",
        "seed=1.0", "seed=true", "seed=-1", "seed=2147483648", "seed=" + "9" * 5000, "seed=[1]",
        "world.camera.source=true", "world.camera.width=17", "world.parameters=HeadPat",
        "world.parameters=[HeadPat, HeadPat]", "world.parameters=[]", "world.actions=[]",
        "world.actions.0.rest=1", "reward.parameters={HeadPat: x}", "reward.parameters={a b: 1}",
        "device=gpu", "tick=3", "=3", "tick..hz=3", "tick.hz", "", "seed=&a [*a]", "seed=*a",
        "seed=!!python/object:os.system x", "seed=!!binary aa", "seed=!!bool x", "seed=!!float ''",
        'device="\\ud800"', 'device="\\UFFFFFFFF"', "seed={1: 2}", "seed={<<: {}}", "seed=[",
        "\ud800=1", "seed=\ud800", "seed=\x00", "seed=0x_", "seed=---\n1\n---\n2",
        "seed=" + "[" * 500, "a." * 5000 + "a=1", "model.min_std=1", "world.gymnasium.worlds=2",
    ],
)  # fmt: skip
def test_a_wrong_override_is_refused_with_its_place(empty: Path, override: str) -> None:
    message = error_of(empty, override)
    assert "command line, override 1" in message
    message.encode()  # prints everywhere


def test_after_100_problems_the_others_are_counted(tmp_path: Path) -> None:
    message = error_of(write(tmp_path, "\n".join(f"qq{i}: 1" for i in range(500))))
    assert message.count("unknown key") == 100
    assert "and 400 more" in message
