"""Other OSC programs, those of liblo-tools, work with the client."""

import os
import shutil
import socket
import subprocess

import pytest

from tests.contracts.vrchat.client import RUN_M_S, command, free_port, near, standin_only


@pytest.mark.skipif(shutil.which("oscsend") is None, reason="needs liblo-tools: oscsend")
def test_oscsend_moves_the_avatar(client):
    mark = len(client.log)
    port = str(client.send_port)
    subprocess.run(["oscsend", "127.0.0.1", port, "/input/Vertical", "f", "1.0"], check=True)
    client.wait_for("VelocityZ", near(RUN_M_S), after=mark)
    subprocess.run(["oscsend", "127.0.0.1", port, "/input/Jump", "T"], check=True)
    client.wait_for("Grounded", lambda value: value is False, after=mark)


@standin_only
@pytest.mark.skipif(shutil.which("oscdump") is None, reason="needs liblo-tools: oscdump")
def test_oscdump_reads_the_messages():
    """oscdump takes the port to which a second stand-in sends."""
    port, http = free_port(socket.SOCK_DGRAM), free_port(socket.SOCK_STREAM)
    osc = f"{free_port(socket.SOCK_DGRAM)}:127.0.0.1:{port}"
    dump = subprocess.Popen(
        ["oscdump", "-L", str(port)], stdout=subprocess.PIPE, text=True, encoding="utf-8"
    )
    try:
        subprocess.run(
            command(
                "standin", "--no-oscquery", "--seconds", "1", "--osc", osc, "--http", str(http)
            ),
            check=True,
            stdout=subprocess.DEVNULL,
        )
    finally:
        dump.terminate()
    printed = dump.communicate(timeout=5)[0]
    assert "/avatar/change s" in printed
    assert "/avatar/parameters/Grounded T" in printed
    assert "/avatar/parameters/VelocityZ f 0.0" in printed
    assert "/avatar/parameters/TrackingType i 3" in printed
    assert os.linesep not in printed.split("/avatar/change")[0]
