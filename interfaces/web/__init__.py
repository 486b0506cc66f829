"""A web page on this machine that plays back a recorded run."""
