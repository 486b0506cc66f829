"""The runs that this user started or trusts, listed outside every run folder.

A run folder can come from another person. Only a known run may have its code imported, its hosts
sent to and its folder written; every other one is read as data. The rule is in
docs/decisions/0042-known-runs.md.
"""

import hashlib
import os
import re
import secrets
import stat
from datetime import datetime
from importlib.machinery import all_suffixes
from pathlib import Path

from pydantic import BaseModel, TypeAdapter

from configs.errors import BadInput
from configs.reading.bounded_file import UnreadableFile, text_encoding
from configs.reading.json_document import read_json
from interfaces.ipc.atomic_files import shell_quoted, write_json
from interfaces.ipc.no_links import LinkRefused, refuse_links_between
from interfaces.runtime.user_folder import STATE_FOLDER, user_folder

ID_FILE = "run.id"
CONFIG, PLUGINS = "config.yaml", "plugins.json"
_LIST = "known_runs"  # a folder with one file for each run
_LOCK_S = 30.0
_ID = re.compile(r"[0-9a-f]{32}\n?")
_MAX_BYTES = 16 * 1024 * 1024  # of one file whose content is compared
_SHOWN_BYTES = 256 * 1024  # of config.yaml, to show a change; no valid one is larger
_COMPILED = "__pycache__"


class UnknownRun(BadInput):
    """The run is not known on this machine, so what was asked is refused."""


class _Entry(BaseModel):
    """What the list says of a run: its fingerprint. The other entries are for people.

    `config`: the text of config.yaml; None in entries of older versions.
    """

    content: str
    config: str | None = None


_ENTRY = TypeAdapter(_Entry)


class _Unusable(Exception):
    """Why a folder cannot be a known run."""


def list_run(run: Path, shown: str | None = None) -> None:
    """List the run as known, as it is now. `run`: its folder, which gets an id if it has none.

    `shown`: what `fingerprint` returned before a person was asked. Raises UnknownRun if the run is
    another one now, and for a folder that cannot be known, such as one whose config.yaml is a link
    or extends another file. Raises OSError.
    """
    from filelock import FileLock  # the command `stop` does not wait for it

    content = {"path": str(run.resolve()), "content": fingerprint(run)}
    if shown not in (None, content["content"]):
        raise UnknownRun(f"{run} has changed since it was shown, and is not trusted: try again")
    text = _content(run / CONFIG)[:_SHOWN_BYTES]
    content["config"] = text.decode(text_encoding(text), "replace")
    try:
        folder = _list_folder()
        folder.mkdir(mode=0o700, exist_ok=True)
        lock = FileLock(folder / "lock", timeout=_LOCK_S, mode=0o600)
    except OSError as error:
        raise _no_list(error) from error
    with lock:  # another process may list the same run
        run_id = read_run_id(run) or _new_id(run)
        content["listed"] = datetime.now().astimezone().isoformat(timespec="seconds")
        try:
            write_json(folder / f"{run_id}.json", content)
        except OSError as error:
            raise _no_list(error) from error


def fingerprint(run: Path, config: bytes | None = None) -> str:
    """What a run can execute or send, as one text. Raises UnknownRun as list_run, and OSError.

    `config`: as if this were the content of config.yaml.
    """
    try:
        return _fingerprint(run, config)
    except _Unusable as error:
        raise UnknownRun(f"{run} cannot be trusted: {error}") from None


def is_known(run: Path) -> bool:
    """Whether the run in this folder is known, and unchanged in what it can execute or send."""
    return not _why_unknown(run)


def listed_config(run: Path) -> str | None:
    """The text of config.yaml when the run was listed. None: unknown, or an older entry."""
    run_id = read_run_id(run)
    if run_id is None:
        return None
    try:
        return read_json(_list_folder() / f"{run_id}.json", _ENTRY).config
    except (UnreadableFile, OSError):
        return None


def require_known(run: Path, what: str) -> None:
    """Raises UnknownRun unless the run is known. `what`: what is refused, as in "--resume"."""
    if reason := _why_unknown(run):
        raise UnknownRun(
            f"{what}: {run} {reason}; if you trust it, run "
            f"`python main.py trust {shell_quoted(run)}`"
        )


def require_known_place(path: Path, what: str) -> None:
    """Raises UnknownRun if `path` lies in or below the folder of an unknown run.

    In a known run it raises LinkRefused if a link leads from its folder to `path`.
    """
    written, resolved = Path(os.path.abspath(path)), path.resolve()
    for place in {written, resolved}:
        for folder in (place, *place.parents):
            if (folder / CONFIG).exists() and _looks_like_run(folder):
                require_known(folder, what)
                refuse_links_between(folder, place)


