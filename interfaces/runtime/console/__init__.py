"""The terminal of a command, which may go away, stall or be missing."""
