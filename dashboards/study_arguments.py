"""Flags that the commands of this package share."""

import argparse


def add_tracking_uri(parser: argparse.ArgumentParser) -> None:
    """Add the flag that names the tracker."""
    parser.add_argument(
        "--tracking-uri", metavar="URI", help="of MLflow (default: MLflow's own rule)"
    )


def add_studies(parser: argparse.ArgumentParser, help_text: str) -> None:
    """Add the flags that name studies and their tracker.

    Args:
        parser: Parser of the command.
        help_text: Kind of study, and what repeating the flag does.
    """
    parser.add_argument("--study", action="append", required=True, metavar="NAME", help=help_text)
    add_tracking_uri(parser)
