"""How settings name a plugin: `module:name`, or the name of an installed entry point."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field

# The loader checks the details, because it knows which modules and entry points there are.
PLUGIN_REFERENCE = re.compile(r"^[^\s:]+(:[^\s:]+)?$")
_CAMERA_PREFIX = "plugin:"


def _check_reference(reference: str) -> str:
    if not PLUGIN_REFERENCE.fullmatch(reference):
        raise ValueError(
            f"{reference}: a plugin is MODULE:NAME, such as my_module:name, or the name of an "
            "installed entry point"
        )
    return reference


PluginReference = Annotated[
    str,
    Field(max_length=200, json_schema_extra={"pattern": PLUGIN_REFERENCE.pattern}),
    AfterValidator(_check_reference),
]


def camera_plugin(source: str | int) -> str | None:
    """The plugin that `world.camera.source` names as plugin:REFERENCE; None for other sources."""
    if isinstance(source, str) and source.startswith(_CAMERA_PREFIX):
        return source.removeprefix(_CAMERA_PREFIX)
    return None
