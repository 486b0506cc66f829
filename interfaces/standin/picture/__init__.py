"""What the stand-in looks like: meshes, textures, people, the renderer."""
