"""A full disk: one line for each thing that is not written, no traceback, and the training goes on.

The limit of a file's size is the full disk here: it needs no rights, and the errors come from the
real writes.
"""

import errno
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from loguru import logger

from configs.load import load_config
from interfaces.runtime.run_folder import create_run
from tests.conftest import ROOT
from trainer.running.disk_warnings import DiskWarnings, is_full


@pytest.fixture
def warnings():
    """The messages that were logged as warnings."""
    lines: list[str] = []
    sink = logger.add(lambda message: lines.append(message.record["message"]), level="WARNING")
    yield lines
    logger.remove(sink)


def test_each_thing_is_warned_of_once_a_minute(tmp_path, warnings):
    now = 100.0
    disk = DiskWarnings(lambda: now)
    missing = tmp_path / "gone" / "checkpoints"
    for _ in range(5):
        disk.warn("the checkpoint", missing, "No space left on device")
        disk.warn("TensorBoard", tmp_path, "No space left on device")
    assert len(warnings) == 2
    start = f"the checkpoint is not written to {missing}: No space left on device, "
    assert warnings[0].startswith(start)
    assert warnings[0].endswith(" bytes free")
    disk.warn("the checkpoint", missing, "No space left on device", always=True)
    assert len(warnings) == 3
    now = 161.0
    disk.warn("TensorBoard", tmp_path, "No space left on device")
    assert len(warnings) == 4


def test_only_a_lack_of_space_counts_as_a_full_disk():
    assert is_full(OSError(errno.ENOSPC, "full"))
    assert not is_full(PermissionError(errno.EACCES, "no"))
    assert not is_full(ValueError("no"))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit of a file's size")
def test_tensorboard_on_a_full_disk_is_one_line_and_goes_on_when_there_is_space(tmp_path):
    config = load_config(ROOT / "tests" / "point.yaml", [])
    run = create_run(tmp_path / "run", config, "point", ROOT)
    program = """
        import resource, sys, threading, time
        from pathlib import Path
        from configs.load import load_config
        from interfaces.ipc.board import Board
        from interfaces.runtime.run_folder import RunFolder
        from trainer.running.metrics_sink import MetricsSink
        run = RunFolder(Path(sys.argv[1]))
        sink = MetricsSink(run, run.config, Board(run.board, create=True))
        def write(update):
            sink.write({"loss/model": 1.0}, update)
            time.sleep(0.05)
        _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (200, hard))
        for update in range(20):
            write(update)
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        for update in range(20, 25):
            write(update)
        sink.close()
        def fail():
            raise OSError(28, "of another thread")
        thread = threading.Thread(target=fail)
        thread.start()
        thread.join()
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), str(run.path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stderr.splitlines()
    warned = [line for line in lines if "TensorBoard is not written to" in line]
    assert len(warned) == 1, done.stderr
    assert str(run.tensorboard) in warned[0]
    assert done.stderr.count("Traceback") == 1, "only that of the other thread"
    assert "of another thread" in lines[-1]
    sizes = [path.stat().st_size for path in Path(run.tensorboard).iterdir()]
    assert max(sizes) > 200, "a new file was begun after the limit"
