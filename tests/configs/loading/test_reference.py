"""The JSON Schema and the table of settings agree with the schema and the presets."""

import json
from typing import Any

import pytest
import yaml

from configs.commands import MANUAL, with_table
from configs.load import json_schema, presets
from configs.loading.reference import markdown_table, settings
from tests.configs.files import CONFIGS


def keys_in_schema(value: Any, schema: Any, defs: Any) -> None:
    """Every key of `value` is a property of `schema`."""
    schema = defs[schema["$ref"].rsplit("/", 1)[1]] if "$ref" in schema else schema
    if isinstance(value, dict) and "properties" in schema:
        for key, child in value.items():
            keys_in_schema(child, schema["properties"][key], defs)


@pytest.mark.parametrize("name", presets())
def test_every_key_of_a_preset_is_in_the_json_schema(name: str) -> None:
    schema = json.loads(json_schema())
    value = yaml.safe_load((CONFIGS / f"{name}.yaml").read_text(encoding="utf-8"))
    keys_in_schema(value, schema, schema["$defs"])


def test_the_json_schema_accepts_and_refuses_as_the_loader_does() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads(json_schema())
    jsonschema.Draft202012Validator.check_schema(schema)
    judge = jsonschema.Draft202012Validator(schema)
    for name in presets():
        text = (CONFIGS / f"{name}.yaml").read_text(encoding="utf-8")
        assert judge.is_valid(yaml.safe_load(text)), name
    assert judge.is_valid({"extends": ["a", "b"], "reward": {"parameters": {"HeadPat": None}}})
    for wrong in ({"tick": {"hz": 0}}, {"tick": {"hertz": 1}}, {"extends": 3}, {"seed": "a"}):
        assert not judge.is_valid(wrong), wrong


def test_generated_files_are_up_to_date() -> None:
    """Otherwise: config schema --out configs/yume.schema.json, and config docs."""
    assert (CONFIGS / "yume.schema.json").read_text(encoding="utf-8") == json_schema()
    page = MANUAL.read_text(encoding="utf-8")
    assert page == with_table(page)


def test_the_table_has_every_setting() -> None:
    table = markdown_table()
    assert all(f"| `{path}` |" in table for path, found in settings().items() if not found.section)
