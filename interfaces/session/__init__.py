"""Recorded sessions: every Step of a run as MCAP files, for people and their tools."""

from interfaces.session.format.segment_writer import SegmentWriter, SessionError
from interfaces.session.format.session import Session

__all__ = ["SegmentWriter", "Session", "SessionError"]
