"""Finds a configuration's file and lays it over the files it extends."""

import difflib
from dataclasses import dataclass, field
from pathlib import Path

from configs.explain import ConfigError
from configs.reference import settings, show
from configs.tree import NotYaml, Tree, merge, parse

FOLDER = Path(__file__).parent
MAX_BYTES = 256 * 1024
MAX_CHAIN = 32


def presets() -> list[str]:
    return sorted(preset.stem for preset in FOLDER.glob("*.yaml"))


def find_config(path: Path, beside: Path | None = None) -> Path:
    """`path` itself (relative to `beside`), or the preset of that name. Raises ConfigError."""
    here = path if beside is None else beside / path
    in_folder = [FOLDER / path.name, FOLDER / f"{path.name}.yaml"] if path.parent == Path() else []
    try:
        for candidate in (here, *in_folder):
            if candidate.is_file():
                return candidate
        kind = "a directory, not a file" if here.is_dir() else "no such file"
        kind = "not an ordinary file" if here.exists() and not here.is_dir() else kind
    except (OSError, ValueError) as error:
        raise ConfigError([f"{here}  {error}"]) from None
    close = difflib.get_close_matches(path.name.removesuffix(".yaml"), presets(), 1)
    hint = f"; did you mean {close[0]}?" if close else ""
    told = "" if path.suffix in (".yaml", ".yml") else "\n    a setting is KEY=VALUE"
    there = ", ".join(presets())
    raise ConfigError([f"{here}  {kind}{hint}\n    presets there are: {there}{told}"])


@dataclass
class Layers:
    """What cannot be read becomes a line in `problems` and an empty tree."""

    problems: list[str]
    _done: dict[Path, Tree] = field(default_factory=dict[Path, Tree])

    def read(self, path: Path) -> Tree:
        """The file, or preset, laid over all it extends."""
        try:
            return self._file(find_config(path), ())
        except ConfigError as error:
            self.problems.extend(error.problems)
            return Tree({}, str(path))

    def _file(self, path: Path, chain: tuple[Path, ...]) -> Tree:
        resolved = path.resolve()
        if resolved not in self._done:  # many files may extend one; each is read once
            own = _parse_file(path, self.problems)
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
        if all(isinstance(parent.value, str) and parent.value for parent in listed):
            return listed
        self.problems.append(
            f"{parents.where}  extends = {show(parents.plain())}\n"
            "    allowed: a file's name, or a list of them"
        )
        return []

    def _parent(self, parent: Tree, folder: Path, chain: tuple[Path, ...]) -> Tree:
        head = f"{parent.where}  extends = {show(parent.value)}\n    "
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
            self.problems.append(f"{head}more than {MAX_CHAIN} files, each extending the next")
        else:
            return self._file(path, chain)
        return Tree({}, parent.where)


def _parse_file(path: Path, problems: list[str]) -> Tree:
    """The file's mapping, its empty sections as empty mappings."""
    shown = _shown(path)
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise NotYaml(f"{shown}  larger than {MAX_BYTES // 1024} KiB: no configuration")
        tree = parse(content.decode("utf-8-sig"), shown, problems)
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        utf16 = error.object[:2] in (b"\xff\xfe", b"\xfe\xff")
        told = "UTF-16: save it as UTF-8" if utf16 else f"byte {error.start} ({error.reason})"
        problems.append(f"{shown}:{line}  not UTF-8: {told}")
        return Tree({}, shown)
    except (NotYaml, OSError) as error:
        problems.append(str(error) if isinstance(error, NotYaml) else f"{shown}  {error.strerror}")
        return Tree({}, shown)
    if tree.value is None:
        return Tree({}, shown)
    if not isinstance(tree.value, dict):
        problems.append(f"{tree.where}  not a mapping\n    write `key: value` lines")
        return Tree({}, shown)
    return filled(tree, "")


def filled(tree: Tree, path: str) -> Tree:
    """A section with nothing (or comments only) under it is empty, not null."""
    setting = settings().get(path)
    if setting is None or not setting.section:
        return tree
    if tree.value is None:
        return Tree({}, tree.where)
    if not isinstance(tree.value, dict):
        return tree
    entries = tree.value.items()
    return Tree({k: filled(v, f"{path}.{k}" if path else k) for k, v in entries}, tree.where)


def _shown(path: Path) -> str:
    """Short where it lies under the working directory."""
    try:
        return path.resolve().relative_to(Path.cwd()).as_posix()
    except (OSError, ValueError):
        return str(path)
