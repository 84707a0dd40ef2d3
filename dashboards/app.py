"""`python -m dashboards.app`: the live page of every study that a tracker knows."""

if __name__ == "__main__":  # before all that takes seconds to import
    from study.program import begin, run

    begin("dashboards.app")

import argparse
import errno
import logging
import re
import socket
from collections.abc import Sequence

import flask
from werkzeug.serving import make_server

from dashboards.live.access import AllowedHosts
from dashboards.live.actions import new_token
from dashboards.live.server import create_app
from dashboards.study_arguments import add_tracking_uri
from study.command_line import Parser, refuse
from study.exit_status import DONE

PORT = 8050
HOST = "127.0.0.1"


def main(argv: Sequence[str] | None = None) -> int:
    """Serve the page until it is interrupted.

    Args:
        argv: Words without the program's name; None for this process's.

    Returns:
        The exit status: 0 done, 2 bad input.
    """
    try:
        arguments = _parser().parse_args(argv)
    except ValueError as error:
        return refuse("dashboards.app", str(error))
    host, port = arguments.host, arguments.port
    try:
        listening = socket.create_server((host, port))
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        is_port = error.errno in (errno.EADDRINUSE, errno.EACCES)
        blamed = "--port" if is_port else "--host"
        return refuse(
            "dashboards.app",
            f"--host {host} --port {port} cannot be listened on: {reason}: choose another {blamed}",
        )
    hosts = AllowedHosts(host, arguments.allowed_hosts)
    token = new_token()
    app = create_app(arguments.tracking_uri, hosts, arguments.url_prefix, token)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # a line for each request
    with listening:
        _serve(app.server, listening, arguments.url_prefix, token)
    return DONE


def _serve(application: flask.Flask, listening: socket.socket, prefix: str, token: str) -> None:
    host, port = listening.getsockname()[:2]
    server = make_server(host, port, application, threaded=True, fd=listening.fileno())
    address = f"http://{host}:{port}{prefix.rstrip('/')}"
    print(f"PNN studies: {address} (Ctrl-C ends it)")
    print(f"To pause, stop, enqueue and take notes, too: {address}/#token={token}", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        print()


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="python -m dashboards.app",
        description="Show every study of an MLflow tracker, live, in a browser on this machine.",
        allow_abbrev=False,
    )
    add_tracking_uri(parser)
    parser.add_argument(
        "--port", type=_port, default=PORT, help="of this machine (default: %(default)s)"
    )
    parser.add_argument(
        "--host",
        default=HOST,
        help="address to listen on (default: %(default)s, this machine alone; the page asks for "
        "no password, whatever the address)",
    )
    parser.add_argument(
        "--allowed-hosts",
        type=lambda text: tuple(filter(None, text.split(","))),
        default=(),
        metavar="A,B",
        help="further names under which browsers ask for the page, such as that of a proxy "
        "(default: names and addresses of this machine alone, so that no other page reads it)",
    )
    parser.add_argument(
        "--url-prefix",
        type=_prefix,
        default="/",
        metavar="/PATH/",
        help="path under which the page lies, where a proxy passes it on (default: /); "
        "/PATH/health answers whether the server runs",
    )
    return parser


def _prefix(text: str) -> str:
    if not re.fullmatch(r"/([A-Za-z0-9._~-]+/)*", path := text.rstrip("/") + "/"):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no path: accepted are letters, digits, '.', '_', '~' and '-' between "
            "slashes, such as /studies/"
        )
    return path


def _port(text: str) -> int:
    port = int(text) if text.isascii() and text.isdigit() else -1
    if not 0 <= port < 65536:
        raise argparse.ArgumentTypeError(f"{text!r} is no port: accepted is 0 to 65535")
    return port


if __name__ == "__main__":
    run("dashboards.app", main)
