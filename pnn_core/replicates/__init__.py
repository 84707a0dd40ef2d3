"""Training runs that differ in their seeds alone, trained at once as one network."""
