"""Hiding passwords in whatever is printed, logged or kept."""

import re
from urllib.parse import quote, unquote

# The colon may be encoded. An `@` or `/` in a password should be and often is not, so everything up
# to the last `@` goes; only the digits of a port show that there was no password.
_USER_INFO = re.compile(
    r"(?<![\w+.-])(?P<user>(?:(?P<http>https?)|(?!https?:)\w[\w+.-]*)://(?!\[)[^\s:/]*?)(?::|%3a)"
    r"(?(http)(?!\d+(?:[/?#\s]|$)))(?P<password>\S*)@",
    re.IGNORECASE,
)
_OPTION = re.compile(
    r"(?P<name>[?&;#][^\s=&;#]*(?:pass|pwd|token|secret|key|auth|cred|sig|odbc_connect)[^\s=&;#]*=)"
    r"(?P<value>[^\s&;#]*)",
    re.IGNORECASE,
)
_SETTING = re.compile(r"(?P<name>\b(?:password|passwd|pwd)\s*=\s*)(?:'[^']*'|\S+)", re.IGNORECASE)
_SHORTEST_SECRET = 4


def mask_password(text: str) -> str:
    """Hide the password of every address in a text, before its host or among its options."""
    text = _USER_INFO.sub(r"\g<user>:***@", text)
    text = _OPTION.sub(r"\g<name>***", text)
    return _SETTING.sub(r"\g<name>***", text)


def hide_secrets(text: str, uri: str) -> str:
    """Hide every password in a text, and those of one address wherever and however they stand.

    A driver that takes an address apart in another way shows half a password as a host or a port.
    """
    text = mask_password(text)
    for secret in sorted(_secrets(uri), key=len, reverse=True):
        text = text.replace(secret, "***@" if secret.endswith("@") else "***")
    return text


def _secrets(uri: str) -> set[str]:
    """Find what must not be shown of an address, in every spelling that a message may have."""
    whole = "".join(uri.split())  # a blank would end the address for the expressions
    found = [match["value"] for match in _OPTION.finditer(whole)]
    user_info = _USER_INFO.search(whole)
    if user_info is not None:
        found.append(user_info["password"])
        # Text that holds the blanks as they were typed.
        found.append(uri.rpartition("@")[0].partition("://")[2].partition(":")[2])
    secrets = {spelt for text in found for spelt in (text, unquote(text), quote(text, safe=""))}
    pieces = {piece for text in secrets for piece in re.split(r"[@/:?#\s]", text)}
    # Whatever stands before an `@` is the end of a password, however short.
    ends = {piece + "@" for text in secrets for piece in (text, *_after_each_at(text)) if piece}
    return {text for text in secrets | pieces if len(text) >= _SHORTEST_SECRET} | ends


def _after_each_at(text: str) -> list[str]:
    parts = text.split("@")
    return ["@".join(parts[at:]) for at in range(1, len(parts))]
