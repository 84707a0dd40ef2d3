"""Numbers of things, in words."""


def counted(count: int, noun: str) -> str:
    """A number of things, such as `1 seed` and `2 seeds`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
