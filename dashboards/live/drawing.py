"""The page as it is to be now, or nothing where it already is."""

import time
from dataclasses import replace

from dash import html
from dash.development.base_component import Component

from dashboards.elements.theme import Theme
from dashboards.live.acting import (
    PROGRESS,
    acting,
    acting_state,
    trial_acting,
    trial_acting_state,
)
from dashboards.live.action_blocks import told_requests
from dashboards.live.address import ALL_STUDIES, FIRST_VIEW, Address
from dashboards.live.all_studies import QUESTION, studies_table
from dashboards.live.blocks import message_block
from dashboards.live.content import Content, view_content
from dashboards.live.page import Drawing, Page
from dashboards.live.page_layout import (
    NO_STUDY,
    REFRESH_SECONDS,
    WAITING_SECONDS,
    study_choice,
    view_links,
)
from dashboards.live.studies import POLL_SECONDS, Studies, StudyNames, StudyState
from dashboards.live.trial_panel import trial_panel
from dashboards.scene import Scene
from dashboards.view_options import ViewOptions
from study.results.mlflow.live_reader import FollowedStudy

_STATUS_SECONDS = 10
"""Seconds after which a running study's times are drawn anew, with or without news."""

_NO_BRUSH = f"{ViewOptions().within} "


def draw_page(
    studies: Studies,
    query: str,
    theme: Theme,
    before: Drawing | None,
    brushed: str | None,
) -> Page | None:
    """Return what a browser is to show.

    Args:
        studies: Studies of the tracker.
        query: Query of the page's address; an empty one is the start page, where there are several
            studies.
        theme: Theme of the paper.
        before: State that it shows; None for nothing.
        brushed: The brush, as in an address, that its picture shows without having been drawn anew;
            None where nobody has brushed.

    Returns:
        None where it shows all of it already.
    """
    before = before or Drawing()
    names = studies.names()
    try:
        asked = Address.parse(query)
        address = _with_latest(asked, names)
    except ValueError as error:
        return _only(message_block("This address cannot be shown", str(error)), query, before)
    is_start = not query.strip("?") and len(names.names or ()) > 1
    if is_start or address.view == ALL_STUDIES:
        address = replace(address, view=ALL_STUDIES)
        # The choice shows no study that the address does not name: it would lead there.
        choice = study_choice(names.names or (), asked)
        return _all_studies(studies, names, address, choice, theme, before)
    states = [studies.state(name) for name in address.studies]
    news = _news(names, states, address)
    now = Drawing(
        head=f"{names} {address.studies} {address.view}",
        content=f"{theme} {replace(address, trial=None)} {news}",
        pictures=f"{theme} {_without_brush(address)} {news}",
        brush=f"{address.options.within} {address.options.where}",
        brushed=brushed or "",
        panel=f"{theme} {address} {[state.version for state in states]}",
        acting=acting_state(states, address),
        trial_acting=trial_acting_state(states, address),
    )
    if now == before:
        return None
    has_bars = any(s.followed is not None and s.followed.study.confirmed for s in states[:1])
    keeps_pictures = now.pictures == before.pictures and (
        now.brush == before.brush
        or (not has_bars and _brushes_itself(address, before, now.brushed))
    )
    content = (
        _content(studies, names, states, address, theme, with_pictures=not keeps_pictures)
        if now.content != before.content or not keeps_pictures
        else None
    )
    return Page(
        studies=study_choice(names.names or (), address) if now.head != before.head else None,
        views=view_links(address),
        choices=content and content.choices
        if (now.pictures, now.brush) != (before.pictures, before.brush)
        else None,
        state=content and content.state,
        pictures=content and content.pictures,
        below=content and content.below,
        panel=_panel(studies, states, address, theme) if now.panel != before.panel else None,
        acting=acting(states, address) if now.acting != before.acting else None,
        trial_acting=trial_acting(states, address)
        if now.trial_acting != before.trial_acting
        else None,
        footer=_footer(studies, states),
        refresh_ms=_refresh_ms(names, states),
        drawing=now,
    )


def scene_of(studies: Studies, address: Address) -> Scene:
    """Return the scene that the pictures of an address are drawn from.

    Raises:
        ValueError: A study was not read yet, or cannot be, or an option names nothing it has.
    """
    address = _with_latest(address, studies.names())
    followed = []
    for name in address.studies:
        state = studies.state(name)
        if state.followed is None:
            raise ValueError(state.error or f"study {name!r} is being read: ask again in a moment")
        followed.append(state.followed)
    if not followed:
        raise ValueError("the tracker holds no study yet")
    return _scene(followed, address)


def _scene(followed: list[FollowedStudy], address: Address) -> Scene:
    found = tuple(one.study for one in followed)
    return Scene(
        studies=found,
        options=address.options,
        selected=address.options.selected(found[0].records),
        now_ms=round(1000 * time.time()),
    )


def _with_latest(address: Address, names: StudyNames) -> Address:
    """Without a study, the latest one."""
    if address.studies or not names.names:
        return address
    return replace(address, studies=names.names[:1])


def _news(names: StudyNames, states: list[StudyState], address: Address) -> str:
    """Return what makes content of the same address different."""
    running = any(state.followed is not None and state.followed.is_running for state in states)
    tick = time.time() // _STATUS_SECONDS if running and address.view == PROGRESS else 0
    return f"{[state.version for state in states]} {names.error} {names.names is None} {tick}"


