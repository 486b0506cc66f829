"""Faults on purpose: what happens to a run, against what is promised."""
