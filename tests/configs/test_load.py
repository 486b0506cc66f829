"""Configuration files: what they mean, and what is said when they are wrong."""

import contextlib
import json
import os
import random
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError
from typer.testing import CliRunner

from configs.commands import MANUAL, app, with_table
from configs.load import (
    ConfigError,
    dump_config,
    json_schema,
    load_config,
    presets,
    write_config,
)
from configs.reference import markdown_table, settings
from configs.schema import Config

CONFIGS = Path(__file__).parents[2] / "configs"


def write(folder: Path, text: str, name: str = "my.yaml") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")
    return path


def refusal(path: Path, *overrides: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load_config(path, overrides)
    return str(caught.value)


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    return write(tmp_path, "", "empty.yaml")


# --- what a file means


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "beat:\n  # hz: 3\n", "{}", "\ufeff"])
def test_a_file_that_says_nothing_is_the_defaults(tmp_path: Path, text: str) -> None:
    assert load_config(write(tmp_path, text)) == Config()


def test_the_result_is_frozen() -> None:
    config = load_config(Path("default"))
    with pytest.raises(ValidationError):
        config.beat.hz = 3.0  # type: ignore[misc]


@pytest.mark.parametrize("text", ["1e-3", "1E-3", "+1.e-3", "0.001", "1_0e-4"])
def test_exponents_are_numbers(empty: Path, text: str) -> None:
    assert load_config(empty, [f"trainer.model_lr={text}"]).trainer.model_lr == 1e-3


def test_text_stays_text(empty: Path) -> None:
    for text in ("'1e-3'", "2020-01-01", "カメラ", "'0'", "http://a/b?c=d"):
        source = load_config(empty, [f"world.camera.source={text}"]).world.camera.source
        assert source == text.strip("'")
    assert load_config(empty, ["world.camera.source=0"]).world.camera.source == 0


def test_overrides_win_over_the_file_and_the_last_one_wins(tmp_path: Path) -> None:
    path = write(tmp_path, "beat: {hz: 5, spin_ms: 2}")
    config = load_config(path, ["beat.hz=6", "beat={hz: 7}", "beat.hz=8", " seed =3"])
    assert (config.beat.hz, config.beat.spin_ms, config.seed) == (8.0, 2.0, 3)


def test_overrides_read_yaml(empty: Path) -> None:
    config = load_config(empty, ["world.parameters=[HeadPat, Grounded]", "world.osc.host=a=b"])
    assert config.world.parameters == ("HeadPat", "Grounded")
    assert config.world.osc.host == "a=b"


# --- extends


def test_extends_merges_sections_and_replaces_lists(tmp_path: Path) -> None:
    write(tmp_path, "beat: {hz: 3, spin_ms: 1}\nworld: {parameters: [HeadPat, A]}", "a.yaml")
    write(tmp_path, "extends: ../a.yaml\nbeat: {hz: 4}\nseed: 1", "sub/b.yaml")
    path = write(tmp_path, "extends: sub/b.yaml\nseed: 2\nworld: {parameters: [HeadPat]}\nbeat:\n")
    config = load_config(path)
    assert (config.beat.hz, config.beat.spin_ms, config.seed) == (4.0, 1.0, 2)
    assert config.world.parameters == ("HeadPat",)


def test_extends_takes_a_list_later_over_earlier_and_a_diamond(tmp_path: Path) -> None:
    write(tmp_path, "seed: 1\nbeat: {hz: 3}", "base.yaml")
    write(tmp_path, "extends: base.yaml\nseed: 2", "a.yaml")
    write(tmp_path, "extends: base.yaml\nbeat: {spin_ms: 2}", "b.yaml")
    config = load_config(write(tmp_path, "extends: [a.yaml, b.yaml]"))
    assert (config.seed, config.beat.hz, config.beat.spin_ms) == (1, 3.0, 2.0)


def test_extends_finds_presets_by_name(tmp_path: Path) -> None:
    for name in ("vrchat", "vrchat.yaml"):
        assert load_config(write(tmp_path, f"extends: {name}")).world.kind == "vrchat"


