"""Reads YAML files, merges them, renames old keys and explains what is wrong."""
