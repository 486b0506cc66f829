"""Shapes of the places: what is solid, its triangles, its textures, and landmarks."""