@pytest.mark.parametrize("name", ["records", "dreamer", "dreamerv3", "dreamerv3-small"])
def test_a_way_of_learning_is_the_same_on_top_of_the_default(tmp_path: Path, name: str) -> None:
    """As docs/sessions.md has it: extends: [vrchat.yaml, records.yaml]."""
    alone = load_config(Path(name))
    layered = load_config(write(tmp_path, f"extends: [vrchat.yaml, {name}.yaml]"))
    for section in ("model", "dream", "actor", "critic", "trainer"):
        assert getattr(layered, section) == getattr(alone, section), section


def test_null_takes_a_free_name_out(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "extends: default\nworld: {parameters: [Hug]}\n"
        "reward: {parameters: {HeadPat: null, Hug: 2}}",
    )
    assert load_config(path).reward.parameters == {"Hug": 2.0}


def test_a_cycle_says_its_links(tmp_path: Path) -> None:
    write(tmp_path, "seed: 1\nextends: my.yaml", "a.yaml")
    said = refusal(write(tmp_path, "extends: a.yaml"))
    assert "a.yaml:2:1  extends" in said
    assert said.index("my.yaml -> ") < said.index("a.yaml -> ") < said.rindex("my.yaml")
    assert "extends itself" in refusal(write(tmp_path, "extends: me.yaml", "me.yaml"))


def test_a_chain_without_end_and_a_wide_one_end(tmp_path: Path) -> None:
    for index in range(60):
        write(tmp_path, f"extends: {index + 1}.yaml", f"{index}.yaml")
    assert "more than 32" in refusal(tmp_path / "0.yaml")
    for index in range(30):  # 2**30 readings, were each not read once
        write(tmp_path, f"extends: [w{index + 1}.yaml, w{index + 1}.yaml]", f"w{index}.yaml")
    assert load_config(write(tmp_path, "seed: 4", "w30.yaml").with_name("w0.yaml")).seed == 4


def test_a_missing_parent_is_said_where_it_is_asked_for(tmp_path: Path) -> None:
    said = refusal(write(tmp_path, "seed: 1\nextends: nowhere.yaml\nworld: {kind: vrchat}"))
    assert "my.yaml:2:1  extends" in said
    assert "no such file" in said
    assert "presets there are: default, dreamer, " in said
    assert "osc.send_port" not in said  # the missing file may have said it


@pytest.mark.parametrize("value", ["3", "{a: b}", "[1]", "''"])
def test_extends_must_name_files(tmp_path: Path, value: str) -> None:
    assert "a file's name, or a list" in refusal(write(tmp_path, f"extends: {value}"))


# --- what is said


def test_every_problem_is_listed_with_its_place(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "beat:\n  hz: 100\ndream:\n  horizen: 15\nseed: 1\nseed: 2\n"
        "world:\n  actions:\n  - kind: fly\n",
    )
    said = refusal(path, "seed=one", "beat.spin_ms").replace(str(path), "my.yaml")
    for part in (
        "configuration: 7 problems",
        "my.yaml:2:3  beat.hz = 100\n    should be less than or equal to 60\n"
        "    allowed: number >= 1, <= 60 (acting steps per second)",
        "my.yaml:4:3  dream.horizen = 15\n    unknown key; did you mean dream.horizon?",
        "my.yaml:6:1  seed\n    written twice; the first is at my.yaml:5:1",
        'my.yaml:9:5  world.actions.0.kind = "fly"',
        'command line, override 1  seed = "one"\n    should be a valid integer',
        "command line, override 2  beat.spin_ms\n    write key.path=value",
    ):
        assert part in said


def test_a_problem_in_a_parent_is_placed_there(tmp_path: Path) -> None:
    write(tmp_path, "\n\nbeat: {hz: -1}", "a.yaml")
    assert "a.yaml:3:8  beat.hz = -1" in refusal(write(tmp_path, "extends: a.yaml"))


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("beat.hertz", "beat.hz"),
        ("beat.hx", "beat.hz"),
        ("hz", "beat.hz"),
        ("horizon", "dream.horizon"),
        ("trainer.batch_size", "trainer.batch"),
        ("model.model_lr", "trainer.model_lr"),
        ("sed", "seed"),
        ("word.kind", "world"),  # the section is what is unknown
    ],
)
def test_the_nearest_key_is_offered(empty: Path, given: str, meant: str) -> None:
    assert f"did you mean {meant}?" in refusal(empty, f"{given}=1")


