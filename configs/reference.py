"""Every setting as the schema describes it: for error messages, the editor and the manual."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from configs.schema import Config

ITEM = "N"  # stands for a list's index in a setting's path
_BOUNDS = {
    "exclusiveMinimum": "> {}",
    "minimum": ">= {}",
    "exclusiveMaximum": "< {}",
    "maximum": "<= {}",
    "multipleOf": "a multiple of {}",
    "minLength": "length >= {}",
    "maxLength": "length <= {}",
    "pattern": "matching {}",
    "minItems": "length >= {}",
    "maxItems": "length <= {}",
}
_TYPES = {"string": "text", "boolean": "true or false", "null": "null", "array": "list"}

Schema = Mapping[str, Any]


@dataclass(frozen=True)
class Setting:
    """One row of the manual. A section holds other settings; an open one has names of its own."""

    path: str
    allowed: str
    description: str
    default: str  # JSON; empty where there is none
    section: bool = False
    open: bool = False


def show(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


@cache
def settings() -> Mapping[str, Setting]:
    """By dotted path, in the schema's order; sections come before what they hold."""
    schema = Config.model_json_schema()
    return {found.path: found for found in _walk(schema, schema["$defs"], "")}


def _walk(schema: Schema, defs: Schema, path: str) -> Iterator[Setting]:
    whole = _resolve(schema, defs)
    description = str(whole.get("description", ""))
    default = show(whole["default"]) if "default" in whole else ""
    if "properties" in whole:
        allowed = f"a section of {', '.join(whole['properties'])}"
        yield Setting(path, allowed, description, default, section=True)
        for key, child in whole["properties"].items():
            yield from _walk(child, defs, f"{path}.{key}" if path else key)
        return
    is_open = whole.get("type") == "object"
    yield Setting(path, _allowed(whole, defs), description, default, open=is_open)
    if "items" in whole and "properties" in _resolve(whole["items"], defs):
        yield from _walk(whole["items"], defs, f"{path}.{ITEM}")


def _resolve(schema: Schema, defs: Schema) -> Schema:
    if "$ref" not in schema:
        return schema
    return {**defs[schema["$ref"].rsplit("/", 1)[1]], **schema}


def _allowed(schema: Schema, defs: Schema) -> str:
    schema = _resolve(schema, defs)
    if "anyOf" in schema:
        return " or ".join(_allowed(choice, defs) for choice in schema["anyOf"])
    if "enum" in schema or "const" in schema:
        return " or ".join(str(choice) for choice in schema.get("enum", [schema.get("const")]))
    if schema.get("type") == "object":
        values = _open_values(schema)
        return f"name: {_allowed(values, defs)}, ..." if values else "a section"
    kind = str(schema.get("type", "anything"))
    bounds = [text.format(schema[key]) for key, text in _BOUNDS.items() if key in schema]
    words = _TYPES.get(kind, kind)
    if "items" in schema:
        items = _resolve(schema["items"], defs)
        words += f" of {'sections' if 'properties' in items else f'({_allowed(items, defs)})'}"
    return " ".join([words, ", ".join(bounds)]).strip()


def _open_values(schema: Schema) -> Any:
    patterns = schema.get("patternProperties", {})
    return next(iter(patterns.values()), None) or schema.get("additionalProperties")


def json_schema() -> str:
    """JSON Schema of a configuration file, `extends` included, for editors."""
    schema = Config.model_json_schema()
    for model in (schema, *schema["$defs"].values()):
        for child in model.get("properties", {}).values():
            if "$ref" in child:
                child.pop("default", None)  # what it holds says its own
            if child.get("type") == "object":
                _allow_null(child)
    one = {"type": "string", "minLength": 1}
    extends = {
        "anyOf": [one, {"type": "array", "items": one}],
        "description": "a file, or files, this one is laid over; relative to this file",
    }
    schema["properties"] = {"extends": extends, **schema["properties"]}
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _allow_null(mapping: dict[str, Any]) -> None:
    """A null takes out a name that a file below put into an open mapping."""
    for name, values in mapping.get("patternProperties", {}).items():
        mapping["patternProperties"][name] = {"anyOf": [values, {"type": "null"}]}
    if isinstance(mapping.get("additionalProperties"), dict):
        mapping["additionalProperties"] = {
            "anyOf": [mapping["additionalProperties"], {"type": "null"}]
        }


def markdown_table() -> str:
    """The settings as Markdown: one table a top-level section."""
    blocks: dict[str, list[str]] = {}
    for setting in settings().values():
        if setting.section:
            continue
        top = setting.path.split(".")[0] if "." in setting.path else "Everything"
        default = f"`{_cell(setting.default)}`" if setting.default else "none: say it"
        blocks.setdefault(top, []).append(
            f"| `{setting.path}` | {default} | `{_cell(setting.allowed)}` "
            f"| {_cell(setting.description)} |"
        )
    head = "| setting | default | allowed | what it is |\n|---|---|---|---|\n"
    return "\n".join(
        f"### {top}\n\n{head}" + "\n".join(rows) + "\n" for top, rows in blocks.items()
    )


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
