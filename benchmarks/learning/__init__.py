"""How fast and how well the methods learn, beside baselines and peers."""
