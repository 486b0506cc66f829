"""Encode a Step as MCAP messages and decode it, bit for bit (except JPEG pictures).

Pictures and sound use Foxglove's protobuf schemas; numbers are JSON objects with names.
JSON has no NaN: null stands for it.
"""

import json
import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import cv2
import numpy as np
from foxglove_schemas_protobuf.CompressedImage_pb2 import CompressedImage
from foxglove_schemas_protobuf.Log_pb2 import Log
from foxglove_schemas_protobuf.RawAudio_pb2 import RawAudio
from google.protobuf.message import DecodeError
from numpy.typing import NDArray

from interfaces.core.sense_map import SenseMap
from interfaces.core.spaces import Spaces
from interfaces.core.step import (
    OLD_REWARD_TERMS,
    SCALARS,
    Scalar,
    Sender,
    StepLayout,
    value_field,
    weight_field,
)
from interfaces.core.world import Situation
from interfaces.session.format.sense_messages import SENSE_TOPICS, encode_senses, sense_schemas
from interfaces.vrchat.actuators import wire_value

CAMERA, STEP, PARAMETERS, ACTION = "/camera", "/step", "/feeling", "/action"
SOUND, MEL = "/sound", "/mel"
EVENTS = "/events"  # for people; a Step is complete without it
CameraFormat = Literal["png", "jpeg"]
_PNG_LEVEL = 1  # a higher level takes three times as long and saves a twentieth of the size
_READ_FLAGS = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
_JPEG_FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})  # markers that hold the size

# What JSON, protobuf, OpenCV and NumPy raise for messages of another format.
_DECODE_ERRORS = (
    *(KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError),
    *(DecodeError, cv2.error),
)


class MessageError(ValueError):
    """The messages do not form a Step of these spaces."""


@dataclass(frozen=True)
class Codec:
    """Converts Steps of `layout` to messages and back.

    Messages of an older version lack fields of the layout, which get their defaults; unknown fields
    are ignored. `quality` is the JPEG quality, 1 to 100; `sample_rate` of raw sound is in Hz.
    `senses`: contacts and rays, which get topics of their own for people.
    """

    layout: StepLayout
    camera: CameraFormat = "png"
    quality: int = 75
    sample_rate: int = 16_000
    senses: SenseMap = field(default_factory=SenseMap)

    @property
    def spaces(self) -> Spaces:
        """The spaces of the layout."""
        return self.layout.spaces

    def topics(self) -> dict[str, Any]:
        """The schema of each topic: a protobuf class, or the name of a JSON schema."""
        image = {CAMERA: CompressedImage} if self.spaces.has_image else {}
        sound: dict[str, Any] = {}
        if self.spaces.has_sound:
            sound = {MEL: "yume.Mel"} | ({SOUND: RawAudio} if self.spaces.raw_shape else {})
        numbers = {PARAMETERS: "yume.Feeling", ACTION: "yume.Action"}
        for_people = {**sense_schemas(self.senses), EVENTS: Log}
        return {**image, **sound, **numbers, **for_people, STEP: "yume.Step"}

    def required_topics(self) -> set[str]:
        """The topics without which a Step is not complete."""
        return self.topics().keys() - {EVENTS, *SENSE_TOPICS.values()}

    def encode(self, step: NDArray[np.void]) -> dict[str, bytes]:
        """The messages of a 0-d record of the layout, by topic; /step is the last.

        Raises MessageError where OpenCV cannot encode the picture.
        """
        messages: dict[str, bytes] = {}
        if self.spaces.has_image:
            messages[CAMERA] = self._encode_image(step)
        if self.spaces.has_sound:
            mel = step["sound"]
            messages[MEL] = _json({"shape": mel.shape, "data": _nullable(mel.ravel())})
            if self.spaces.raw_shape:
                messages[SOUND] = self._encode_raw_sound(step)
        num_features = len(self.spaces.features)
        parameters = _nullable(step["vector"][:num_features])
        messages[PARAMETERS] = _json(dict(zip(self.spaces.features, parameters, strict=True)))
        sent, chosen = _nullable(step["action"]), _nullable(step["chosen"])
        before = _nullable(step["vector"][num_features:])
        messages[ACTION] = _json(
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
        messages |= encode_senses(self.senses, step["vector"], int(step["wall_ns"]))
        situation = Situation(int(step["situation"]))
        record: dict[str, Any] = {scalar.name: _to_json(step[scalar.name]) for scalar in SCALARS}
        record["situations"] = [flag.name for flag in situation]
        record["sender"] = Sender(int(step["sender"])).name.lower()
        record["rewards"] = {
            term: {
                "value": _to_json(step[value_field(term)]),
                "weight": _to_json(step[weight_field(term)]),
            }
            for term in self.layout.reward_terms
        }
        messages[STEP] = _json(record)
        return messages

    def decode(self, messages: Mapping[str, bytes], *, picture: bool = True) -> NDArray[np.void]:
        """The Step, a 0-d record; without `picture` its image stays black. Raises MessageError."""
        step = np.zeros((), self.layout.dtype)
        try:
            record = json.loads(messages[STEP])
            record["sender"] = Sender[record["sender"].upper()]
            for scalar in SCALARS:
                step[scalar.name] = _from_json(record, scalar)
            for term, (value, weight) in _reward_terms(record).items():
                if term in self.layout.reward_terms:
                    step[value_field(term)], step[weight_field(term)] = value, weight
            parameters = json.loads(messages[PARAMETERS])
            by_name = json.loads(messages[ACTION])
            actions = [by_name[action.name] for action in self.spaces.actions]
            step["vector"] = [
                *(_nan_for_null(parameters[name]) for name in self.spaces.features),
                *(_nan_for_null(each["before"]) for each in actions),
            ]
            step["action"] = [_nan_for_null(each["sent"]) for each in actions]
            step["chosen"] = [_nan_for_null(each["chosen"]) for each in actions]
            if self.spaces.has_image and picture:
                step["image"] = self._decode_image(messages[CAMERA])
            if self.spaces.has_sound:
                mel = json.loads(messages[MEL])
                step["sound"] = np.reshape([_nan_for_null(x) for x in mel["data"]], mel["shape"])
                if self.spaces.raw_shape:
                    step["sound_raw"] = self._decode_raw_sound(messages[SOUND])
        except _DECODE_ERRORS as error:
            raise MessageError(f"the messages are not a Step of these spaces: {error!r}") from error
        return step

    def _encode_image(self, step: NDArray[np.void]) -> bytes:
        bgr = cv2.cvtColor(step["image"], cv2.COLOR_RGB2BGR)
        if self.camera == "png":
            encoded, data = cv2.imencode(".png", bgr, [cv2.IMWRITE_PNG_COMPRESSION, _PNG_LEVEL])
        else:
            encoded, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, self.quality])
        if not encoded:
            raise MessageError(f"OpenCV cannot encode {self.camera}")
        message = CompressedImage(frame_id="camera", data=data.tobytes(), format=self.camera)
        age_ns = round(1e9 * float(step["frame_age_s"]))
        message.timestamp.FromNanoseconds(max(0, int(step["wall_ns"]) - age_ns))
        return message.SerializeToString()

    def _decode_image(self, message: bytes) -> NDArray[np.uint8]:
        data = CompressedImage.FromString(message).data
        if _image_size(data) != self.spaces.image_shape[:2]:  # checked before decompression
            raise ValueError("the picture has another size")
        bgr = cv2.imdecode(np.frombuffer(data, np.uint8), _READ_FLAGS)
        if bgr is None or bgr.shape != self.spaces.image_shape:
            raise ValueError("the picture has another size")
        return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8)

    def _encode_raw_sound(self, step: NDArray[np.void]) -> bytes:
        raw: NDArray[np.int16] = step["sound_raw"]
        message = RawAudio(
            data=np.ascontiguousarray(raw.T).tobytes(),
            format="pcm-s16",
            sample_rate=self.sample_rate,
            number_of_channels=raw.shape[0],
        )
        message.timestamp.FromNanoseconds(max(0, int(step["wall_ns"])))
        return message.SerializeToString()

    def _decode_raw_sound(self, message: bytes) -> NDArray[np.int16]:
        channels, samples = self.spaces.raw_shape
        flat = np.frombuffer(RawAudio.FromString(message).data, "<i2")
        return flat.reshape(samples, channels).T


