"""The Session: every Step lived, in MCAP, for people and their tools. A reader of the journal, in a
process of its own, writes it."""

from interfaces.session.format.segment_writer import SegmentWriter, SessionError
from interfaces.session.format.session import Session

__all__ = ["SegmentWriter", "Session", "SessionError"]
