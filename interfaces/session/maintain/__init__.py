"""Maintenance of sessions: list, verify, recover, cut, prune and forget."""
