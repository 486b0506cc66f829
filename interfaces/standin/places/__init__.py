"""The places of the stand-in: solids, surfaces, moving things, seats and routes."""
