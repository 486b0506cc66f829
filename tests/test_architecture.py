"""The structure holds: layers, size of files and folders, names, docstrings.

import-linter checks the layers and rooms of pyproject.toml and finds import cycles (.ci/run).
"""

import ast
import subprocess
import sys
from collections import defaultdict
from importlib import metadata

import pytest

from tests.conftest import ROOT, SLOW

LAYERS = ["configs", "interfaces", "agent", "trainer"]
MAX_LINES, MAX_FILES = 350, 25
LONG_FOLDERS = {
    "docs/decisions",  # a page for each decision, found by its number
    "benchmarks/results/learning/living",  # a file for each variant and seed
}
SKIPPED_FOLDERS = {".git", ".venv", "runs", "build", "__pycache__"}
# One name for one thing: these names repeat because they mean the same thing in each place.
SHARED_NAMES = {"__init__.py"}


def sources(layer):
    return sorted((ROOT / layer).rglob("*.py"))


def parsed(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def imports(path):
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split(".")[0]


@pytest.mark.parametrize("layer", LAYERS)
def test_imports_go_down_and_torch_stays_above_interfaces(layer):
    above = set(LAYERS[LAYERS.index(layer) + 1 :]) | {"main", "tests", "benchmarks"}
    if layer in ("configs", "interfaces"):
        above |= {"torch", "safetensors.torch"}
    for path in sources(layer):
        assert not above & set(imports(path)), path


def test_nothing_is_pickled():
    for layer in LAYERS:
        for path in sources(layer):
            assert not {"pickle", "dill", "cloudpickle", "multiprocessing"} & set(imports(path))
            assert "torch.save(" not in path.read_text(encoding="utf-8")


# Calls that read a format, with the files that may make them; all others use their functions.
READERS = {
    "json.load": (),
    "json.loads": (
        "configs/reading/json_document.py",  # the function for JSON
        # Records and metadata of MCAP files and segment headers, under the CRC of their container.
        "interfaces/session/format/messages.py",
        "interfaces/session/format/segment_reader.py",
        "interfaces/session/maintain/select_steps.py",
        "interfaces/journal/segment_header.py",
        "interfaces/journal/writer.py",  # lines of gaps.jsonl, of which the last may be torn
        "interfaces/journal/layout.py",  # a round trip of own content; the file is read_json's
        "interfaces/doctor/sound_probe.py",  # an argument of its parent process
    ),
    "yaml.load": (),
    "yaml.safe_load": (),
    "yaml.full_load": (),
    "_Loader": ("configs/loading/tree.py",),  # the function for YAML
    # The functions for safetensors; torch stays above interfaces.
    "safetensors": ("interfaces/ipc/tensor_file.py", "trainer/learners/checkpoints.py"),
    "np.load": (),
    "torch.load": (),
}


@pytest.mark.parametrize("call", READERS)
def test_each_format_is_read_through_one_function(call):
    """A direct call lets through what json, PyYAML and safetensors raise besides ValueError."""
    found = set()
    for path in (ROOT / "main.py", *(path for layer in LAYERS for path in sources(layer))):
        place = path.relative_to(ROOT).as_posix()
        calls = {ast.unparse(n.func) for n in ast.walk(parsed(path)) if isinstance(n, ast.Call)}
        if call in calls or call in set(imports(path)):
            found.add(place)
    assert found == set(READERS[call])


def test_the_light_processes_never_import_torch():
    modules = (
        *("main", "interfaces.runtime.live_run", "interfaces.runtime.guard"),
        *("interfaces.runtime.standin_process", "interfaces.session.recorder"),
    )
    code = (
        f"import sys, {', '.join(modules)}; "
        "assert 'torch' not in sys.modules, 'torch'; assert 'sounddevice' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_the_install_brings_dependencies_only():
    try:
        files = metadata.files("yume") or []
    except metadata.PackageNotFoundError:
        pytest.skip("yume is not installed here; .ci/run installs it")
    assert not [f for f in files if f.parts[0] in LAYERS or f.name in ("main.py",)]


def tracked_files():
    """Every file of the repository that git knows, or would add."""
    command = ["git", "ls-files", "-co", "--exclude-standard"]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    paths = [ROOT / line for line in done.stdout.splitlines()]
    return [path for path in paths if path.is_file()]


def test_no_python_file_is_longer_than_350_lines():
    lengths = {
        path.relative_to(ROOT): len(path.read_text(encoding="utf-8").splitlines())
        for path in tracked_files()
        if path.suffix == ".py"
    }
    assert {path: n for path, n in lengths.items() if n > MAX_LINES} == {}


def test_no_folder_holds_more_than_25_files():
    counts = defaultdict(int)
    for path in tracked_files():
        counts[path.parent.relative_to(ROOT).as_posix()] += 1
    long = {folder: n for folder, n in counts.items() if n > MAX_FILES}
    assert {folder: n for folder, n in long.items() if folder not in LONG_FOLDERS} == {}


def test_no_two_files_or_classes_share_a_name():
    files, classes = defaultdict(set), defaultdict(set)
    for layer in LAYERS:
        for path in sources(layer):
            place = path.relative_to(ROOT)
            if path.name not in SHARED_NAMES:
                files[path.name].add(place)
            for node in parsed(path).body:
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    classes[node.name].add(place)
    for kind in (files, classes):
        assert {name: places for name, places in kind.items() if len(places) > 1} == {}


def test_tests_mirror_the_source_folders():
    """A test under tests/LAYER/... lies in a folder that the layer has too."""
    for layer in LAYERS:
        for path in (ROOT / "tests" / layer).rglob("test_*.py"):
            folder = ROOT / path.parent.relative_to(ROOT / "tests")
            assert folder.is_dir(), f"{path.relative_to(ROOT)}: there is no {folder}"


def test_every_slow_test_file_exists():
    assert [name for name in SLOW if not (ROOT / "tests" / name).is_file()] == []


def is_public(node):
    return not node.name.startswith("_")


def undocumented(path, inherited):
    """Public modules, classes, functions and methods without a docstring.

    A method of a name that another class documents (a Protocol, a base class) may leave it out.
    """
    tree = parsed(path)
    if not ast.get_docstring(tree):
        yield "module"
    for node in tree.body:
        if not isinstance(node, ast.FunctionDef | ast.ClassDef) or not is_public(node):
            continue
        if not ast.get_docstring(node):
            yield node.name
        if isinstance(node, ast.ClassDef):
            for method in node.body:
                if (
                    isinstance(method, ast.FunctionDef)
                    and is_public(method)
                    and not ast.get_docstring(method)
                    and (method.name not in inherited or (not node.bases and not inherited))
                ):
                    yield f"{node.name}.{method.name}"


def documented_methods():
    """Names of methods that some class of the project, or nn.Module, documents."""
    names = {"forward"}
    for layer in LAYERS:
        for path in sources(layer):
            for node in parsed(path).body:
                if isinstance(node, ast.ClassDef):
                    names |= {
                        method.name
                        for method in node.body
                        if isinstance(method, ast.FunctionDef) and ast.get_docstring(method)
                    }
    return names


def test_every_public_name_has_a_docstring():
    inherited = documented_methods()
    missing = {
        str(path.relative_to(ROOT)): names
        for path in [ROOT / "main.py", *(p for layer in LAYERS for p in sources(layer))]
        if (names := list(undocumented(path, inherited)))
    }
    assert missing == {}