def code_files(run: Path) -> list[Path]:
    """The files below the folder that Python could import, sorted. Its caches are left out."""
    suffixes = tuple(all_suffixes())
    found: list[Path] = []
    for folder, folders, files in os.walk(run):
        if _COMPILED in folders:
            folders.remove(_COMPILED)
        found += [Path(folder, name) for name in files if name.endswith(suffixes)]
    return sorted(found)


def _why_unknown(run: Path) -> str:
    """Why the run is not known; "" if it is."""
    run_id = read_run_id(run)
    if run_id is None:
        return "has no id of a run on this machine"
    try:
        entry = read_json(_list_folder() / f"{run_id}.json", _ENTRY)
    except (UnreadableFile, OSError):
        return "was not started on this machine by this user"
    try:
        same = entry.content == _fingerprint(run)
    except _Unusable as error:
        return f"cannot be trusted: {error}"
    except OSError as error:
        return f"cannot be read ({error})"
    return "" if same else f"has changed since it was known: {CONFIG}, {PLUGINS} or code in it"


def _fingerprint(run: Path, config: bytes | None = None) -> str:
    """SHA-256 of what a run can execute or send: config.yaml, plugins.json, code below its folder.

    Raises _Unusable and OSError.
    """
    config = _content(run / CONFIG) if config is None else config
    if not config:
        raise _Unusable(f"it has no {CONFIG}")
    _refuse_extends(config)
    names = [run / CONFIG, run / PLUGINS, *code_files(run)]
    digest = hashlib.sha256()
    for path in names:
        content = config if path == run / CONFIG else _content(path)
        name = path.relative_to(run).as_posix().encode(errors="surrogateescape")
        for part in (name, content):
            digest.update(len(part).to_bytes(8, "little") + part)
    return digest.hexdigest()


def _content(path: Path) -> bytes:
    """The bytes of an ordinary file; b"" if there is none. Raises _Unusable and OSError."""
    try:
        state = os.lstat(path)
    except FileNotFoundError:
        return b""
    if not stat.S_ISREG(state.st_mode):
        raise _Unusable(f"{path.name} is a link or not an ordinary file")
    with path.open("rb") as file:
        content = file.read(_MAX_BYTES + 1)
    if len(content) > _MAX_BYTES:
        raise _Unusable(f"{path.name} is larger than {_MAX_BYTES >> 20} MiB")
    return content


def _refuse_extends(config: bytes) -> None:
    """Raises _Unusable if the configuration extends a file, whose content would not be compared."""
    try:
        text = config.decode(text_encoding(config))
    except UnicodeDecodeError:
        raise _Unusable(f"{CONFIG} cannot be read") from None
    if "extends" not in text and "\\" not in text:  # a backslash can hide the letters
        return
    from configs.loading.tree import InvalidYaml, parse  # the command `stop` does not wait for it

    try:
        tree = parse(text, CONFIG, [])
    except InvalidYaml:
        raise _Unusable(f"{CONFIG} cannot be read") from None
    if tree.child("extends") is not None:
        raise _Unusable(
            f"{CONFIG} extends another file; write every setting into it "
            "(`python main.py config show FILE` prints them)"
        )


def read_run_id(run: Path) -> str | None:
    """The id in the folder of a run. None: no id, or a file that is not one."""
    path = run / ID_FILE
    try:
        if not stat.S_ISREG(os.lstat(path).st_mode):
            return None
        with path.open("rb") as file:
            text = file.read(64).decode("ascii", "replace")
    except OSError:
        return None
    return text.strip() if _ID.fullmatch(text) else None


def _new_id(run: Path) -> str:
    """Give the run an id. Raises LinkRefused if something else has its name, and OSError."""
    path, run_id = run / ID_FILE, secrets.token_hex(16)
    if path.is_symlink() or path.exists():
        raise LinkRefused(f"{path} is not the id of a run: remove it")
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(f"{run_id}\n".encode())
    return run_id


def _no_list(error: OSError) -> OSError:
    return OSError(
        f"the list of known runs cannot be written ({error}); the environment variable "
        f"{STATE_FOLDER} names another folder for it"
    )


def _list_folder() -> Path:
    return user_folder() / _LIST


def _looks_like_run(folder: Path) -> bool:
    """Whether a folder with a config.yaml is a run's: many other programs write such a file."""
    names = (ID_FILE, "meta.json", "journal", "session", "checkpoints", "weights")
    return any((folder / name).exists() for name in names)
