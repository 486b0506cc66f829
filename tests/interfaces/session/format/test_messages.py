"""A Step becomes messages and comes back: bit for bit, and readable by others."""

import json
import struct

import numpy as np
import pytest
from foxglove_schemas_protobuf.CompressedImage_pb2 import CompressedImage

from configs.actions import ActionConfig
from interfaces.core.world import Situation
from interfaces.session.format.messages import ACTION, CAMERA, FEELING, STEP, Codec, MessageError
from interfaces.vrchat.actuators import Axis, Button, wire_value
from tests.interfaces.session.recordings import HEARING, SPACES, make_steps, same


@pytest.mark.parametrize("spaces", [SPACES, HEARING], ids=["seeing", "hearing"])
def test_a_step_comes_back_bit_for_bit(spaces):
    codec = Codec(spaces)
    for step in make_steps(40, spaces):
        step = np.array(step)
        assert same(codec.decode(codec.encode(step)), step)


def test_numbers_that_json_has_not_come_back_as_nan():
    step = make_steps(1)[0, ...]
    step["vector"][0], step["log_prob"] = np.nan, np.nan
    messages = Codec(SPACES).encode(step)
    assert json.loads(messages[FEELING])["VelocityX"] is None
    back = Codec(SPACES).decode(messages)
    assert np.isnan(back["vector"][0])
    assert np.isnan(back["log_prob"])


def test_people_find_names_and_what_went_over_the_wire():
    step = make_steps(1)[0, ...]
    step["action"], step["situation"] = (0.5, 1.0, 0.0), Situation.MENU | Situation.MUTED
    messages = Codec(SPACES).encode(step)
    done = json.loads(messages[ACTION])
    assert done["Vertical"]["wire"] == pytest.approx(0.1 + 0.9 * 0.5)  # over the dead zone
    assert done["Jump"] == {"sent": 1.0, "wire": 1.0} | {
        name: pytest.approx(done["Jump"][name]) for name in ("chosen", "before")
    }
    assert done["Hello"]["wire"] is None
    assert json.loads(messages[STEP])["situations"] == ["MENU", "MUTED"]
    assert "頭なで" in json.loads(messages[FEELING])


def test_the_wire_value_is_what_the_fingers_send():
    stick = ActionConfig(name="LookHorizontal", levels=5)
    axis = Axis(stick, 0.1)
    for wanted in np.linspace(-1, 1, 21):
        sent = axis.move(float(wanted), 1)
        assert wire_value(stick, sent) == pytest.approx(axis.snapshot()["wire"] or 0.0)
    switch = ActionConfig(name="Toggle", kind="hold", target="parameter", rest=2.0, down=5.0)
    button = Button(switch, [])
    assert [wire_value(switch, button.move(wanted, 1)) for wanted in (0.0, 1.0)] == [2.0, 5.0]


def test_a_jpeg_camera_is_near_and_says_so():
    step = make_steps(1)[0, ...]
    step["image"] = np.linspace(0, 255, 12, dtype=np.uint8)[None, :, None]
    codec = Codec(SPACES, "jpeg", 90)
    messages = codec.encode(step)
    image = CompressedImage.FromString(messages[CAMERA])
    assert image.format == "jpeg"
    assert image.timestamp.ToNanoseconds() == int(step["wall_ns"]) - round(
        1e9 * float(step["frame_age_s"])
    )
    back = codec.decode(messages)
    assert np.abs(back["image"].astype(int) - step["image"]).mean() < 4
    assert not codec.decode(messages, picture=False)["image"].any()


@pytest.mark.parametrize(
    "broken",
    [
        lambda m: m.pop(CAMERA),
        lambda m: m.update({STEP: b"{}"}),
        lambda m: m.update({FEELING: b"no JSON"}),
        lambda m: m.update({CAMERA: b"\xff"}),
        lambda m: m.update({ACTION: m[ACTION].replace(b"Vertical", b"Sideways")}),
    ],
)
def test_what_is_no_step_is_refused(broken):
    codec = Codec(SPACES)
    messages = codec.encode(make_steps(1)[0, ...])
    broken(messages)
    with pytest.raises(MessageError):
        codec.decode(messages)


@pytest.mark.parametrize("camera", ["png", "jpeg"])
def test_a_picture_that_says_it_is_larger_is_not_unpacked(camera, monkeypatch):
    codec = Codec(SPACES, camera)
    messages = codec.encode(make_steps(1)[0, ...])
    picture = CompressedImage.FromString(messages[CAMERA])
    height, width = SPACES.image_shape[:2]
    if camera == "png":
        told, forged = struct.pack(">II", width, height), struct.pack(">II", 30_000, 30_000)
    else:
        told, forged = struct.pack(">HH", height, width), struct.pack(">HH", 30_000, 30_000)
    assert told in picture.data[:1000]
    picture.data = picture.data.replace(told, forged, 1)
    messages[CAMERA] = picture.SerializeToString()
    unpacked = []
    monkeypatch.setattr("cv2.imdecode", lambda *_: unpacked.append(1))
    with pytest.raises(MessageError, match="no picture of this size"):
        codec.decode(messages)
    assert not unpacked


@pytest.mark.parametrize("before", [b"\xff\x01", b"\xff\xd0", b"\xff\xff\xff"])
def test_a_jpeg_is_as_large_as_its_decoder_will_find_it(before):
    """Markers without a length, and padding, are none of its parts."""
    codec = Codec(SPACES, "jpeg")
    step = make_steps(1)[0, ...]
    messages = codec.encode(step)
    seen = codec.decode(messages)["image"]
    picture = CompressedImage.FromString(messages[CAMERA])
    picture.data = picture.data[:2] + before + picture.data[2:]
    messages[CAMERA] = picture.SerializeToString()
    np.testing.assert_array_equal(codec.decode(messages)["image"], seen)
