"""A Step is encoded as readable messages and decoded bit for bit."""

import json
import struct

import numpy as np
import pytest
from foxglove_schemas_protobuf.CompressedImage_pb2 import CompressedImage

from configs.actions import ActionConfig
from interfaces.core.world import Situation
from interfaces.session.format.messages import ACTION, CAMERA, PARAMETERS, STEP, Codec, MessageError
from interfaces.vrchat.actuators import Axis, HoldButton, wire_value
from tests.interfaces.session.recordings import SOUND_SPACES, SPACES, layout_of, make_steps, same


@pytest.mark.parametrize("spaces", [SPACES, SOUND_SPACES], ids=["picture", "sound"])
def test_a_step_is_decoded_bit_for_bit(spaces):
    codec = Codec(layout_of(spaces))
    for step in make_steps(40, spaces):
        step = np.array(step)
        assert same(codec.decode(codec.encode(step)), step)


def test_nan_is_stored_as_null():
    step = make_steps(1)[0, ...]
    step["vector"][0], step["log_prob"] = np.nan, np.nan
    messages = Codec(layout_of(SPACES)).encode(step)
    assert json.loads(messages[PARAMETERS])["VelocityX"] is None
    decoded = Codec(layout_of(SPACES)).decode(messages)
    assert np.isnan(decoded["vector"][0])
    assert np.isnan(decoded["log_prob"])


def test_messages_hold_names_and_the_value_sent_to_the_client():
    step = make_steps(1)[0, ...]
    step["action"], step["situation"] = (0.5, 1.0, 0.0), Situation.MENU | Situation.MUTED
    messages = Codec(layout_of(SPACES)).encode(step)
    action = json.loads(messages[ACTION])
    assert action["Vertical"]["wire"] == pytest.approx(0.1 + 0.9 * 0.5)  # mapped past the dead zone
    assert action["Jump"] == {"sent": 1.0, "wire": 1.0} | {
        name: pytest.approx(action["Jump"][name]) for name in ("chosen", "before")
    }
    assert action["Hello"]["wire"] is None
    assert json.loads(messages[STEP])["situations"] == ["MENU", "MUTED"]
    assert "頭なで" in json.loads(messages[PARAMETERS])


def test_the_wire_value_is_the_one_that_the_actuator_sends():
    stick = ActionConfig(name="LookHorizontal", levels=5)
    axis = Axis(stick, 0.1)
    for value in np.linspace(-1, 1, 21):
        sent = axis.update(float(value), 1)
        assert wire_value(stick, sent) == pytest.approx(axis.snapshot()["wire"] or 0.0)
    switch = ActionConfig(name="Toggle", kind="hold", target="parameter", rest=2.0, down=5.0)
    button = HoldButton(switch, [])
    assert [wire_value(switch, button.update(value, 1)) for value in (0.0, 1.0)] == [2.0, 5.0]


def test_a_jpeg_picture_is_similar_and_named_as_jpeg():
    step = make_steps(1)[0, ...]
    step["image"] = np.linspace(0, 255, 12, dtype=np.uint8)[None, :, None]
    codec = Codec(layout_of(SPACES), "jpeg", 90)
    messages = codec.encode(step)
    image = CompressedImage.FromString(messages[CAMERA])
    assert image.format == "jpeg"
    assert image.timestamp.ToNanoseconds() == int(step["wall_ns"]) - round(
        1e9 * float(step["frame_age_s"])
    )
    decoded = codec.decode(messages)
    assert np.abs(decoded["image"].astype(int) - step["image"]).mean() < 4
    assert not codec.decode(messages, picture=False)["image"].any()


@pytest.mark.parametrize(
    "broken",
    [
        lambda m: m.pop(CAMERA),
        lambda m: m.update({STEP: b"{}"}),
        lambda m: m.update({PARAMETERS: b"no JSON"}),
        lambda m: m.update({CAMERA: b"\xff"}),
        lambda m: m.update({ACTION: m[ACTION].replace(b"Vertical", b"Sideways")}),
    ],
)
def test_messages_that_are_not_a_step_are_refused(broken):
    codec = Codec(layout_of(SPACES))
    messages = codec.encode(make_steps(1)[0, ...])
    broken(messages)
    with pytest.raises(MessageError):
        codec.decode(messages)


@pytest.mark.parametrize("camera", ["png", "jpeg"])
def test_a_picture_with_a_forged_size_is_not_decompressed(camera, monkeypatch):
    codec = Codec(layout_of(SPACES), camera)
    messages = codec.encode(make_steps(1)[0, ...])
    picture = CompressedImage.FromString(messages[CAMERA])
    height, width = SPACES.image_shape[:2]
    if camera == "png":
        stated, forged = struct.pack(">II", width, height), struct.pack(">II", 30_000, 30_000)
    else:
        stated, forged = struct.pack(">HH", height, width), struct.pack(">HH", 30_000, 30_000)
    assert stated in picture.data[:1000]
    picture.data = picture.data.replace(stated, forged, 1)
    messages[CAMERA] = picture.SerializeToString()
    decompressed = []
    monkeypatch.setattr("cv2.imdecode", lambda *_: decompressed.append(1))
    with pytest.raises(MessageError, match="another size"):
        codec.decode(messages)
    assert not decompressed


@pytest.mark.parametrize("before", [b"\xff\x01", b"\xff\xd0", b"\xff\xff\xff"])
def test_the_size_of_a_jpeg_is_found_after_padding_and_markers_without_a_length(before):
    codec = Codec(layout_of(SPACES), "jpeg")
    step = make_steps(1)[0, ...]
    messages = codec.encode(step)
    image = codec.decode(messages)["image"]
    picture = CompressedImage.FromString(messages[CAMERA])
    picture.data = picture.data[:2] + before + picture.data[2:]
    messages[CAMERA] = picture.SerializeToString()
    np.testing.assert_array_equal(codec.decode(messages)["image"], image)
