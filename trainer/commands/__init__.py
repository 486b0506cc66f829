"""The commands that need torch: train, evaluate and replay."""
