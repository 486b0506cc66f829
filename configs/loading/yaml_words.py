"""Reads yes, no, on and off as words, wherever a setting takes neither true nor false."""

import re
from dataclasses import replace

from configs.loading.reference import ITEM, Setting, settings
from configs.loading.tree import Tree


def words_as_text(tree: Tree, path: str = "") -> Tree:
    """`tree` with these words as text. A word that the setting allows is in lower case."""
    if isinstance(tree.value, dict):
        entries = tree.value.items()
        children = {k: words_as_text(v, f"{path}.{k}" if path else k) for k, v in entries}
        return replace(tree, value=children)
    if isinstance(tree.value, list):
        items = [words_as_text(v, f"{path}.{i}") for i, v in enumerate(tree.value)]
        return replace(tree, value=items)
    if not tree.word:
        return tree
    setting = _setting(path)
    if setting is None or "true or false" in setting.allowed:
        return tree
    lower = tree.word.lower()
    return replace(tree, value=lower if lower in re.split(r"\W+", setting.allowed) else tree.word)


def _setting(path: str) -> Setting | None:
    """The setting at `path`, or the list or mapping that the value is in; None for a section."""
    known = settings()
    steps = [ITEM if step.isdigit() else step for step in path.split(".")]
    for length in range(len(steps), 0, -1):
        setting = known.get(".".join(steps[:length]))
        if setting is not None:
            return None if setting.section else setting
    return None