def reward_terms_from(metadata: Mapping[str, str]) -> tuple[str, ...]:
    """The reward terms in the metadata `yume.spaces` of a file.

    A file of version 0.1.0 does not name them. Raises ValueError and TypeError.
    """
    if "reward_terms" not in metadata:
        return OLD_REWARD_TERMS
    terms = json.loads(metadata["reward_terms"])
    if not isinstance(terms, list) or len({str(term) for term in terms}) != len(terms):
        raise ValueError(f"reward_terms {metadata['reward_terms'][:80]}")
    return tuple(str(term) for term in terms)


def _reward_terms(record: dict[str, Any]) -> dict[str, tuple[float, float]]:
    """(value, weight) of each reward term. Version 0.1.0 stored the product, in `reward`."""
    if "rewards" in record:
        return {
            term: (_nan_for_null(each["value"]), _nan_for_null(each["weight"]))
            for term, each in record["rewards"].items()
        }
    return {term: (_nan_for_null(record["reward"][term]), 1.0) for term in OLD_REWARD_TERMS}


def _image_size(data: bytes) -> tuple[int, int] | None:
    """(height, width) from the header of a PNG or a JPEG; None for other data."""
    if data[:8] == b"\x89PNG\r\n\x1a\n" and len(data) >= 24:
        width, height = struct.unpack_from(">II", data, 16)
        return height, width
    offset = 2 if data[:2] == b"\xff\xd8" else len(data)
    while offset + 9 <= len(data) and data[offset] == 0xFF:
        marker, length = struct.unpack_from(">BH", data, offset + 1)
        if marker in _JPEG_FRAMES:
            height, width = struct.unpack_from(">HH", data, offset + 5)
            return height, width
        if marker == 0xFF:  # padding
            offset += 1
        elif marker == 0x01 or 0xD0 <= marker <= 0xD9:  # markers without a length
            offset += 2
        else:
            offset += 2 + max(2, length)
    return None


def _to_json(value: NDArray[np.generic]) -> float | int | bool | None:
    """A scalar of a Step for JSON."""
    number = value.item()
    return _number(number) if isinstance(number, float) else number


def _from_json(record: dict[str, Any], scalar: Scalar) -> float:
    """Raises KeyError if a scalar is missing that every record has."""
    if scalar.name not in record and scalar.default is not None:
        return scalar.default
    return _nan_for_null(record[scalar.name])


def _json(content: object) -> bytes:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


def _nullable(values: NDArray[np.floating[Any]]) -> list[float | None]:
    return [_number(value) for value in values.tolist()]


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _nan_for_null(value: float | None) -> float:
    return math.nan if value is None else value
