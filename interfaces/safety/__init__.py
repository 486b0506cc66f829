"""Releases every input when the body ends or hangs, and notices processes that hang."""
