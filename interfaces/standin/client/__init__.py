"""What the VRChat client does with OSC, apart from any place: inputs, parameters, chat, camera."""
