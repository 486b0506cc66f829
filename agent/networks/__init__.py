"""The networks of the agent: codec, latent dynamics, policy, and reward and value heads."""
