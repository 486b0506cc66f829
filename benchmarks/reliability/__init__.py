"""Faults of processes, files and networks: what a run promises, measured."""
