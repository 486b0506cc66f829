"""Too little GPU memory does not end a run: the trainer starts again and needs less."""

import os
import subprocess
import sys

import torch

from configs.load import write_config
from interfaces.ipc.board import Board
from interfaces.runtime.child_process import OUT_OF_MEMORY, OUT_OF_MEMORY_COUNT
from interfaces.runtime.run_folder import RunFolder
from tests.conftest import ROOT
from trainer.data.train_ratio import TrainRatio
from trainer.running.less_memory import is_out_of_memory, with_less_memory

# The trainer process on a device without memory.
TRAINER = """
import sys, torch
from trainer.learners.dreamer import DreamerLearner
def learn(self, replay):
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\\nMore lines.")
DreamerLearner.learn = learn
import main
main.app()
"""


def test_trainer_without_memory_says_so_and_asks_for_a_restart_with_less(tiny, awkward_path):
    run = RunFolder(awkward_path)
    write_config(tiny, run.config_file)
    before = run.config_file.read_bytes()
    Board(run.board, create=True)
    done = subprocess.run(
        [sys.executable, "-c", TRAINER, "_trainer", str(run.path)],
        cwd=ROOT,
        env={**os.environ, OUT_OF_MEMORY_COUNT: "1", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert done.returncode == OUT_OF_MEMORY, done.stderr
    assert "batch 2, 4 dreams" in done.stderr
    assert "out of memory: CUDA out of memory. Tried to allocate 2.00 GiB." in done.stderr
    assert "Traceback" not in done.stderr
    assert run.config_file.read_bytes() == before


def test_less_memory_means_half_the_batch_then_the_cpu(tiny):
    half, cpu = with_less_memory(tiny, 1), with_less_memory(tiny, 2)
    assert with_less_memory(tiny, 0) is tiny
    assert (half.trainer.batch, half.dream.starts, half.ppo.minibatch) == (2, 4, 32)
    assert half.device == tiny.device
    due = [TrainRatio(each.trainer).due(500, 0) for each in (tiny, half)]
    assert due[0] == due[1] > 0, "no burst of updates"
    assert cpu.device == "cpu"
    assert cpu.trainer == tiny.trainer
    assert with_less_memory(with_less_memory(tiny, 1), 1).trainer.batch == 1


def test_only_a_full_device_counts_as_too_little_memory():
    assert is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory."))
    assert is_out_of_memory(RuntimeError("CUDA error: out of memory"))
    assert is_out_of_memory(RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling"))
    assert not is_out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    assert not is_out_of_memory(ValueError("CUDA error: out of memory"))
