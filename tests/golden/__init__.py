"""Tests against recorded data: tensors of the official DreamerV3 code, and short recorded runs.

README.md describes the data.
"""
