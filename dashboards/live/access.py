"""Access to the live page: under which names it answers, and what a browser may do with it.

A page elsewhere can have its own name lead to this machine (DNS rebinding), and would then read
every study with the reader's browser. So the page answers under names of its own alone.
"""

import ipaddress
import socket
from collections.abc import Iterable

import flask
from werkzeug.exceptions import Forbidden

HERE = ("127.0.0.1", "localhost", "::1")
"""Names of this machine for itself."""

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class AllowedHosts:
    """Names under which the page answers.

    Args:
        listening: Address that the server listens on.
        named: Further names, such as that of a proxy.
    """

    def __init__(self, listening: str = HERE[0], named: Iterable[str] = ()) -> None:
        here = {*HERE, listening, *named}
        self._is_local = listening in HERE
        if not self._is_local:
            here |= {socket.gethostname(), socket.getfqdn()}
        self._names = frozenset(name.lower() for name in here)

    def __contains__(self, host: str) -> bool:
        """Return True for a host, with or without its port, under which the page answers."""
        name = _without_port(host).lower()
        # No name leads to an address that is typed as one, so that no other page's can be rebound.
        return name in self._names or (not self._is_local and _is_address(name))


def guard(server: flask.Flask, hosts: AllowedHosts, script_hashes: Iterable[str]) -> None:
    """Refuse what comes under another name or from another page, and bind what a browser may do.

    Args:
        server: Server of the page.
        hosts: Names under which it answers.
        script_hashes: Hashes of the scripts that stand in the page itself, in the words of a
            `Content-Security-Policy`.
    """
    policy = content_security_policy(script_hashes)

    @server.before_request
    def refuse() -> None:
        host, origin = flask.request.host, flask.request.headers.get("Origin")
        if host not in hosts:
            raise Forbidden(
                f"The page does not answer under the name {_without_port(host)}: "
                "dashboards.app --allowed-hosts names those that it shall answer under."
            )
        if origin is not None and origin.partition("://")[2].lower() != host.lower():
            raise Forbidden(f"The page answers no other page, such as one of {origin}.")

    @server.after_request
    def bind(response: flask.Response) -> flask.Response:
        response.headers.update({**_HEADERS, "Content-Security-Policy": policy})
        return response


def content_security_policy(script_hashes: Iterable[str]) -> str:
    """Return what the page may load: its own files, and pictures that it makes itself.

    Plotly and the grid style what they draw in place.
    """
    return "; ".join(
        (
            "default-src 'none'",
            " ".join(("script-src 'self'", *script_hashes)),
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    )


def _without_port(host: str) -> str:
    if host.startswith("["):  # [::1]:8050
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
