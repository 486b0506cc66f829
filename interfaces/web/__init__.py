"""A recorded life in a browser page: seen, done, felt and thought, moment by moment."""
