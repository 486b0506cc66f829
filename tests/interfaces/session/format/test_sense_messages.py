"""Contacts and rays have topics of their own in a session, which no reader needs."""

import math
from dataclasses import replace

import numpy as np
import pytest
from mcap.reader import make_reader
from mcap_protobuf.decoder import DecoderFactory

from configs.load import load_config
from interfaces.core.sense_map import SenseMap, sense_map
from interfaces.core.spaces import Spaces
from interfaces.session.format.messages import Codec
from interfaces.session.format.run_info import codec_for
from interfaces.session.format.segment_reader import codec_of
from interfaces.session.format.segment_writer import SPACES as SPACES_KEY
from interfaces.session.format.segment_writer import SegmentWriter
from interfaces.session.format.session import Session, segment_files
from interfaces.session.maintain.cut import cut
from interfaces.session.maintain.overview import describe
from interfaces.session.maintain.recover import recover
from tests.conftest import ROOT
from tests.interfaces.session.recordings import layout_of, make_steps, read_all, same, time_of

CONFIG = load_config(
    ROOT / "configs" / "tiny.yaml",
    ["world.contacts.mode=on", "world.rays={mode: on, players: {count: 4, spread_deg: 90}}"],
)
WORLD = CONFIG.world
FEATURES = (*WORLD.parameters, *WORLD.sense_features)
SPACES = Spaces((16, 12, 3), FEATURES, WORLD.actions)
TOPICS = {"/contacts", "/rays/players", "/rays/world"}


def steps_with(count=20, **values):
    """Random Steps in which the named features have these values, and all others of senses 0."""
    steps = make_steps(count, SPACES)
    steps["vector"][:, len(WORLD.parameters) : len(FEATURES)] = 0.0
    for name, value in values.items():
        steps["vector"][:, FEATURES.index(name)] = value
    return steps


def record(folder, steps, *, close=True):
    codec = codec_for(CONFIG, layout_of(SPACES))
    writer = SegmentWriter(folder, 0, codec, {})
    for i in range(len(steps)):
        writer.put(steps[i, ...])
    if close:
        writer.close()
    else:
        writer.abandon()


def decoded(path):
    """The first message of each topic of the senses, as other programs read it."""
    with path.open("rb") as file:
        reader = make_reader(file, decoder_factories=[DecoderFactory()])
        messages = list(reader.iter_decoded_messages(topics=TOPICS))
    return {each.channel.topic: each.decoded_message for each in reversed(messages)}


def points(scan):
    """(ahead, left) of each ray in metres, by the definition of foxglove.LaserScan."""
    angles = np.linspace(scan.start_angle, scan.end_angle, len(scan.ranges))
    return np.stack([np.cos(angles), np.sin(angles)], 1) * np.array(scan.ranges)[:, None]


def test_each_sense_is_where_it_looks(tmp_path):
    known = {f"YumeRayW{i}_Known": 1.0 for i in range(23)}
    hits = {"YumeRayP3": 0.5, "YumeRayP3_Known": 1.0, "YumeRayW6": 0.75}
    contacts = {"YumeNear1": 0.8, "YumeNear1_Known": 1.0, "YumeNear0_Known": 1.0}
    record(tmp_path, steps_with(**known, **hits, **contacts))
    messages = decoded(segment_files(tmp_path)[0])
    players, world = points(messages["/rays/players"]), points(messages["/rays/world"])
    side = 5.0 * math.sin(math.radians(45.0))
    np.testing.assert_allclose(players[3], (side, -side), atol=1e-5)
    assert np.isnan(players[:3]).all(), "unknown"
    np.testing.assert_allclose(world[6], (0.0, -2.5), atol=1e-5)
    np.testing.assert_allclose(world[0], (10.0, 0.0), atol=1e-5)
    assert np.isnan(world[23]).all()
    ahead, right, behind, _ = messages["/contacts"].entities[0].spheres
    assert (ahead.pose.position.x, ahead.pose.position.y) == (1.0, 0.0)
    assert right.pose.position.y == -1.0
    assert right.size.x > ahead.size.x, "a person is near on the right"
    assert behind.color.r == behind.color.b, "unknown is grey"


@pytest.mark.parametrize("close", [True, False])
def test_cut_and_recover_keep_them_and_the_steps_are_unchanged(close, tmp_path, monkeypatch):
    monkeypatch.setattr("interfaces.session.format.segment_writer.CHUNK_BYTES", 200)
    steps = steps_with(YumeNear1=0.5, YumeNear1_Known=1.0)
    record(tmp_path / "session", steps, close=close)
    if not close:
        recover(tmp_path)
    assert same(read_all(tmp_path), steps[: Session(tmp_path).end])
    cut(tmp_path, tmp_path / "part.mcap", time_of(3), time_of(8))
    assert same(read_all(tmp_path / "part.mcap"), steps[3:8])
    assert decoded(tmp_path / "part.mcap").keys() == TOPICS


def test_a_reader_that_does_not_know_them_reads_the_same_step():
    codec = codec_for(CONFIG, layout_of(SPACES))
    (step,) = steps_with(1)
    messages = codec.encode(step)
    old = Codec(layout_of(SPACES))
    assert codec.topics().keys() - old.topics().keys() == TOPICS
    assert codec.required_topics() == old.required_topics()
    assert same(old.decode(messages), codec.decode(messages))
    without = {topic: data for topic, data in messages.items() if topic not in TOPICS}
    assert same(codec.decode(without), codec.decode(messages))
    assert without.keys() == old.encode(step).keys()


@pytest.mark.parametrize("stored", ['[["a", "contact"]]', '{"later": 2}', "7", "{"])
def test_a_description_of_a_later_version_is_ignored(stored, tmp_path):
    record(tmp_path, steps_with(3))
    with segment_files(tmp_path)[0].open("rb") as file:
        (metadata,) = (
            m.metadata for m in make_reader(file).iter_metadata() if m.name == SPACES_KEY
        )
    assert codec_of(metadata).senses
    assert codec_of(metadata | {"senses": stored}) == replace(codec_of(metadata), senses=SenseMap())


def test_info_counts_contacts_and_rays_instead_of_naming_all(tmp_path):
    record(tmp_path, steps_with(3))
    feels = describe(Session(tmp_path))["feels"]
    assert feels == ", ".join([*WORLD.parameters, "4 contacts", "28 rays"])


def test_the_map_of_a_file_is_that_of_the_run(tmp_path):
    record(tmp_path, steps_with(3))
    codec = Session(tmp_path).infos[0].codec
    assert codec.senses == sense_map(WORLD, FEATURES)
    assert replace(codec, senses=SenseMap()).topics().keys() == codec.required_topics() | {
        "/events"
    }
