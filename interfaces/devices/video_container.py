"""Whether a video file was cut short: its container says how long the file must be."""

from pathlib import Path

_EBML, _SEGMENT = b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67"
_MAX_BOXES = 100_000
_MP4_FIRST = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"styp")


def is_cut_short(path: Path) -> bool:
    """Whether the file ends before its MP4, AVI or Matroska container does.

    False for other containers and for a live recording, which state no length. Raises OSError.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(4096)
        if head[:4] == b"RIFF":
            return size + 1 < 8 + int.from_bytes(head[4:8], "little")  # the last may be padding
        if head[:4] == _EBML:
            return _matroska_end(head) > size
        if head[4:8] not in _MP4_FIRST:
            return False
        at = 0
        for _ in range(_MAX_BOXES):
            file.seek(at)
            box = file.read(16)
            if len(box) < 8:
                return len(box) > 0
            length = int.from_bytes(box[:4], "big")
            if length == 1:
                length = int.from_bytes(box[8:16], "big")
            if length < 8:  # 0: the last box, to the end of the file
                return False
            at += length
            if at >= size:
                return at > size
    return False


def _matroska_end(head: bytes) -> int:
    """The byte where the only segment ends; 0 if it states no size."""
    length, used = _vint(head, 4)
    at = 4 + used + length
    if head[at : at + 4] != _SEGMENT or at + 12 > len(head):
        return 0
    length, used = _vint(head, at + 4)
    unknown = length == (1 << (7 * used)) - 1
    return 0 if unknown else at + 4 + used + length


def _vint(data: bytes, at: int) -> tuple[int, int]:
    """An EBML size at `at`, and how many bytes it takes."""
    used = 9 - data[at].bit_length() if at < len(data) else 9
    value = int.from_bytes(data[at : at + used], "big")
    return value & ((1 << (7 * used)) - 1), used
