"""Everything that learns: returns, dreams, losses, the learner and its loops."""
