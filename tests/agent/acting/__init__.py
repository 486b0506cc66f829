"""Tests of agent/acting."""
