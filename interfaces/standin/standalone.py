"""The stand-in as a program at the terminal, without a run."""

import contextlib
import math
import socket
import sys
import threading
from pathlib import Path

from loguru import logger
from rich.console import Console

from configs.errors import BadInput
from configs.standin import StandinConfig
from interfaces.ipc.access_token import new_token, token_file
from interfaces.standin.standin_server import LocalPlayer, Ports, serve
from interfaces.standin.stop_flags import StopAfter, StopWhenAny


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
    episode_s: float = math.inf,
    token_folder: Path | None = None,
) -> None:
    """Print the ports and URLs, then serve until `stopped` is set or `seconds` have passed.

    `osc`: IN:HOST:OUT. `window`: also show a desktop window, with the map if `with_map`.
    `episode_s`: see StandinCore. `token_folder`: gets the file standin-PORT with the token for
    changes of faults and for events; None: there are none.
    Raises BadInput for another `osc`, StandinPortTaken for a port that is in use, and NoDisplay
    if no window can be opened.
    """
    osc_in, host, osc_out = parse_osc(osc)
    logger.remove()
    logger.add(sys.stderr, level="INFO")

    token, files = new_token(), contextlib.ExitStack()

    def ready(ports: Ports) -> None:
        if token_folder is not None:
            files.enter_context(token_file(token_folder / f"standin-{ports.http}", token))
        lines = [
            f"{config.place}, seed {seed}",
            f"OSC in 127.0.0.1:{ports.osc_in}   OSC out {host}:{ports.osc_out}",
            f"picture http://127.0.0.1:{ports.http}/camera.mjpg   truth …/truth",
            f"faults and events: …/faults?token={token}   …/events?token={token}",
        ]
        if ports.oscquery:
            lines.append(f"OSCQuery {ports.name} on http://127.0.0.1:{ports.oscquery}/")
        stay_s = config.rooms.stay_s(episode_s)
        if math.isfinite(stay_s):
            lines.append(f"another room after every {stay_s:g} s")
        if window:
            from interfaces.standin.desktop.keyboard import HELP as KEYS_HELP

            lines.append(KEYS_HELP)
        console.print(*lines, "Press Ctrl-C to stop", sep="\n", highlight=False, soft_wrap=True)

    def player(ports: Ports) -> LocalPlayer:
        from interfaces.standin.desktop.desktop_player import DesktopPlayer

        title = f"Yume · {config.place} · OSC {ports.osc_in}"
        return DesktopPlayer(config, title, with_map=with_map)

    with files:
        serve(
            config,
            seed=seed,
            osc_in_port=osc_in,
            osc_out_host=host,
            osc_out_port=osc_out,
            http_port=http_port,
            ready=ready,
            stop=StopWhenAny(stopped, StopAfter(seconds)),
            player=player if window else None,
            episode_s=episode_s,
            token=token,
        )


def parse_osc(text: str) -> tuple[int, str, int]:
    """IN:HOST:OUT, as in VRChat's --osc: in port, IPv4 address of HOST, out port.

    HOST is resolved once. Raises BadInput.
    """
    parts = text.split(":")
    if len(parts) == 3 and parts[0].isdecimal() and parts[1] and parts[2].isdecimal():
        osc_in, host, osc_out = int(parts[0]), _address(text, parts[1]), int(parts[2])
        if osc_in == osc_out != 0 and host.startswith("127."):
            raise BadInput(
                f"--osc {text}: the stand-in would send to itself; choose an OUT port that is not "
                "the IN port"
            )
        if max(osc_in, osc_out) <= 65535:
            return osc_in, host, osc_out
    raise BadInput(
        f"--osc {text}: allowed is IN:HOST:OUT with ports 0..65535, such as 9000:127.0.0.1:9001"
    )


def _address(text: str, host: str) -> str:
    try:
        addresses = socket.getaddrinfo(host, None, socket.AF_INET, socket.SOCK_DGRAM)
    except (OSError, ValueError) as error:  # a name that cannot be encoded gives a ValueError
        raise BadInput(f"--osc {text}: host {host} is unknown ({error})") from error
    return str(addresses[0][4][0])
