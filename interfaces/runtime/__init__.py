"""The live run: its processes, their supervision, control of the avatar, and the run folder."""
