"""The picture of the dream: what was lived, what was dreamed of it, and what is dreamed to come."""

from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from agent.networks.agent_networks import Networks
from agent.networks.dynamics import State
from agent.networks.noise import Noise
from agent.networks.patch_codec import to_image, to_patches
from interfaces.ipc.atomic_files import write_bytes
from trainer.objectives.losses import Batch, previous_action

_CONTEXT, _AHEAD = 4, 8
VIEW_LENGTH = _CONTEXT + _AHEAD
_TILE, _GAP, _MARGIN, _TITLE = 96, 2, 12, 24
_INK, _DIM, _PAPER = (235, 235, 235), (150, 150, 150), (24, 24, 28)

Picture = NDArray[np.uint8]


@torch.no_grad()
def draw_view(
    networks: Networks, window: Batch, num_actions: int, noise: Noise, caption: str
) -> Picture:
    """BGR picture of the window (1, VIEW_LENGTH).

    Row 1: frames lived. Row 2: the same, seen through the model for the first frames, then dreamed
    with the actions really sent. Row 3: what it dreams will come next, under its own policy.
    """
    action = previous_action(window.vector, num_actions)
    observed = networks.dynamics.observe(
        networks.encoder(to_patches(window.image), window.vector, window.sound),
        action,
        window.is_first,
        networks.dynamics.initial(1, window.vector.device),
        noise,
    )
    states = [State(*(part[:, t] for part in observed.state)) for t in range(_CONTEXT)]
    for t in range(_CONTEXT, VIEW_LENGTH):
        states.append(networks.dynamics.expect_step(states[-1], action[:, t]))
    future = [State(*(part[:, -1] for part in observed.state))]
    for _ in range(VIEW_LENGTH - 1):
        choice = networks.policy(future[-1].feature, noise)
        future.append(networks.dynamics.expect_step(future[-1], choice.action))
    lived = list(window.image[0].cpu().numpy())
    rows: list[tuple[str, list[Picture], int | None]] = [
        ("lived: the newest frames", lived, None),
        (
            f"seen ({_CONTEXT}), then dreamed with the actions really sent",
            _decode(networks, states),
            _CONTEXT,
        ),
        ("dreamed to come, from now on, under its own policy", _decode(networks, future), 1),
    ]
    return _compose(rows, caption)


def write_view(path: Path, picture: Picture) -> None:
    """PNG; readers see the old picture or the new one."""
    ok, encoded = cv2.imencode(".png", picture)
    if ok:
        write_bytes(path, encoded.tobytes())


def _decode(networks: Networks, states: list[State]) -> list[Picture]:
    feature = torch.cat([state.feature for state in states])
    return list(to_image(networks.decoder(feature).patches).cpu().numpy())


def _compose(rows: list[tuple[str, list[Picture], int | None]], caption: str) -> Picture:
    width = 2 * _MARGIN + VIEW_LENGTH * (_TILE + _GAP) - _GAP
    height = _MARGIN + _TITLE + len(rows) * (_TITLE + _TILE + _MARGIN)
    canvas = np.full((height, width, 3), _PAPER, np.uint8)
    _write(canvas, caption, _MARGIN, _MARGIN + 10, _INK)
    for i, (title, tiles, dreamed_from) in enumerate(rows):
        top = _MARGIN + _TITLE + i * (_TITLE + _TILE + _MARGIN)
        _write(canvas, title, _MARGIN, top + 14, _DIM)
        for j, tile in enumerate(tiles):
            x, y = _MARGIN + j * (_TILE + _GAP), top + _TITLE
            bgr = cv2.cvtColor(tile, cv2.COLOR_RGB2BGR)
            canvas[y : y + _TILE, x : x + _TILE] = cv2.resize(
                bgr, (_TILE, _TILE), interpolation=cv2.INTER_NEAREST
            )
            if dreamed_from is not None and j >= dreamed_from:
                cv2.line(canvas, (x, y + _TILE), (x + _TILE - 1, y + _TILE), (220, 150, 90), 2)
    return canvas


def _write(canvas: Picture, text: str, x: int, y: int, colour: tuple[int, int, int]) -> None:
    cv2.putText(canvas, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, 0.42, colour, 1, cv2.LINE_AA)
