"""Tests of agent/networks."""
