"""The stand-in as a command: alone at the terminal, and as a process of a run."""

import socket
import sys
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

from loguru import logger
from rich.console import Console

from configs.errors import BadInput
from configs.standin import StandinConfig
from interfaces.runtime.child_process import become, when_orphaned
from interfaces.runtime.run_folder import RunFolder
from interfaces.standin.standin_server import Ports, Screen, serve
from interfaces.vrchat.endpoints import read_endpoints


def serve_run(run_path: Path) -> None:
    """The stand-in's process: at the endpoints the run has chosen, until told to end.

    It outlives the body, as a client does; only its supervisor's end or word ends it.
    """
    stopped, orphaned = become("standin"), when_orphaned()
    run = RunFolder(run_path)
    config, endpoints = run.config, read_endpoints(run.endpoints)
    port = urlsplit(str(endpoints.camera_source)).port
    if port is None:
        raise BadInput(
            f"world.camera.source {endpoints.camera_source}: the stand-in can serve its picture "
            "only at auto, or at a URL http://127.0.0.1:PORT/camera.mjpg"
        )
    serve(
        config.world.standin,
        seed=config.seed,
        osc_in_port=endpoints.osc_send_port,
        osc_out_host="127.0.0.1",
        osc_out_port=endpoints.osc_receive_port,
        http_port=port,
        ready=lambda _: None,
        stop=_Either(stopped, orphaned),
    )


def serve_alone(
    config: StandinConfig,
    osc: str,
    http_port: int,
    seed: int,
    seconds: float | None,
    stopped: threading.Event,
    console: Console,
    *,
    window: bool = False,
    with_map: bool = True,
) -> None:
    """At the terminal: say where everything is, then live until Ctrl-C or for `seconds`.

    `window`: on the desktop as well, `with_map` beside the picture or without.
    `osc` is IN:HOST:OUT. Raises BadInput when it is something else, PortTaken when one is taken.
    """
    osc_in, host, osc_out = parse_osc(osc)
    logger.remove()
    logger.add(sys.stderr, level="INFO")

    def ready(ports: Ports) -> None:
        lines = [
            f"{config.place}, seed {seed}",
            f"OSC in 127.0.0.1:{ports.osc_in}   OSC out {host}:{ports.osc_out}",
            f"picture http://127.0.0.1:{ports.http}/camera.mjpg   truth …/truth   faults …/faults",
        ]
        if ports.oscquery:
            lines.append(f"OSCQuery {ports.name} on http://127.0.0.1:{ports.oscquery}/")
        if window:
            from interfaces.standin.desktop.keyboard import HELP as KEYS_HELP

            lines.append(KEYS_HELP)
        console.print(*lines, "Ctrl-C ends it", sep="\n", highlight=False, soft_wrap=True)

    def screen(ports: Ports) -> Screen:
        from interfaces.standin.desktop.desktop_player import Desk

        title = f"Yume · {config.place} · OSC {ports.osc_in}"
        return Desk(config, title, with_map=with_map)

    serve(
        config,
        seed=seed,
        osc_in_port=osc_in,
        osc_out_host=host,
        osc_out_port=osc_out,
        http_port=http_port,
        ready=ready,
        stop=_Either(stopped, _Timer(seconds)),
        screen=screen if window else None,
    )


def parse_osc(text: str) -> tuple[int, str, int]:
    """IN:HOST:OUT as VRChat's --osc has it; HOST as an address, looked up once. Raises BadInput."""
    parts = text.split(":")
    if len(parts) == 3 and parts[0].isdecimal() and parts[1] and parts[2].isdecimal():
        osc_in, host, osc_out = int(parts[0]), _address(text, parts[1]), int(parts[2])
        if osc_in == osc_out != 0 and host.startswith("127."):
            raise BadInput(f"--osc {text}: it would talk to itself; OUT is another port than IN")
        if max(osc_in, osc_out) <= 65535:
            return osc_in, host, osc_out
    raise BadInput(f"--osc {text}: allowed is IN:HOST:OUT with ports 0..65535, 9000:127.0.0.1:9001")


def _address(text: str, host: str) -> str:
    try:
        found = socket.getaddrinfo(host, None, socket.AF_INET, socket.SOCK_DGRAM)
    except (OSError, ValueError) as error:  # an encoding that fails is a ValueError
        raise BadInput(f"--osc {text}: there is no host {host} ({error})") from error
    return str(found[0][4][0])


class _Timer:
    """Set once the seconds have passed; never, when there are none."""

    def __init__(self, seconds: float | None) -> None:
        self._deadline = None if seconds is None else time.perf_counter() + seconds

    def is_set(self) -> bool:
        return self._deadline is not None and time.perf_counter() >= self._deadline


class _Either:
    def __init__(self, *stops: "threading.Event | _Timer") -> None:
        self._stops = stops

    def is_set(self) -> bool:
        return any(stop.is_set() for stop in self._stops)
