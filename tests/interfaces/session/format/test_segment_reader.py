"""One segment: large Steps, other readers, and files that are not segments."""

import json

import pytest
from mcap.reader import make_reader
from mcap_protobuf.decoder import DecoderFactory

from interfaces.session.format.messages import CAMERA, STEP
from interfaces.session.format.segment_writer import SessionError
from interfaces.session.format.session import Session, segment_files
from interfaces.session.maintain.cut import cut
from interfaces.session.maintain.verify import verify
from tests.interfaces.session.recordings import (
    make_steps,
    read_all,
    record_segments,
    same,
    time_of,
)


def test_a_step_that_fills_several_chunks_is_found(tmp_path, monkeypatch):
    """As with pictures of 512 x 512 and a second of sound."""
    monkeypatch.setattr("interfaces.session.format.segment_writer.CHUNK_BYTES", 200)
    steps = make_steps(40)
    record_segments(tmp_path / "session", steps)
    session = Session(tmp_path)
    assert len(session.segments[0]._chunks) > 2 * len(steps)
    for index in range(40):
        assert same(session.read(index, 2), steps[index : index + 2])
        assert session.index_at(time_of(index)) == index
    assert cut(tmp_path, tmp_path / "part.mcap", time_of(10), time_of(20)) == 10
    assert same(read_all(tmp_path / "part.mcap"), steps[10:20])


def test_the_reader_of_mcap_reads_a_segment(tmp_path):
    record_segments(tmp_path, make_steps(50), run_metadata={"seed": "7"})
    with segment_files(tmp_path)[0].open("rb") as file:
        reader = make_reader(file, validate_crcs=True, decoder_factories=[DecoderFactory()])
        pictures = list(reader.iter_decoded_messages(topics=[CAMERA]))
        assert [each.decoded_message.format for each in pictures] == ["png"] * 50
        records = [json.loads(message.data) for _, _, message in reader.iter_messages([STEP])]
        assert [each["index"] for each in records] == list(range(50))
        assert {each.name for each in reader.iter_metadata()} >= {"yume.run", "yume.spaces"}


def test_a_file_that_is_not_a_segment_is_refused_with_the_reason(tmp_path):
    record_segments(tmp_path / "session", make_steps(50))
    file = segment_files(tmp_path)[0]
    content = file.read_bytes()
    for wrong, reason in (
        (b"", "is empty"),
        (b"beat:\n", "not an MCAP file"),
        (content[:-9], "damaged end"),
    ):
        file.write_bytes(wrong)
        with pytest.raises(SessionError, match=reason):
            Session(tmp_path)
        (result,) = verify(tmp_path)
        assert str(file) not in result.trouble, "the caller prints the path already"


def test_a_file_that_cannot_be_opened_is_not_called_damaged(tmp_path, monkeypatch):
    record_segments(tmp_path, make_steps(10))

    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("interfaces.ipc.regular_file.os.open", refuse)
    with pytest.raises(SessionError, match="Permission denied"):
        Session(tmp_path)
