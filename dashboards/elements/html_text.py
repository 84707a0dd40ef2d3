"""HTML of a page that needs no network. All text is escaped here."""

import html
from collections.abc import Iterable, Sequence


def page_frame(title: str, *, style: str, body: Iterable[str], scripts: Iterable[str] = ()) -> str:
    """Return a whole page.

    Args:
        title: Title, as plain text.
        style: Style sheet.
        body: Parts of the page, as HTML.
        scripts: Elements behind them, as HTML.
    """
    return "\n".join(
        (
            "<!doctype html>",
            f"<html lang='en'><head><meta charset='utf-8'><title>{html.escape(title)}</title>",
            "<meta name='viewport' content='width=device-width, initial-scale=1'>",
            "<link rel='icon' href='data:,'>",  # without it a browser asks the server for one
            f"<style>{style}</style></head><body>",
            f"<main>{''.join(body)}</main>",
            "\n".join(scripts) + "</body></html>",
            "",
        )
    )


def heading(level: int, text: str, anchor: str = "") -> str:
    """Return a heading of plain text, with a name to link to where one is given."""
    name = f" id='{html.escape(anchor)}'" if anchor else ""
    return f"<h{level}{name}>{html.escape(text)}</h{level}>"


def paragraph(text: str, kind: str = "") -> str:
    """Return a paragraph of plain text, of a kind that the style knows."""
    name = f" class='{html.escape(kind)}'" if kind else ""
    return f"<p{name}>{html.escape(text)}</p>"


def caption_html(sentences: Sequence[str]) -> str:
    """Return a caption: its first sentence, and the rest to unfold."""
    first, *rest = sentences or ("",)
    if not rest:
        return paragraph(first)
    more = html.escape(" ".join(rest))
    return f"{paragraph(first)}<details><summary>How to read it</summary><p>{more}</p></details>"


def bullets(texts: Sequence[str]) -> str:
    """Return a list of plain texts; nothing where there is none."""
    items = "".join(f"<li>{html.escape(text)}</li>" for text in texts)
    return f"<ul>{items}</ul>" if items else ""