def test_nothing_near_lists_what_is_there(empty: Path) -> None:
    assert "known here: hz, spin_ms" in refusal(empty, "beat.qqqqqqqq=1")
    assert "known here: seed, device, method" in refusal(empty, "qqqqqqqq=1")


def test_dotted_keys_and_misplaced_extends_get_advice(tmp_path: Path) -> None:
    assert "write it nested" in refusal(write(tmp_path, "beat.hz: 3"))
    assert "top of a file" in refusal(write(tmp_path, "world: {extends: a}"))
    assert "top of a file" in refusal(write(tmp_path, ""), "extends=default")


def test_an_item_of_a_list_is_named_by_its_index(tmp_path: Path) -> None:
    said = refusal(write(tmp_path, "world:\n  actions:\n  - {name: A}\n  - {nam: B}\n"))
    assert "my.yaml:4:6  world.actions.1.nam" in said
    assert "did you mean world.actions.1.name?" in said
    assert "my.yaml:4:5  world.actions.1.name: missing" in said
    assert "at least 1 item" not in said


def test_a_rule_between_settings_shows_each_of_them(empty: Path) -> None:
    said = refusal(empty, "world.parameters=[A]", "reward.parameters={B: 1}")
    assert "command line, override 2  reward.parameters.B = 1" in said
    assert 'and command line, override 1  world.parameters = ["A"]' in said


@pytest.mark.parametrize(
    "override",
    [
        "beat.hz=yes", "beat.hz='10'", "beat.hz=.nan", "beat.hz=.inf", "beat.hz=1e999", "beat.hz=",
        "seed=1.0", "seed=true", "seed=-1", "seed=2147483648", "seed=" + "9" * 5000, "seed=[1]",
        "world.camera.source=true", "world.camera.width=17", "world.parameters=HeadPat",
        "world.parameters=[HeadPat, HeadPat]", "world.parameters=[]", "world.actions=[]",
        "world.actions.0.rest=1", "reward.parameters={HeadPat: x}", "reward.parameters={a b: 1}",
        "device=gpu", "beat=3", "=3", "beat..hz=3", "beat.hz", "", "seed=&a [*a]", "seed=*a",
        "seed=!!python/object:os.system x", "seed=!!binary aa", "seed=!!bool x", "seed=!!float ''",
        'device="\\ud800"', 'device="\\UFFFFFFFF"', "seed={1: 2}", "seed={<<: {}}", "seed=[",
        "\ud800=1", "seed=\ud800", "seed=\x00", "seed=0x_", "seed=---\n1\n---\n2",
        "seed=" + "[" * 500, "a." * 5000 + "a=1", "model.min_std=1", "world.gymnasium.worlds=2",
    ],
)  # fmt: skip
def test_surprises_are_refused_and_placed(empty: Path, override: str) -> None:
    said = refusal(empty, override)
    assert "command line, override 1" in said
    said.encode()  # prints everywhere


# --- files that are no configuration


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"a: [1\nb: 2", ":2:"),
        (b"a:\n\t- x", ":2:1"),
        (b"- a\n- b", "not a mapping"),
        (b"just text", "not a mapping"),
        ("seed: 1\nx: é".encode("latin-1"), "my.yaml:2  not UTF-8"),
        ("seed: 1".encode("utf-16"), "not UTF-8"),
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
def test_what_is_no_configuration_is_said(tmp_path: Path, content: bytes, part: str) -> None:
    path = tmp_path / "my.yaml"
    path.write_bytes(content)
    said = refusal(path)
    assert part in said
    assert "my.yaml" in said


def test_an_alias_bomb_is_refused(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]
    assert "more than 10000 values" in refusal(write(tmp_path, "\n".join(lines)))


def test_an_alias_is_fine(tmp_path: Path) -> None:
    path = write(tmp_path, "world: {camera: {width: &side 32, height: *side}}")
    assert load_config(path).world.camera.height == 32


