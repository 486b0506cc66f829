"""The `run` command warns of a GPU that this torch cannot use."""

import sys

import pytest
import torch

from interfaces.cli.live_command import cpu_torch_beside_gpu


@pytest.mark.skipif(sys.platform == "win32", reason="a shell script replaces nvidia-smi")
def test_cpu_build_of_torch_beside_a_gpu_gives_a_notice(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert cpu_torch_beside_gpu() == "", "without a GPU there is no notice"
    nvidia_smi = tmp_path / "nvidia-smi"
    nvidia_smi.write_text("#!/bin/sh\n")
    nvidia_smi.chmod(0o755)
    assert ("CPU build" in cpu_torch_beside_gpu()) == (torch.version.cuda is None)
