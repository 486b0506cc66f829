"""Calibration: measures how the avatar responds to inputs, and writes the result as YAML."""
