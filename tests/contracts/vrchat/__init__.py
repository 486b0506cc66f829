"""Contract tests: what a VRChat client does over OSC, HTTP and MJPEG."""
