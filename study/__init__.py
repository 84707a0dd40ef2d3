"""The study: proposals, trials, records and the front."""
