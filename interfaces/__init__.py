"""Every edge of the system: worlds, journal, weights, Board, guard. NumPy only, no torch."""
