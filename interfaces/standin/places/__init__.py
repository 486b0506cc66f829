"""The places of the stand-in world: what is solid, what is drawn, where one sits."""
