"""Finds a configuration file and merges it over the files that it extends."""

import difflib
from dataclasses import dataclass, field
from pathlib import Path

from configs.loading.config_checksum import DELETE_LINE, check_first_line
from configs.loading.explain import ConfigError
from configs.loading.reference import settings, to_json
from configs.loading.renamed_keys import with_new_keys
from configs.loading.tree import InvalidYaml, Tree, merge, parse
from configs.reading.bounded_file import UnreadableFile, read_bytes, text_encoding

PRESETS = Path(__file__).parents[1]
MAX_BYTES = 256 * 1024
MAX_CHAIN = 32
MAX_PARENTS = 32


def presets() -> list[str]:
    """The names of the presets, sorted."""
    return sorted(preset.stem for preset in PRESETS.glob("*.yaml"))


def find_config(path: Path, beside: Path | None = None) -> Path:
    """`path` itself, relative to the folder `beside`, or the preset of that name.

    A file comes before a preset of the same name. Raises ConfigError if there is neither.
    """
    here = path if beside is None else beside / path
    names = (path.name, f"{path.name}.yaml") if path.parent == Path() else ()
    try:
        for candidate in (here, *(PRESETS / name for name in names)):
            if candidate.is_file():
                return candidate
        kind = "a directory, not a file" if here.is_dir() else "no such file"
        kind = "not an ordinary file" if here.exists() and not here.is_dir() else kind
    except (OSError, ValueError) as error:
        raise ConfigError([f"{here}  {error}"]) from None
    close = difflib.get_close_matches(path.name.removesuffix(".yaml"), presets(), 1)
    hint = f"; did you mean {close[0]}?" if close else ""
    syntax = "" if path.suffix in (".yaml", ".yml") else "\n    a setting is KEY=VALUE"
    raise ConfigError(
        [f"{here}  {kind}{hint}\n    the presets are: {', '.join(presets())}{syntax}"]
    )


@dataclass
class ConfigFiles:
    """Reads configuration files and merges each over the files that it extends.

    A file that cannot be read adds a line to `problems` and counts as empty. A key with an old name
    adds a line to `notices`. `after_edit`: what to do if the checksum of the file that is read does
    not match, for the message; None does not check it.
    """

    problems: list[str]
    notices: list[str]
    after_edit: str | None = DELETE_LINE
    _done: dict[Path, Tree] = field(default_factory=dict[Path, Tree])

    def read(self, path: Path) -> Tree:
        """The file or preset `path`, merged over all files that it extends."""
        try:
            return self._file(find_config(path), ())
        except ConfigError as error:
            self.problems.extend(error.problems)
            return Tree({}, str(path))

    def _file(self, path: Path, chain: tuple[Path, ...]) -> Tree:
        """`chain`: the files that led here by `extends`, resolved."""
        resolved = path.resolve()
        if resolved not in self._done:  # many files may extend one; each is read once
            after_edit = DELETE_LINE if chain else self.after_edit
            own = _parse_file(path, self.problems, self.notices, after_edit)
            parents = own.value.pop("extends", None) if isinstance(own.value, dict) else None
            base = Tree({}, own.where)
            for parent in self._parents(parents):
                base = merge(base, self._parent(parent, path.parent, (*chain, resolved)))
            self._done[resolved] = merge(base, own)
        return self._done[resolved]

    def _parents(self, parents: Tree | None) -> list[Tree]:
        if parents is None:
            return []
        listed = parents.value if isinstance(parents.value, list) else [parents]
        if len(listed) > MAX_PARENTS:
            self.problems.append(f"{parents.where}  extends more than {MAX_PARENTS} files")
            return []
        if all(isinstance(parent.value, str) and parent.value for parent in listed):
            return listed
        self.problems.append(
            f"{parents.where}  extends = {to_json(parents.plain())}\n"
            "    allowed: the name of a file, or a list of names"
        )
        return []

    def _parent(self, parent: Tree, folder: Path, chain: tuple[Path, ...]) -> Tree:
        head = f"{parent.where}  extends = {to_json(parent.value)}\n    "
        try:
            path = find_config(Path(str(parent.value)), folder)
        except ConfigError as error:
            self.problems.extend(f"{head}{problem}" for problem in error.problems)
            return Tree({}, parent.where)
        resolved = path.resolve()
        if resolved in chain:
            links = " -> ".join(
                _shown(link) for link in (*chain[chain.index(resolved) :], resolved)
            )
            self.problems.append(f"{head}extends itself: {links}")
        elif len(chain) >= MAX_CHAIN:
            self.problems.append(f"{head}a chain of more than {MAX_CHAIN} files")
        else:
            return self._file(path, chain)
        return Tree({}, parent.where)


def nulls_as_empty_sections(tree: Tree, path: str = "") -> Tree:
    """Replace the null of a section without entries (only comments) by an empty mapping.

    `path`: the dotted path of the section `tree`; "" is the whole configuration.
    """
    setting = settings().get(path)
    if setting is None or not setting.section:
        return tree
    if tree.value is None:
        return Tree({}, tree.where)
    if not isinstance(tree.value, dict):
        return tree
    entries = {
        key: nulls_as_empty_sections(child, f"{path}.{key}" if path else key)
        for key, child in tree.value.items()
    }
    return Tree(entries, tree.where)


def _parse_file(
    path: Path, problems: list[str], notices: list[str], after_edit: str | None
) -> Tree:
    """The mapping in the file, with new key names and with empty sections as empty mappings."""
    shown = _shown(path)
    try:
        content = read_bytes(path, MAX_BYTES)
        text = content.decode(text_encoding(content))
        if after_edit is not None:
            check_first_line(text, shown, after_edit)
        tree = parse(text, shown, problems)
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        name = "UTF-16" if error.encoding.startswith("utf-16") else "UTF-8"
        problems.append(f"{shown}:{line}  not {name}: byte {error.start} ({error.reason})")
        return Tree({}, shown)
    except InvalidYaml as error:
        problems.append(str(error))
        return Tree({}, shown)
    except UnreadableFile as error:
        problems.append(f"{shown}  {error.cause}")
        return Tree({}, shown)
    if tree.value is None:
        return Tree({}, shown)
    if not isinstance(tree.value, dict):
        problems.append(f"{tree.where}  not a mapping\n    write `key: value` lines")
        return Tree({}, shown)
    (tree,) = with_new_keys([tree], problems, notices)
    return nulls_as_empty_sections(tree)


def _shown(path: Path) -> str:
    """The path, relative to the working directory if it lies there."""
    try:
        return path.resolve().relative_to(Path.cwd()).as_posix()
    except (OSError, ValueError):
        return str(path)
