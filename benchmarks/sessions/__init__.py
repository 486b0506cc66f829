"""Recordings: cost of recording, file size, long recordings, and recovery after a kill."""
