"""The dream picture: recorded frames, the model's predictions of them, and a dream of the future.

Below each row of frames are contacts and rays, if there are any. Pictures are uint8 (H, W, 3).
"""

from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from agent.networks.agent_networks import Networks
from agent.networks.dynamics import LatentState
from agent.networks.noise import Noise
from agent.networks.observing import previous_action
from agent.networks.patch_codec import to_image
from interfaces.core.sense_map import SenseMap
from interfaces.core.sense_picture import draw_senses
from interfaces.ipc.atomic_files import write_bytes
from trainer.data.batch import Batch
from trainer.objectives.filtering import filter_batch

_CONTEXT, _AHEAD = 4, 8  # steps with observations, then predicted steps
PICTURE_STEPS = _CONTEXT + _AHEAD
_TILE, _GAP, _MARGIN, _TITLE = 96, 2, 12, 24  # pixels
_INK, _DIM, _PAPER = (235, 235, 235), (150, 150, 150), (24, 24, 28)  # BGR

Picture = NDArray[np.uint8]
_NO_SENSES, _NO_FRAME = SenseMap(), np.zeros((0, 0, 3), np.uint8)
_SENSES_TITLE = "contacts and rays, seen from above"


class _Row(NamedTuple):
    """RGB tiles below a title. `predicted_from`: index of the first tile of the model's own."""

    title: str
    tiles: list[Picture]
    predicted_from: int | None


@torch.no_grad()
def draw_dream_picture(
    networks: Networks,
    window: Batch,
    num_actions: int,
    noise: Noise,
    caption: str,
    senses: SenseMap = _NO_SENSES,
) -> Picture:
    """BGR picture of the newest window (1, PICTURE_STEPS), in three rows.

    Row 1: the recorded frames. Row 2: the first 4 as the model reconstructs them, then its
    prediction with the recorded actions. Row 3: a dream that starts at the newest frame, with
    actions of the current policy. Each row shows frames, if there are any, and `senses`.
    """
    action = previous_action(window.vector, num_actions)
    observed = filter_batch(networks, window, noise)
    states = [LatentState(*(part[:, t] for part in observed.state)) for t in range(_CONTEXT)]
    for t in range(_CONTEXT, PICTURE_STEPS):
        states.append(networks.dynamics.predict_step(states[-1], action[:, t]))
    future = [LatentState(*(part[:, -1] for part in observed.state))]
    for _ in range(PICTURE_STEPS - 1):
        choice = networks.policy(future[-1].feature, noise)
        future.append(networks.dynamics.predict_step(future[-1], choice.action))
    recorded = list(window.image[0].cpu().numpy()), window.vector[0].cpu().numpy()
    predicted, dreamed = _decode(networks, states), _decode(networks, future)
    rows: list[_Row] = []
    for title, (frames, vectors), predicted_from in (
        ("recorded: the newest frames", recorded, None),
        (
            f"reconstructed ({_CONTEXT}), then predicted with the recorded actions",
            predicted,
            _CONTEXT,
        ),
        ("dream from the newest frame, with the current policy", dreamed, 1),
    ):
        if frames[0].size:
            rows.append(_Row(title, frames, predicted_from))
        if senses:
            tiles = [draw_senses(senses.readings(vector), _TILE) for vector in vectors]
            title = _SENSES_TITLE if frames[0].size else f"{title}: {_SENSES_TITLE}"
            rows.append(_Row(title, tiles, predicted_from))
    return _compose(rows, caption)


def write_dream_picture(path: Path, picture: Picture) -> None:
    """Writes a PNG atomically: a reader gets the old picture or the new one. Raises OSError."""
    ok, encoded = cv2.imencode(".png", picture)
    if ok:
        write_bytes(path, encoded.tobytes())


def _decode(
    networks: Networks, states: list[LatentState]
) -> tuple[list[Picture], NDArray[np.float32]]:
    """The frames of these states, each of size 0 without a camera, and the vectors (T, D)."""
    decoded = networks.decoder(torch.cat([state.feature for state in states]))
    vectors = networks.encoder.felt.inverse(decoded.vector).cpu().numpy()
    if not decoded.patches.numel():
        return [_NO_FRAME] * len(states), vectors
    return list(to_image(decoded.patches).cpu().numpy()), vectors


def _compose(rows: list[_Row], caption: str) -> Picture:
    """All rows on one canvas."""
    width = 2 * _MARGIN + PICTURE_STEPS * (_TILE + _GAP) - _GAP
    height = _MARGIN + _TITLE + len(rows) * (_TITLE + _TILE + _MARGIN)
    canvas = np.full((height, width, 3), _PAPER, np.uint8)
    _put_text(canvas, caption, _MARGIN, _MARGIN + 10, _INK)
    for i, (title, tiles, predicted_from) in enumerate(rows):
        top = _MARGIN + _TITLE + i * (_TITLE + _TILE + _MARGIN)
        _put_text(canvas, title, _MARGIN, top + 14, _DIM)
        for j, tile in enumerate(tiles):
            x, y = _MARGIN + j * (_TILE + _GAP), top + _TITLE
            bgr = cv2.cvtColor(tile, cv2.COLOR_RGB2BGR)
            canvas[y : y + _TILE, x : x + _TILE] = cv2.resize(
                bgr, (_TILE, _TILE), interpolation=cv2.INTER_NEAREST
            )
            if predicted_from is not None and j >= predicted_from:
                cv2.line(canvas, (x, y + _TILE), (x + _TILE - 1, y + _TILE), (220, 150, 90), 2)
    return canvas


def _put_text(canvas: Picture, text: str, x: int, y: int, colour: tuple[int, int, int]) -> None:
    cv2.putText(canvas, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, 0.42, colour, 1, cv2.LINE_AA)