def test_garbage_never_gets_through(tmp_path: Path) -> None:
    rng = random.Random(0)
    alphabet = [*"abc:-[]{}\"'\n  \t#&*!|>%@`0123456789.~\\\0", "beat", "hz", "seed", "夢"]
    path = tmp_path / "my.yaml"
    for _ in range(300):
        path.write_bytes("".join(rng.choices(alphabet, k=rng.randrange(40))).encode())
        with contextlib.suppress(ConfigError):  # and nothing else
            load_config(path)


def test_many_problems_are_counted(tmp_path: Path) -> None:
    said = refusal(write(tmp_path, "\n".join(f"qq{i}: 1" for i in range(500))))
    assert said.count("unknown key") == 100
    assert "and 400 more" in said


def test_folders_and_missing_files_are_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "a directory" in refusal(tmp_path)
    assert "presets there are" in refusal(tmp_path / "no.yaml")
    assert "no such file" in refusal(Path("nothing"))
    refusal(Path("a" * 5000))
    refusal(Path("a\0b"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "vrchat").mkdir()
    assert load_config(Path("vrchat")).world.kind == "vrchat"  # a folder is no configuration
    write(tmp_path, "seed: 9", "default.yaml")
    assert load_config(Path("default.yaml")).seed == 9  # a file comes before the preset


def test_japanese_paths_and_names(tmp_path: Path) -> None:
    write(tmp_path, "beat: {hz: 3}", "夢/基本.yaml")
    path = write(
        tmp_path,
        "extends: 基本.yaml\nworld: {parameters: [撫でる]}\nreward: {parameters: {撫でる: 1}}\n",
        "夢/私の設定.yaml",
    )
    config = load_config(path)
    assert config.world.parameters == ("撫でる",)
    assert "撫でる" in dump_config(config)
    write_config(config, path)
    assert load_config(path) == config
    assert "夢 = 1" in refusal(path, "夢=1")
    assert "私の設定.yaml:1:1  夢" in refusal(write(tmp_path, "夢: 1", "私の設定.yaml"))


# --- round trip


@pytest.mark.parametrize("name", presets())
def test_every_preset_loads_and_survives_a_round_trip(name: str, tmp_path: Path) -> None:
    config = load_config(Path(name))
    assert load_config(write(tmp_path, dump_config(config))) == config
    first = (CONFIGS / f"{name}.yaml").read_text(encoding="utf-8").splitlines()[0]
    assert first == "# yaml-language-server: $schema=./yume.schema.json"


@pytest.mark.parametrize(
    "text", ["1e-3", "yes", "null", "~", "0", "0x1f", "1_0", "2020-01-01", "", " a", "a: b #c",
             "'\"", "\\", "\n", "夢\u2028x", "\x07", "=", "<<", "🌙", "1:30", "\x85", "- a"],
)  # fmt: skip
def test_any_text_and_number_survives_a_round_trip(tmp_path: Path, text: str) -> None:
    world = {"standin": {"speaker": text}}
    config = Config.model_validate(
        {"world": world, "trainer": {"model_lr": 1.1e-17, "clip": 1e9}, "actor": {"entropy": 0.1}}
    )
    path = tmp_path / "my.yaml"
    write_config(config, path)
    assert load_config(path) == config


def test_dump_says_every_setting(tmp_path: Path) -> None:
    assert yaml.safe_load(dump_config(Config())) == json.loads(Config().model_dump_json())


def test_a_failed_write_leaves_the_old_file_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path, "seed: 1")

    def fail(descriptor: int) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        write_config(Config(), path)
    assert [p.name for p in tmp_path.iterdir()] == ["my.yaml"]
    assert load_config(path).seed == 1


# --- presets, schema, manual


def test_default_yaml_says_the_defaults_and_tiny_is_tiny() -> None:
    rates = {"recent": 0.0, "policy_lr": 1e-4, "value_lr": 1e-3}
    since = {  # older runs lack them
        "model": {"normalize": True},
        "actor": {"entropy": 3e-3, "cloning": 0.1},
        "critic": {"slow_weight": 1.0, "replay_weight": 1.0},
        "trainer": {"precision": 10.0, "overshoot": 3.0, **rates},
    }
    assert load_config(Path("default")) == Config.model_validate(since)
    tiny = load_config(Path("tiny"))
    assert (tiny.world.camera.width, tiny.model.deter, tiny.trainer.batch) == (32, 32, 4)
    osc = load_config(Path("vrchat.yaml")).world.osc
    assert osc.oscquery


