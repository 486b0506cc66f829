"""The MCAP format of a session: messages, segments, and a reader for all segments of a run."""
