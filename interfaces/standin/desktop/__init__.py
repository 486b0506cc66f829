"""The stand-in in a desktop window: picture, minimap and keyboard."""
