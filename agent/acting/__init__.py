"""Acting: the brain that decides, the body loop that observes and acts, and its process."""
