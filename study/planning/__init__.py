"""Plans: a study that can begin, or one sentence that says why it cannot."""
