"""Check the build of torch and the GPU. Torch is never imported here: that takes seconds."""

import importlib.util
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from interfaces.doctor.findings import Finding, ok, problem

INSTALL = "python -m pip install -e . -c constraints.txt"
CUDA_INSTALL = (
    "python -m pip install torch==2.13.0+cu130 --index-url https://download.pytorch.org/whl/cu130"
)
_QUERY = ("nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader")
_TRY = "import torch; torch.ones(8, device='cuda').sum().item()"


@dataclass(frozen=True)
class TorchFacts:
    """The installed torch and the NVIDIA GPU; a field is empty if there is none."""

    version: str = ""
    cuda: str = ""  # the CUDA version of the build; empty: a CPU build
    gpu: str = ""
    trouble: str = ""  # why torch cannot use the GPU, or why its driver does not answer


def cpu_torch_beside_gpu() -> str:
    """A warning if there is an NVIDIA GPU that the installed torch cannot use; otherwise empty."""
    version, cuda = _build()
    if shutil.which("nvidia-smi") is None or not version or cuda:
        return ""
    return (
        "This machine has an NVIDIA GPU, but the installed torch is a CPU build: learning is many "
        "times slower. The README has the command that installs torch with CUDA."
    )


def torch_facts(*, try_gpu: bool) -> TorchFacts:
    """Read the version file of torch. With `try_gpu` a child process computes on the GPU."""
    version, cuda = _build()
    if shutil.which("nvidia-smi") is None:
        return TorchFacts(version, cuda)
    code, output = _run(_QUERY, 5.0)
    if code:
        return TorchFacts(version, cuda, trouble=output or "nvidia-smi fails")
    gpu = output.partition("\n")[0].replace(",", "") or "NVIDIA GPU"
    if not (cuda and try_gpu):
        return TorchFacts(version, cuda, gpu)
    code, output = _run((sys.executable, "-c", _TRY), 13.0)
    trouble = output.rpartition("\n")[2] or "it fails" if code else ""
    return TorchFacts(version, cuda, gpu, trouble)


def torch_findings(facts: TorchFacts, device: Literal["auto", "cpu", "cuda"]) -> list[Finding]:
    """Whether torch is installed, and whether the trainer can use the configured device."""
    if not facts.version:
        return [problem("torch", "not installed", INSTALL)]
    # The version of a CUDA build may name it too, as 2.13.0+cu130.
    build = f"built for CUDA {facts.cuda}" if facts.cuda else "a CPU build"
    return [ok("torch", f"{facts.version}, {build}"), _device_finding(facts, device)]


def _device_finding(facts: TorchFacts, device: Literal["auto", "cpu", "cuda"]) -> Finding:
    if device == "cpu":
        unused = f"; {facts.gpu} is not used" if facts.gpu else ""
        return ok("device", f"cpu, as configured{unused}")
    if facts.gpu and not facts.cuda:
        text = f"{facts.gpu}, but the installed torch cannot use it: learning is many times slower"
        return problem("device", text, CUDA_INSTALL)
    if facts.trouble:
        text = f"{facts.gpu or 'an NVIDIA driver'} is here, but does not work: {facts.trouble}"
        return problem("device", text, "update NVIDIA's driver, or learn on the CPU: device=cpu")
    if facts.gpu:
        return ok("device", facts.gpu)
    if device == "cuda":
        text = "cuda is configured, but there is no NVIDIA GPU"
        return problem("device", text, "device=auto uses what is available")
    return ok("device", "cpu; no NVIDIA GPU here")


def _build() -> tuple[str, str]:
    """The versions of torch and of its CUDA; empty if there is none."""
    spec = importlib.util.find_spec("torch")
    if spec is None or spec.origin is None:
        return "", ""
    text = Path(spec.origin).with_name("version.py").read_text(encoding="utf-8")
    version = re.search(r"^__version__\s*=\s*'([^']+)'", text, re.MULTILINE)
    cuda = re.search(r"^cuda\b[^=]*=\s*'([^']+)'", text, re.MULTILINE)
    return version[1] if version else "unknown", cuda[1] if cuda else ""


def _run(command: tuple[str, ...], limit_s: float) -> tuple[int, str]:
    """(exit code, output); after a failure stderr, or why the command did not run."""
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=limit_s,
            check=False,
            creationflags=subprocess.CREATE_NO_WINDOW if sys.platform == "win32" else 0,
        )
    except OSError as error:
        return 1, str(error)
    except subprocess.TimeoutExpired:
        return 1, f"no answer within {limit_s:g} s"
    output = done.stdout.strip()
    return done.returncode, (done.stderr.strip() or output) if done.returncode else output
