"""Ray Tune, which trains whatever a run manager proposes."""
