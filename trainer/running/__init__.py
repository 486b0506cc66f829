"""The training loops: live, lockstep and offline, with their report."""
