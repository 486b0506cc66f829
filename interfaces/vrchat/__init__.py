"""VRChat as a World: OSC input and output, the camera, and the inputs and limits of the avatar."""
