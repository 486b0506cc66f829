"""The walls of the house: floors, names, promises of the README."""

import ast
import re
import subprocess
import sys
from importlib import metadata

import pytest

from tests.cli import here
from tests.conftest import ROOT

FLOORS = ["configs", "interfaces", "agent", "trainer"]


def imports(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split(".")[0]


def sources(floor):
    return sorted((ROOT / floor).rglob("*.py"))


@pytest.mark.parametrize("floor", FLOORS)
def test_imports_go_down_only_and_torch_stays_above_interfaces(floor):
    above = set(FLOORS[FLOORS.index(floor) + 1 :]) | {"main", "tests", "benchmarks"}
    if floor in ("configs", "interfaces"):
        above |= {"torch", "safetensors.torch"}
    for path in sources(floor):
        assert not above & set(imports(path)), path


def test_nothing_is_pickled():
    for floor in FLOORS:
        for path in sources(floor):
            assert not {"pickle", "dill", "cloudpickle", "multiprocessing"} & set(imports(path))
            assert "torch.save(" not in path.read_text(encoding="utf-8")


def test_the_light_processes_never_import_torch():
    code = (
        "import sys; import main, interfaces.runtime.live_run, interfaces.runtime.guard, interfaces.standin.standalone; "
        "assert 'torch' not in sys.modules, 'torch'; assert 'sounddevice' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_the_install_brings_dependencies_only():
    try:
        files = metadata.files("yume") or []
    except metadata.PackageNotFoundError:
        pytest.skip("yume is not installed here; .ci/run installs it")
    assert not [f for f in files if f.parts[0] in FLOORS or f.name in ("main.py",)]


def readme_commands(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    return re.findall(r"`(python main\.py [^`]+)`", text) + re.findall(
        r"^ {4}(python .+)$", text, re.MULTILINE
    )


def test_both_readmes_give_the_same_commands():
    assert readme_commands("README.md") == readme_commands("README.ja.md")
    for command in (
        "python -m pip install -e . -c constraints.txt && python main.py run",
        'python -m pip install -e ".[dev]" -c constraints.txt && python -m pytest',
    ):
        assert command in readme_commands("README.md")


@pytest.mark.parametrize(
    "words",
    sorted(
        {tuple(c.split()[2:3]) for c in readme_commands("README.md") if "main.py" in c.split()[1]}
    ),
)
def test_every_command_of_the_readme_exists(words):
    here(*words, "--help")


def test_readme_links_lead_somewhere():
    for name in ("README.md", "README.ja.md", "docs/architecture.md", "CONTRIBUTING.md"):
        path = ROOT / name
        for target in re.findall(r"\]\(([^)#]+)", path.read_text(encoding="utf-8")):
            if "://" not in target:
                assert (path.parent / target).exists(), f"{name}: {target}"
