"""A GPU that torch cannot use is a problem, with the command that fixes it."""

import dataclasses

from interfaces.doctor.check_torch_build import CUDA_INSTALL, TorchFacts, torch_findings
from tests.conftest import ROOT
from tests.interfaces.doctor.settings import levels


def test_a_cpu_build_beside_a_gpu_is_a_problem_with_the_command_of_the_readme():
    facts = TorchFacts("2.13.0+cpu", gpu="RTX 4090")
    findings = torch_findings(facts, "auto")
    assert levels(findings) == {"torch": "ok", "device": "problem"}
    assert findings[1].remedy == CUDA_INSTALL
    assert CUDA_INSTALL in (ROOT / "README.md").read_text(encoding="utf-8")
    assert levels(torch_findings(facts, "cpu"))["device"] == "ok", "the CPU is configured"


def test_a_gpu_that_does_not_work_is_a_problem():
    works = TorchFacts("2.13.0+cu130", cuda="13.0", gpu="RTX 4090")
    assert levels(torch_findings(works, "auto"))["device"] == "ok"
    broken = dataclasses.replace(works, trouble="driver too old")
    assert levels(torch_findings(broken, "auto"))["device"] == "problem"
    assert levels(torch_findings(TorchFacts("2.13.0+cpu"), "cuda"))["device"] == "problem"
    assert levels(torch_findings(TorchFacts(), "auto")) == {"torch": "problem"}
