"""Networks of other libraries by name: `torchvision:NAME` and `timm:NAME`."""

from importlib.metadata import PackageNotFoundError, version

_INSTALL = {"torchvision": "pip install torchvision", "timm": "pip install 'pnn-study[timm]'"}
"""Libraries, and what installs each."""

LIBRARIES = tuple(_INSTALL)
"""Names of the libraries whose classification networks can be named."""


def library_of(name: str) -> str:
    """Return the library that a network's name begins with; empty for any other name."""
    library, _, network = name.partition(":")
    return library if network and library in LIBRARIES else ""


def library_version(library: str) -> str:
    """Return a library's name and version, which a study records.

    Raises:
        ValueError: It is not installed here; says what installs it.
    """
    try:
        # What stands behind "+" tells builds of one version apart, such as those for a GPU.
        return f"{library} {version(library).partition('+')[0]}"
    except PackageNotFoundError:
        raise ValueError(
            f"needs the package {library}, which is not installed here: {_INSTALL[library]}"
        ) from None
