"""Parts of the settings of a world: senses, and the rooms and rays of the stand-in."""
