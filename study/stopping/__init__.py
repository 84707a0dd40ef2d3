"""Early stopping by several objectives: asynchronous successive halving without Ray and torch."""
