"""Tests of agent/: networks, acting and replay."""
