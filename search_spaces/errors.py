"""Error of a space that cannot be used."""


class SpaceError(ValueError):
    """A space that cannot be found, loaded or searched; the message is one sentence."""
