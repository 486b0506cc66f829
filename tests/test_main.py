"""The command line's own promises that need no processes."""

import sys

import pytest

import main


@pytest.mark.skipif(sys.platform == "win32", reason="a script stands in for nvidia-smi")
def test_a_gpu_beside_a_cpu_torch_is_said_loudly(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main.cpu_torch_beside_gpu() == "", "no GPU, nothing to say"
    smi = tmp_path / "nvidia-smi"
    smi.write_text("#!/bin/sh\n")
    smi.chmod(0o755)
    import torch

    said = main.cpu_torch_beside_gpu()
    assert ("CPU build" in said) == (torch.version.cuda is None)
