"""Finds, pauses, stops and releases live runs, also when their folder or processes are gone."""
