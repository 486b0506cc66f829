"""Everything that learns: data, objectives, optimisers, learners, training loops, evaluation."""
