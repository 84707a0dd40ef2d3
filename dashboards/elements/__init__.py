"""What pictures are made of: look, axes, colours, columns of trials, words, shared points."""
