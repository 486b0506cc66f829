"""Characters that would change a terminal or a log instead of being shown in it."""

import re

# C0 and C1 controls with ESC and DEL, line and paragraph separators, and what reorders text.
_HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


def visible(text: str) -> str:
    r"""The text with every such character escaped, as \x1b or \u202e. Tabs and line ends stay."""
    return _HIDDEN.sub(_escaped, text)


def hidden_character(text: str, *, multi_line: bool) -> str | None:
    """The first such character, escaped; None if there is none.

    Without `multi_line` a tab or a line end counts too.
    """
    found = _HIDDEN.search(text)
    if found is None and not multi_line:
        found = re.search("[\t\n]", text)
    return None if found is None else _escaped(found)


def _escaped(found: re.Match[str]) -> str:
    code = ord(found.group())
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
