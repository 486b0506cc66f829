"""The stand-in: a simulated VRChat client with places, people, pictures and sound."""
