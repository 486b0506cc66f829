"""OSC messages, OSCQuery discovery, and the addresses and UDP ports of this machine."""