def _without_brush(address: Address) -> Address:
    options = replace(address.options, within=(), where="")
    return replace(address, trial=None, options=options)


def _brushes_itself(address: Address, before: Drawing, brushed: str) -> bool:
    """Return True if the reader has just drawn this very brush on the front, which had none.

    Other views have more to say of a brush than which points fade, and so has a picture that was
    drawn with another one; Plotly leaves error bars of a study that has confirmed runs.
    """
    if brushed in ("", before.brushed):
        return False
    if address.view != FIRST_VIEW or before.brush != _NO_BRUSH:
        return False
    try:
        return ViewOptions.parse({"within": brushed}).within == address.options.within
    except ValueError:
        return False


def _refresh_ms(names: StudyNames, states: list[StudyState]) -> int:
    """Sooner while somebody looks at an empty page."""
    waits = names.names is None or any(state.followed is None for state in states)
    return round(1000 * (WAITING_SECONDS if waits else REFRESH_SECONDS))


def _content(
    studies: Studies,
    names: StudyNames,
    states: list[StudyState],
    address: Address,
    theme: Theme,
    *,
    with_pictures: bool,
) -> Content:
    if not states:
        return _message(_without_studies(studies, names))
    followed = [state.followed for state in states if state.followed is not None]
    if len(followed) < len(states):
        waiting = next(i for i, state in enumerate(states) if state.followed is None)
        return _message(_while_reading(address.studies[waiting], states[waiting]))
    errors = dict.fromkeys(state.error for state in states if state.error)
    stale = [
        message_block("The tracker does not answer: this is what was read before", text, _RETRIED)
        for text in errors
    ]
    try:
        scene = _scene(followed, address)
        content = view_content(scene, address, theme, with_pictures=with_pictures)
    except ValueError as error:
        return _message(*stale, message_block("This address cannot be shown", str(error)))
    asked = told_requests(followed[0].control) if address.view == PROGRESS else []
    return content._replace(state=[*stale, *content.state, *asked])


def _message(*blocks: Component) -> Content:
    return Content(choices=[], state=[*blocks], pictures=[], below=[])


_RETRIED = f"It is asked again every {POLL_SECONDS:.0f} seconds."


def _without_studies(studies: Studies, names: StudyNames) -> Component:
    where = studies.store.shown_uri
    if names.error:
        return message_block("The tracker cannot be used", names.error, _RETRIED)
    if names.names is None:
        return message_block("One moment", f"Asking MLflow at {where} for its studies.")
    return message_block(
        "No studies yet",
        f"MLflow at {where} holds none. This runs a first one, and it appears here by itself:",
        command=NO_STUDY,
    )


def _while_reading(name: str, state: StudyState) -> Component:
    if state.error:
        return message_block(f"Study {name} cannot be read", state.error, _RETRIED)
    return message_block(f"Reading study {name}", f"{state.runs_read:,} runs so far.")


def _panel(
    studies: Studies, states: list[StudyState], address: Address, theme: Theme
) -> list[Component]:
    followed = [state.followed for state in states if state.followed is not None]
    if address.trial is None or not followed or len(followed) < len(states):
        return []
    try:
        scene = _scene(followed, address)
        uri = studies.store.shown_uri
        return [trial_panel(scene, followed[0], address, theme, uri, studies.curves)]
    except ValueError as error:
        return [message_block("This trial cannot be shown", str(error))]


def _footer(studies: Studies, states: list[StudyState]) -> str:
    running = any(state.followed is not None and state.followed.is_running for state in states)
    following = "It is running: what is new appears by itself. " if running else ""
    return f"{following}Read from MLflow at {studies.store.shown_uri}."


def _all_studies(
    studies: Studies,
    names: StudyNames,
    address: Address,
    choice: Component,
    theme: Theme,
    before: Drawing,
) -> Page | None:
    """Return the start page."""
    found = studies.overviews()
    now_ms = round(1000 * time.time())
    now = Drawing(
        head=f"{names} {address.studies} {address.view}",
        content=f"{theme} {address.sort} {found} {now_ms // (1000 * _STATUS_SECONDS)} "
        f"{names.names is None}",
    )
    if now == before:
        return None
    message: list[Component] = []
    if found.error:
        title = "The tracker does not answer: this is what was read before"
        message = [message_block(title, found.error, _RETRIED)]
    elif not found.studies:
        waits = StudyNames() if found.studies is None and names.names else names
        message = [_without_studies(studies, waits)]
    table = [studies_table(found.studies, theme, now_ms, address)] if found.studies else []
    is_new = now.head != before.head
    return Page(
        studies=choice if is_new else None,
        views=view_links(address),
        choices=[html.P(QUESTION, className="question")] if is_new else None,
        state=message,
        pictures=table,
        below=[],
        panel=[],
        acting=[],
        trial_acting=[],
        footer=_footer(studies, []),
        refresh_ms=round(1000 * (WAITING_SECONDS if found.studies is None else REFRESH_SECONDS)),
        drawing=now,
    )


def _only(block: Component, query: str, before: Drawing) -> Page | None:
    """A page with one message."""
    now = Drawing(content=query)
    if now == before:
        return None
    return Page(
        studies=html.Div(),
        views=[],
        choices=[],
        state=[block],
        pictures=[],
        below=[],
        panel=[],
        acting=[],
        trial_acting=[],
        footer="",
        refresh_ms=round(1000 * REFRESH_SECONDS),
        drawing=now,
    )
