"""Which torch is here, and which GPU. Torch itself is never imported: that costs seconds."""

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
    "python -m pip install torch==2.13.0 --index-url https://download.pytorch.org/whl/cu130"
)
_QUERY = ("nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader")
_TRY = "import torch; torch.ones(8, device='cuda').sum().item()"


@dataclass(frozen=True)
class TorchFacts:
    """The torch that is installed and the NVIDIA GPU beside it; empty where there is none."""

    version: str = ""
    cuda: str = ""  # the CUDA it was built with; empty: a CPU build
    gpu: str = ""
    trouble: str = ""  # why torch cannot use the GPU, or its driver does not answer


def cpu_torch_beside_gpu() -> str:
    """A warning when an NVIDIA GPU sits beside a torch that cannot use it, else empty."""
    version, cuda = _build()
    if shutil.which("nvidia-smi") is None or not version or cuda:
        return ""
    return (
        "An NVIDIA GPU is here, but this torch is a CPU build: it will learn many times slower. "
        "The README has the line that installs torch with CUDA."
    )


def torch_facts(*, try_gpu: bool) -> TorchFacts:
    """Reads the build's own file; with `try_gpu` a child adds up eight numbers on the GPU."""
    version, cuda = _build()
    if shutil.which("nvidia-smi") is None:
        return TorchFacts(version, cuda)
    code, said = _run(_QUERY, 5.0)
    if code:
        return TorchFacts(version, cuda, trouble=said or "nvidia-smi fails")
    gpu = said.partition("\n")[0].replace(",", "") or "NVIDIA GPU"
    if not (cuda and try_gpu):
        return TorchFacts(version, cuda, gpu)
    code, said = _run((sys.executable, "-c", _TRY), 13.0)
    return TorchFacts(version, cuda, gpu, said.rpartition("\n")[2] or "it fails" if code else "")


def torch_findings(facts: TorchFacts, device: Literal["auto", "cpu", "cuda"]) -> list[Finding]:
    """Whether the trainer learns where it could, and where it was told to."""
    if not facts.version:
        return [problem("torch", "not installed", INSTALL)]
    # A build for CUDA says so in its own version already, as 2.13.0+cu130.
    build = f"built for CUDA {facts.cuda}" if facts.cuda else "a CPU build"
    return [ok("torch", f"{facts.version}, {build}"), _device(facts, device)]


def _device(facts: TorchFacts, device: Literal["auto", "cpu", "cuda"]) -> Finding:
    if device == "cpu":
        beside = f"; {facts.gpu} is left alone" if facts.gpu else ""
        return ok("device", f"cpu, as configured{beside}")
    if facts.gpu and not facts.cuda:
        text = f"{facts.gpu}, beside a torch that cannot use it: it learns many times slower"
        return problem("device", text, CUDA_INSTALL)
    if facts.trouble:
        text = f"{facts.gpu or 'an NVIDIA driver'} is here, but does not work: {facts.trouble}"
        return problem("device", text, "update NVIDIA's driver, or learn on the CPU: device=cpu")
    if facts.gpu:
        return ok("device", facts.gpu)
    if device == "cuda":
        text = "cuda is configured, but there is no NVIDIA GPU"
        return problem("device", text, "device=auto takes what there is")
    return ok("device", "cpu; no NVIDIA GPU here")


def _build() -> tuple[str, str]:
    """Version, and CUDA's; empty for none."""
    spec = importlib.util.find_spec("torch")
    if spec is None or spec.origin is None:
        return "", ""
    text = Path(spec.origin).with_name("version.py").read_text(encoding="utf-8")
    version = re.search(r"^__version__\s*=\s*'([^']+)'", text, re.MULTILINE)
    cuda = re.search(r"^cuda\b[^=]*=\s*'([^']+)'", text, re.MULTILINE)
    return version[1] if version else "unknown", cuda[1] if cuda else ""


def _run(command: tuple[str, ...], limit_s: float) -> tuple[int, str]:
    """Exit code and what it said; on a fault, what it complained of."""
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
    said = done.stdout.strip()
    return done.returncode, (done.stderr.strip() or said) if done.returncode else said
