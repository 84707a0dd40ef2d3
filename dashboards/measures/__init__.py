"""Numbers of a study that several pictures show; nothing here draws."""
