"""The stand-in: steps per second, live behaviour, baseline policies, and pictures of its places."""
