"""The commands that people type, except those of configs/ and trainer/."""
