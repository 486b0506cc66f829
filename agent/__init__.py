"""The agent: its networks, the brain and body loop that act, and exact replay."""
