"""The networks that act and dream, and the loop that acts."""
