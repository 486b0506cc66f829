"""Exports of a session to other formats: NumPy, MP4, LeRobot and Rerun."""
