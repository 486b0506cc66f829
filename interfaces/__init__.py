"""Every edge of Yume: worlds, journal, weights, board, guard. NumPy only, no torch."""
