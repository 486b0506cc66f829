"""No command ends because its terminal or output goes away, is full, stalls or never existed."""

import io
import os
import subprocess
import sys

import pytest

from interfaces.console.standard_streams import OutputStream, windows_encoding
from tests.conftest import ROOT

posix = pytest.mark.skipif(sys.platform == "win32", reason="descriptors as on POSIX")
_CHILD = """
import sys
from interfaces.console.standard_streams import run_to_exit, set_up_streams, write_in_background
set_up_streams()
def command():
{command}
run_to_exit(command)
"""


def child(command, **streams):
    """A process that runs the indented `command` between set_up_streams and the exit."""
    text = _CHILD.format(command="\n".join(f"    {line}" for line in command.split("\n")))
    return subprocess.Popen([sys.executable, "-c", text], cwd=ROOT, **streams)


@posix
def test_missing_descriptors_are_opened_and_never_given_to_a_file(tmp_path):
    command = f"import os; f = open({str(tmp_path / 'f')!r}, 'w'); print('夢')\n"
    command += (
        "print('x', file=sys.stderr); os.write(2, b'y'); sys.exit(7 if f.fileno() > 2 else 1)"
    )
    process = child(command, preexec_fn=lambda: os.closerange(0, 3))
    assert process.wait(timeout=20) == 7
    assert (tmp_path / "f").read_text() == ""


def test_reader_that_goes_away_ends_nothing():
    command = "for _ in range(500): print('夢' * 1000, flush=True)\nprint('end', file=sys.stderr)"
    process = child(command, stdout=-1, stderr=-1)
    process.stdout.close()
    errors = process.stderr.read()
    process.stderr.close()
    assert (process.wait(timeout=20), errors.strip()) == (0, b"end")


@posix
def test_full_disk_loses_lines_and_is_reported_at_the_end():
    with open("/dev/full", "wb") as full:
        process = child("print('x')\nsys.stdout.flush()\nprint('y')", stdout=full, stderr=-1)
        _, errors = process.communicate(timeout=20)
    assert (process.returncode, errors) == (
        1,
        b"the output could not be written: No space left on device\n",
    )


def test_write_after_a_freed_disk_is_shown_again():
    class Disk(io.StringIO):
        full = True

        def write(self, text):
            if self.full:
                raise OSError(28, "No space left on device")
            return super().write(text)

    stream = OutputStream(disk := Disk())
    stream.write("lost")
    disk.full = False
    stream.write("kept")
    assert disk.getvalue() == "kept"


def test_console_that_lacks_a_character_shows_a_mark():
    environment = {**os.environ, "PYTHONIOENCODING": "cp932"}
    process = child("print('夢 \\udcff é')", stdout=-1, stderr=-1, env=environment)
    output, errors = process.communicate(timeout=20)
    assert (process.returncode, errors) == (0, b"")
    assert output.decode().strip() == "夢 ? é"


def test_bytes_and_text_keep_their_order():
    process = child("print('a')\nsys.stdout.buffer.write(b'b')\nprint('c')", stdout=-1)
    assert process.communicate(timeout=20)[0].split() == [b"a", b"bc"]


@posix
@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_stalled_terminal_stops_neither_the_command_nor_its_exit(stream):
    command = f"write_in_background()\nfor _ in range(99): print('x' * 9999, file=sys.{stream})"
    reader, writer = os.pipe()  # without a reader
    process = child(command, **{stream: writer})
    os.close(writer)
    assert process.wait(timeout=20) == 0
    os.close(reader)


def test_background_writes_everything_before_the_exit():
    command = "write_in_background()\nfor i in range(2000): print(i)\nsys.exit(3)"
    process = child(command, stdout=-1)
    output, _ = process.communicate(timeout=20)
    assert output.split() == [b"%d" % i for i in range(2000)]
    assert process.returncode == 3


def test_ctrl_c_is_one_line_and_code_130():
    process = child("raise KeyboardInterrupt", stdout=-1, stderr=-1)
    assert process.communicate(timeout=20)[1].strip() == b"interrupted"
    assert process.returncode == 130


@posix
def test_ctrl_c_during_the_imports_is_one_line():
    """The first import sends the signal: at no other moment is the start surely not over."""
    first = "import os, signal; os.kill(os.getpid(), signal.SIGINT)"
    text = f"exec(open('main.py').read().replace('import typer', {first!r}, 1))"
    process = subprocess.run(
        [sys.executable, "-c", text], cwd=ROOT, capture_output=True, timeout=20, check=False
    )
    assert (process.returncode, process.stdout) == (130, b"")
    assert process.stderr == b"interrupted\n"


@pytest.mark.parametrize(
    ("environment", "code_page", "is_pipe", "encoding"),
    [
        ({}, 932, True, "cp932"),  # PowerShell 5 of a Japanese user, also with `> file`
        ({}, 437, True, "cp437"),
        ({}, 65001, True, "utf-8"),
        ({}, 932, False, "utf-8"),  # a console, or a file
        ({}, 0, True, "utf-8"),  # a service
        ({}, 12345, True, "utf-8"),  # unknown to Python
        ({"PYTHONUTF8": "1"}, 932, True, "utf-8"),
        ({"PYTHONIOENCODING": "latin-1"}, 932, True, "latin-1"),
    ],
)
def test_a_pipe_on_windows_has_the_code_page_of_the_console(
    environment, code_page, is_pipe, encoding
):
    now = environment.get("PYTHONIOENCODING", "cp1252")
    assert windows_encoding(now, environment, code_page, is_pipe=is_pipe) == encoding
