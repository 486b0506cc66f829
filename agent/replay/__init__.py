"""Replay: recomputes the decisions of a recorded run, to verify, view or export them."""
