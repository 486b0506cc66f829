"""The install lines for torch do what they say: tried with pip against local package indexes.

The indexes mimic PyPI and pytorch.org: small wheels named torch, with the versions and local labels
that the real ones have.
"""

import base64
import hashlib
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from interfaces.doctor.check_torch_build import CUDA_INSTALL
from tests.conftest import ROOT

TORCH = re.search(r"^torch==(\S+)$", (ROOT / "constraints.txt").read_text("utf-8"), re.M)[1]
PYTORCH_LINE = re.compile(r"python -m pip install (torch==\S+) --index-url \S+/whl/(\w+)")
PAGES = ("README.md", "README.ja.md", "docs/getting-started.md")


def wheel(index: Path, version: str) -> None:
    """A package `torch` of this version, in a PEP 503 index of files."""
    folder = index / "torch"
    folder.mkdir(parents=True, exist_ok=True)
    info = f"torch-{version}.dist-info"
    files = {
        "torch/__init__.py": "",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: torch\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    digests = {name: hashlib.sha256(text.encode()).digest() for name, text in files.items()}
    record = "".join(
        f"{name},sha256={base64.urlsafe_b64encode(digests[name]).rstrip(b'=').decode()},\n"
        for name in files
    )
    name = f"torch-{version}-py3-none-any.whl"
    with zipfile.ZipFile(folder / name, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
        archive.writestr(f"{info}/RECORD", record + f"{info}/RECORD,,\n")
    with (folder / "index.html").open("a", encoding="utf-8") as page:
        page.write(f'<a href="{name.replace("+", "%2B")}">{name}</a>\n')


@pytest.fixture(scope="module")
def indexes(tmp_path_factory) -> Path:
    """pypi: one build without a label, and a newer one; cpu and cu130: labelled builds."""
    root = tmp_path_factory.mktemp("indexes")
    for version in (TORCH, "99.0"):
        wheel(root / "pypi", version)
        for label in ("cpu", "cu130"):
            wheel(root / label, f"{version}+{label}")
    return root


@pytest.fixture
def pip(tmp_path, indexes):
    """pip that installs into a folder of its own and knows the local indexes only."""
    venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    python = venv / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    clean = {k: v for k, v in os.environ.items() if not k.startswith("PIP_")}
    clean["PIP_CONFIG_FILE"] = os.devnull

    def install(*words: str, index: str) -> str:
        """The version of torch that is installed afterwards."""
        command = [sys.executable, "-m", "pip", "--python", str(python), "install", "-q", *words]
        command += ["--index-url", (indexes / index).as_uri(), "--no-deps"]
        subprocess.run(command, env=clean, check=True, capture_output=True, timeout=120)
        [info] = venv.rglob("torch-*.dist-info")
        return info.name.removeprefix("torch-").removesuffix(".dist-info")

    return install


def lines(page: str) -> dict[str, str]:
    """{label of the index: requirement} of every pytorch.org line of a page."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return {label: requirement for requirement, label in PYTORCH_LINE.findall(text)}


def first_step(pip) -> str:
    """README's first line: the constraints pin torch, PyPI has a newer one too."""
    return pip("torch", "-c", str(ROOT / "constraints.txt"), index="pypi")


def test_every_page_gives_the_same_lines():
    assert lines("README.md").keys() == {"cpu", "cu130"}
    assert [lines(page) for page in PAGES] == [lines("README.md")] * len(PAGES)


def test_the_cuda_line_replaces_the_build_of_the_first_step(pip):
    assert first_step(pip) == TORCH
    assert pip(lines("README.md")["cu130"], index="cu130") == f"{TORCH}+cu130"
    assert first_step(pip) == f"{TORCH}+cu130", "installing Yume again keeps the CUDA build"


def test_the_cpu_line_before_the_first_step_keeps_the_cuda_build_away(pip):
    assert pip(lines("README.md")["cpu"], index="cpu") == f"{TORCH}+cpu"
    assert first_step(pip) == f"{TORCH}+cpu"


def test_the_doctors_cure_is_the_line_of_the_readme():
    requirement, label = PYTORCH_LINE.search(CUDA_INSTALL).groups()
    assert {label: requirement} == {"cu130": lines("README.md")["cu130"]}


def test_a_version_without_a_label_would_install_nothing(pip):
    """Why the line names +cu130: pip takes the CPU build for the same version."""
    assert first_step(pip) == TORCH
    assert pip(f"torch=={TORCH}", index="cu130") == TORCH