def keys_in_schema(value: Any, schema: Any, defs: Any) -> None:
    """Every key of `value` is a property of `schema`."""
    schema = defs[schema["$ref"].rsplit("/", 1)[1]] if "$ref" in schema else schema
    if isinstance(value, dict) and "properties" in schema:
        for key, child in value.items():
            keys_in_schema(child, schema["properties"][key], defs)


@pytest.mark.parametrize("name", presets())
def test_editors_accept_the_presets(name: str) -> None:
    schema = json.loads(json_schema())
    value = yaml.safe_load((CONFIGS / f"{name}.yaml").read_text(encoding="utf-8"))
    keys_in_schema(value, schema, schema["$defs"])


def test_editors_judge_as_we_do() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads(json_schema())
    jsonschema.Draft202012Validator.check_schema(schema)
    judge = jsonschema.Draft202012Validator(schema)
    for name in presets():
        text = (CONFIGS / f"{name}.yaml").read_text(encoding="utf-8")
        assert judge.is_valid(yaml.safe_load(text)), name
    assert judge.is_valid({"extends": ["a", "b"], "reward": {"parameters": {"HeadPat": None}}})
    for wrong in ({"beat": {"hz": 0}}, {"beat": {"hertz": 1}}, {"extends": 3}, {"seed": "a"}):
        assert not judge.is_valid(wrong), wrong


def test_generated_files_are_up_to_date() -> None:
    """Otherwise: config schema --out configs/yume.schema.json, and config docs."""
    assert (CONFIGS / "yume.schema.json").read_text(encoding="utf-8") == json_schema()
    page = MANUAL.read_text(encoding="utf-8")
    assert page == with_table(page)


def test_the_manual_has_every_setting() -> None:
    table = markdown_table()
    assert all(f"| `{path}` |" in table for path, found in settings().items() if not found.section)


# --- commands


def test_show_prints_what_will_be_used(tmp_path: Path) -> None:
    shown = CliRunner().invoke(app, ["show", "tiny", "beat.hz=3"])
    assert shown.exit_code == 0
    assert shown.stdout == dump_config(load_config(Path("tiny"), ["beat.hz=3"]))
    assert "hz: 4.0" in CliRunner().invoke(app, ["show", "beat.hz=4"]).stdout
    odd = write(tmp_path, "seed: 7", "a=b.yaml")
    assert "seed: 7" in CliRunner().invoke(app, ["show", str(odd)]).stdout


def test_wrong_files_exit_2_without_a_traceback(tmp_path: Path) -> None:
    shown = CliRunner().invoke(app, ["show", "beat.hz=0"])
    assert (shown.exit_code, shown.stdout) == (2, "")
    assert "beat.hz = 0" in shown.stderr
    wrong = write(tmp_path, "sed: 1")
    checked = CliRunner().invoke(app, ["check", "default", str(wrong), "tiny"])
    assert checked.exit_code == 2
    assert checked.stdout == "ok  default\nok  tiny\n"
    assert "did you mean seed?" in checked.stderr
    assert CliRunner().invoke(app, ["check"]).stdout.count("ok  ") == len(presets())


def test_schema_and_docs_write(tmp_path: Path) -> None:
    assert CliRunner().invoke(app, ["schema"]).stdout == json_schema()
    out = tmp_path / "s.json"
    assert CliRunner().invoke(app, ["schema", "--out", str(out)]).exit_code == 0
    assert out.read_text(encoding="utf-8") == json_schema()
    assert CliRunner().invoke(app, ["schema", "--out", str(tmp_path)]).exit_code == 2
    page = write(tmp_path, MANUAL.read_text(encoding="utf-8").replace("beat.hz", "beat.old"))
    assert CliRunner().invoke(app, ["docs", "--out", str(page)]).exit_code == 0
    assert "| `beat.hz` |" in page.read_text(encoding="utf-8")
    assert CliRunner().invoke(app, ["docs", "--out", str(out)]).exit_code == 2
