"""The sound of the stand-in: voices, stereo mix, loudspeaker and microphone."""
