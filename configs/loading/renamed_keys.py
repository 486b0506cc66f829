"""Old names of settings, which the loader accepts for one version."""

from collections.abc import Iterator, Mapping, Sequence

from configs.loading.tree import Tree

# Old dotted path: new dotted path. A renamed section renames every key in it.
RENAMED_KEYS: Mapping[str, str] = {
    "beat": "tick",
    "world.ears": "world.audio_input",
    "world.manners": "world.limits",
}
ACCEPTED_UNTIL = "0.2"  # the version that no longer accepts them


def with_new_keys(trees: Sequence[Tree], problems: list[str], notices: list[str]) -> list[Tree]:
    """Move each old key in `trees` to its new path.

    `trees` come from one source: one file, or all overrides of a command line. For each old key, a
    line with its place, its new name and the last version that accepts it goes to `notices`. An old
    key beside its new name in the same source is a problem, which names both places.
    """
    moved = list(trees)
    for old, new in RENAMED_KEYS.items():
        new_places = [node.where for tree in trees if (node := tree.at(new.split(".")))]
        for index, tree in enumerate(moved):
            node = tree.at(old.split("."))
            if node is None:
                continue
            notices.append(
                f"{node.where}: the key {old} is now {new}; "
                f"the old name is accepted until version {ACCEPTED_UNTIL}"
            )
            moved[index] = _without(tree, old.split("."))
            if new_places:
                problems.append(
                    f"{node.where}  {old}\n    the same key as {new} at {new_places[0]}: "
                    f"{old} is its old name, keep {new} only"
                )
            else:
                moved[index] = _with(moved[index], new.split("."), node)
    return moved


def new_path(path: str) -> str:
    """The new path of a setting that is written with an old name; any other path unchanged."""
    for old, new in RENAMED_KEYS.items():
        if path == old or path.startswith(f"{old}."):
            return new + path.removeprefix(old)
    return path


def old_paths(path: str) -> Iterator[str]:
    """The old paths of the setting `path`."""
    for old, new in RENAMED_KEYS.items():
        if path == new or path.startswith(f"{new}."):
            yield old + path.removeprefix(new)


def _without(tree: Tree, steps: Sequence[str]) -> Tree:
    assert isinstance(tree.value, dict)
    first, *rest = steps
    entries = dict(tree.value)
    if rest:
        entries[first] = _without(entries[first], rest)
    else:
        del entries[first]
    return Tree(entries, tree.where)


def _with(tree: Tree, steps: Sequence[str], node: Tree) -> Tree:
    """A section that is no mapping stays as it is: the schema refuses it."""
    if not steps:
        return node
    if not isinstance(tree.value, dict | None):
        return tree
    first, *rest = steps
    entries = dict(tree.value or {})
    entries[first] = _with(entries.get(first, Tree({}, node.where)), rest, node)
    return Tree(entries, tree.where)
