"""VRChat's edges: OSC out (hands), OSC in (feelings), the camera, and the world made of them."""
