"""A Step as MCAP messages and back, bit for bit (a JPEG camera excepted).

Pictures and sound go by Foxglove's protobuf schemas, numbers by JSON with names.
JSON has no NaN: null stands for it.
"""

import json
import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import cv2
import numpy as np
from foxglove_schemas_protobuf.CompressedImage_pb2 import CompressedImage
from foxglove_schemas_protobuf.Log_pb2 import Log
from foxglove_schemas_protobuf.RawAudio_pb2 import RawAudio
from google.protobuf.message import DecodeError
from numpy.typing import NDArray

from interfaces.core.rewards import LIVED_TERMS
from interfaces.core.spaces import Spaces
from interfaces.core.step import Sender, step_dtype
from interfaces.core.world import Situation
from interfaces.vrchat.actuators import wire_value

CAMERA, STEP, FEELING, ACTION = "/camera", "/step", "/feeling", "/action"
SOUND, MEL = "/sound", "/mel"
EVENTS = "/events"  # for people; a Step is whole without it
CameraFormat = Literal["png", "jpeg"]
_PNG_LEVEL = 1  # more costs thrice the time and saves a twentieth
_WHOLE = ("index", "tick", "frame_number", "weights_version", "skipped", "monotonic_ns", "wall_ns")
_REAL = ("lateness_s", "frame_age_s", "decide_s", "log_prob", "world_reward")
_FLAGS = ("is_first", "is_last", "is_terminal")
_AS_IT_IS = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
_JPEG_FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})  # markers that tell the size


# What JSON, protobuf, OpenCV and NumPy make of messages that are none of ours.
_NO_STEP = (
    *(KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError),
    *(DecodeError, cv2.error),
)


class MessageError(ValueError):
    """Messages that make no Step of these spaces."""


