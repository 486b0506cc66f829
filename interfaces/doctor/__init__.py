"""`doctor`: checks of machine, VRChat, camera and sound, with a remedy for each problem."""
