"""The simulated client: OSC inputs, avatar parameters, contacts, chatbox and user camera."""