@dataclass(frozen=True)
class Codec:
    """Between Steps of `spaces` and messages. `quality` is of JPEG, 1..100; `sample_rate` in Hz."""

    spaces: Spaces
    camera: CameraFormat = "png"
    quality: int = 75
    sample_rate: int = 16_000

    def topics(self) -> dict[str, Any]:
        """Each topic with its schema: a protobuf class, or the name of a JSON object."""
        seen = {CAMERA: CompressedImage} if self.spaces.has_image else {}
        heard: dict[str, Any] = {}
        if self.spaces.has_sound:
            heard = {MEL: "yume.Mel"} | ({SOUND: RawAudio} if self.spaces.raw_shape else {})
        named = {FEELING: "yume.Feeling", ACTION: "yume.Action"}
        return {**seen, **heard, **named, EVENTS: Log, STEP: "yume.Step"}

    def encode(self, step: NDArray[np.void]) -> dict[str, bytes]:
        """The messages of a 0-d record of step_dtype, by topic; /step is the last."""
        found: dict[str, bytes] = {}
        if self.spaces.has_image:
            found[CAMERA] = self._picture(step)
        if self.spaces.has_sound:
            mel = step["sound"]
            found[MEL] = _json({"shape": mel.shape, "data": _plain(mel.ravel())})
            if self.spaces.raw_shape:
                found[SOUND] = self._raw(step)
        felt = len(self.spaces.features)
        found[FEELING] = _json(
            dict(zip(self.spaces.features, _plain(step["vector"][:felt]), strict=True))
        )
        sent, chosen = _plain(step["action"]), _plain(step["chosen"])
        before = _plain(step["vector"][felt:])
        found[ACTION] = _json(
            {
                action.name: {
                    "sent": sent[i],
                    "wire": wire_value(action, float(step["action"][i])),
                    "chosen": chosen[i],
                    "before": before[i],
                }
                for i, action in enumerate(self.spaces.actions)
            }
        )
        situation = Situation(int(step["situation"]))
        told: dict[str, Any] = {name: int(step[name]) for name in _WHOLE}
        told |= {name: _number(float(step[name])) for name in _REAL}
        told |= {name: bool(step[name]) for name in _FLAGS}
        told["situation"] = int(situation)
        told["situations"] = [flag.name for flag in situation]
        told["sender"] = Sender(int(step["sender"])).name.lower()
        told["reward"] = dict(zip(LIVED_TERMS, _plain(step["reward"]), strict=True))
        found[STEP] = _json(told)
        return found

    def decode(self, messages: Mapping[str, bytes], *, picture: bool = True) -> NDArray[np.void]:
        """The Step, a 0-d record; without `picture` its image stays black. Raises MessageError."""
        step = np.zeros((), step_dtype(self.spaces))
        try:
            told = json.loads(messages[STEP])
            for name in (*_WHOLE, *_FLAGS, "situation"):
                step[name] = told[name]
            for name in _REAL:
                step[name] = _real(told[name])
            step["sender"] = Sender[told["sender"].upper()]
            step["reward"] = [_real(told["reward"][term]) for term in LIVED_TERMS]
            felt, done = json.loads(messages[FEELING]), json.loads(messages[ACTION])
            actions = [done[action.name] for action in self.spaces.actions]
            step["vector"] = [
                *(_real(felt[name]) for name in self.spaces.features),
                *(_real(each["before"]) for each in actions),
            ]
            step["action"] = [_real(each["sent"]) for each in actions]
            step["chosen"] = [_real(each["chosen"]) for each in actions]
            if self.spaces.has_image and picture:
                step["image"] = self._seen(messages[CAMERA])
            if self.spaces.has_sound:
                mel = json.loads(messages[MEL])
                step["sound"] = np.reshape([_real(x) for x in mel["data"]], mel["shape"])
                if self.spaces.raw_shape:
                    step["sound_raw"] = self._heard(messages[SOUND])
        except _NO_STEP as error:
            raise MessageError(f"not a Step of these spaces: {error!r}") from error
        return step

    def _picture(self, step: NDArray[np.void]) -> bytes:
        bgr = cv2.cvtColor(step["image"], cv2.COLOR_RGB2BGR)
        if self.camera == "png":
            done, coded = cv2.imencode(".png", bgr, [cv2.IMWRITE_PNG_COMPRESSION, _PNG_LEVEL])
        else:
            done, coded = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, self.quality])
        if not done:
            raise MessageError(f"OpenCV cannot write {self.camera}")
        message = CompressedImage(frame_id="camera", data=coded.tobytes(), format=self.camera)
        age_ns = round(1e9 * float(step["frame_age_s"]))
        message.timestamp.FromNanoseconds(max(0, int(step["wall_ns"]) - age_ns))
        return message.SerializeToString()

    def _seen(self, message: bytes) -> NDArray[np.uint8]:
        coded = CompressedImage.FromString(message).data
        if _size_told(coded) != self.spaces.image_shape[:2]:  # before it is unpacked
            raise ValueError("no picture of this size")
        bgr = cv2.imdecode(np.frombuffer(coded, np.uint8), _AS_IT_IS)
        if bgr is None or bgr.shape != self.spaces.image_shape:
            raise ValueError("no picture of this size")
        return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8)

    def _raw(self, step: NDArray[np.void]) -> bytes:
        raw: NDArray[np.int16] = step["sound_raw"]
        message = RawAudio(
            data=np.ascontiguousarray(raw.T).tobytes(),
            format="pcm-s16",
            sample_rate=self.sample_rate,
            number_of_channels=raw.shape[0],
        )
        message.timestamp.FromNanoseconds(max(0, int(step["wall_ns"])))
        return message.SerializeToString()

    def _heard(self, message: bytes) -> NDArray[np.int16]:
        channels, samples = self.spaces.raw_shape
        flat = np.frombuffer(RawAudio.FromString(message).data, "<i2")
        return flat.reshape(samples, channels).T


def _size_told(coded: bytes) -> tuple[int, int] | None:
    """(height, width) as the head of a PNG or a JPEG has it; None where it is neither."""
    if coded[:8] == b"\x89PNG\r\n\x1a\n" and len(coded) >= 24:
        width, height = struct.unpack_from(">II", coded, 16)
        return height, width
    place = 2 if coded[:2] == b"\xff\xd8" else len(coded)
    while place + 9 <= len(coded) and coded[place] == 0xFF:
        kind, length = struct.unpack_from(">BH", coded, place + 1)
        if kind in _JPEG_FRAMES:
            height, width = struct.unpack_from(">HH", coded, place + 5)
            return height, width
        if kind == 0xFF:  # padding
            place += 1
        elif kind == 0x01 or 0xD0 <= kind <= 0xD9:  # markers without a length
            place += 2
        else:
            place += 2 + max(2, length)
    return None


def _json(content: object) -> bytes:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


def _plain(values: NDArray[np.floating[Any]]) -> list[float | None]:
    return [_number(value) for value in values.tolist()]


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _real(value: float | None) -> float:
    return math.nan if value is None else value
