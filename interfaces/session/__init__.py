"""The Session: every Step lived, in MCAP, for people and their tools. A reader of the journal, in a
process of its own, writes it."""

from interfaces.session.segment import SegmentWriter, SessionError
from interfaces.session.session import Session

__all__ = ["SegmentWriter", "Session", "SessionError"]
