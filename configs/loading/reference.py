"""Describes every setting from the schema: for error messages, editors and the manual."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from configs.methods.rules import method_notes
from configs.schema import Config

ITEM = "N"  # in the path of a setting, stands for the index in a list
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
    """One setting or section, by its dotted `path`.

    `default`: JSON, or "" without a default. `section`: it holds other settings. `open`: it is a
    mapping whose names the user chooses.
    """

    path: str
    allowed: str
    description: str
    default: str
    section: bool = False
    open: bool = False

    @property
    def summary(self) -> str:
        """The first sentence of the description, without its full stop."""
        return self.description.split(". ")[0].removesuffix(".")


def to_json(value: object) -> str:
    """One line of JSON, in which non-ASCII text stays readable."""
    return json.dumps(value, ensure_ascii=False)


@cache
def settings() -> Mapping[str, Setting]:
    """Every setting by dotted path, in the order of the schema; a section before its settings."""
    schema = _config_schema()
    return {setting.path: setting for setting in _walk(schema, schema["$defs"], "")}


def _config_schema() -> dict[str, Any]:
    """The schema of Config; descriptions say which methods need or ignore a setting."""
    schema = Config.model_json_schema()
    for path, note in method_notes().items():
        *sections, key = path.split(".")
        model: Any = schema
        for section in sections:
            model = schema["$defs"][model["properties"][section]["$ref"].rsplit("/", 1)[1]]
        child = model["properties"][key]
        child["description"] = f"{child['description']} {note}"
    return schema


def _walk(schema: Schema, defs: Schema, path: str) -> Iterator[Setting]:
    whole = _resolve(schema, defs)
    description = str(whole.get("description", ""))
    default = to_json(whole["default"]) if "default" in whole else ""
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
    schema = _config_schema()
    for model in (schema, *schema["$defs"].values()):
        for child in model.get("properties", {}).values():
            if "$ref" in child:
                child.pop("default", None)  # each of its settings has its own default
            if child.get("type") == "object":
                _allow_null(child)
    one = {"type": "string", "minLength": 1}
    extends = {
        "anyOf": [one, {"type": "array", "items": one}],
        "description": "Files or presets that this file extends, relative to it. Later ones win.",
    }
    schema["properties"] = {"extends": extends, **schema["properties"]}
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _allow_null(mapping: dict[str, Any]) -> None:
    """Allow null in an open mapping: it removes an inherited name."""
    for name, values in mapping.get("patternProperties", {}).items():
        mapping["patternProperties"][name] = {"anyOf": [values, {"type": "null"}]}
    if isinstance(mapping.get("additionalProperties"), dict):
        mapping["additionalProperties"] = {
            "anyOf": [mapping["additionalProperties"], {"type": "null"}]
        }


def markdown_table() -> str:
    """The settings as Markdown: one heading and one table per top-level section."""
    general, known = "General", settings()
    blocks: dict[str, list[str]] = {}
    for setting in known.values():
        if setting.section and "." not in setting.path:
            continue  # its description stands above its table
        top = setting.path.split(".")[0] if "." in setting.path else general
        blocks.setdefault(top, []).append(_row(setting))
    head = "| setting | default | allowed | meaning |\n|---|---|---|---|\n"
    about = {top: "" if top == general else f"{known[top].description}\n\n" for top in blocks}
    return "\n".join(
        f"### {top}\n\n{about[top]}{head}" + "\n".join(rows) + "\n" for top, rows in blocks.items()
    )


def _row(setting: Setting) -> str:
    if setting.section:
        return f"| `{setting.path}.*` | | | {_cell(setting.description)} |"
    default = f"`{_cell(setting.default)}`" if setting.default else "none: required"
    return (
        f"| `{setting.path}` | {default} | `{_cell(setting.allowed)}` "
        f"| {_cell(setting.description)} |"
    )


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
