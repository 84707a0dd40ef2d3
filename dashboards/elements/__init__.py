"""Parts of pictures: theme, axes, colours, columns of trials, words, shared points."""
