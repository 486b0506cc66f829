"""Short recorded runs with the weights that acted in them, and the script that records them."""
