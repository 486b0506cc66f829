"""Measurements of a learned policy and world model."""
