"""Reads files that may be damaged, hostile or of another program: one error, bounded in memory."""
