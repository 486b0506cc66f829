"""Devices of this machine: cameras, screen capture, audio, WAV files and the stop key."""
