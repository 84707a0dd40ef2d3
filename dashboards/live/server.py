"""Callbacks, downloads and server of the live page."""

from collections.abc import Callable, Sequence

import flask
from dash import ALL, ClientsideFunction, Dash, Input, Output, State, no_update
from dash.exceptions import PreventUpdate
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from dashboards.elements.picture import Picture
from dashboards.live.access import AllowedHosts, guard
from dashboards.live.actions import new_token, serve_actions
from dashboards.live.address import Address
from dashboards.live.drawing import draw_page, scene_of
from dashboards.live.page_layout import skeleton
from dashboards.live.studies import Studies
from dashboards.live.trial_panel import find_trial, trial_pictures
from dashboards.live.well_formed import AtOnce, accept_well_formed, require_state
from dashboards.picture_file import FORMATS, UndrawnError
from dashboards.scene import Scene
from dashboards.views import PICTURES, picture_of
from study.results.mlflow.store import MlflowStore
from study.results.run_record import RunKey
from study.results.weight_files import detections_file

MOST_PAGES, MOST_IMAGES = 8, 2
"""Pages, and files of pictures, that are drawn at once: each image takes a browser of its own."""

WAITING_SECONDS = 20.0
"""Time that another one waits before it is refused."""

_PAGE = """<!doctype html>
<html lang="en">
<head>{%metas%}<title>{%title%}</title>{%favicon%}{%css%}</head>
<body>{%app_entry%}{%config%}{%scripts%}{%renderer%}</body>
</html>"""
"""Frame around the page. Dash's own names no language, and has a second footer for scripts."""

_MIME = {
    "png": "image/png",
    "svg": "image/svg+xml",
    "csv": "text/csv",
    "parquet": "application/vnd.apache.parquet",
}

# The theme is the reader's own and stays in the browser; without a choice it is the system's.
_SWITCH_THEME = """
function (clicks) {
  const kept = window.localStorage.getItem("pnn-theme");
  const dark = window.matchMedia("(prefers-color-scheme: dark)").matches;
  let theme = kept || (dark ? "dark" : "light");
  if (clicks) {
    theme = theme === "dark" ? "light" : "dark";
    window.localStorage.setItem("pnn-theme", theme);
  }
  document.documentElement.dataset.theme = theme;
  document.documentElement.dataset.agThemeMode = theme;
  return [theme, theme === "dark" ? "Light theme" : "Dark theme"];
}
"""


def create_app(
    tracking_uri: str | None,
    hosts: AllowedHosts | None = None,
    prefix: str = "/",
    token: str | None = None,
) -> Dash:
    """Make the page of one tracker; its studies are read in the background from now on.

    Args:
        tracking_uri: Any that MLflow accepts; None for MLflow's own rule.
        hosts: Names under which it answers; None for those of this machine for itself.
        prefix: Path under which browsers find it, from slash to slash. It answers there, and at
            the root, for proxies that take the path away.
        token: Token without which nobody acts on a study; None for one that nobody knows.
    """
    studies = Studies(MlflowStore(tracking_uri))
    app = Dash(
        "dashboards.live",
        title="PNN studies",
        index_string=_PAGE,
        update_title="",
        assets_folder="assets",
        include_assets_files=True,
        suppress_callback_exceptions=True,  # choices come and go with the view
        requests_pathname_prefix=prefix,
        routes_pathname_prefix="/",
    )
    app.layout = skeleton()
    app.clientside_callback(  # type: ignore[no-untyped-call]
        _SWITCH_THEME,
        Output("theme", "data"),
        Output("switch-theme", "children"),
        Input("switch-theme", "n_clicks"),
    )
    _draw_whenever_something_changed(app, studies)
    _follow_every_move(app)
    _serve_files(app.server, studies)
    serve_actions(app.server, studies, token or new_token())
    guard(app.server, hosts or AllowedHosts(), app.csp_hashes())
    accept_well_formed(app)
    if prefix != "/":
        inner = app.server.wsgi_app
        app.server.wsgi_app = DispatcherMiddleware(inner, {prefix.rstrip("/"): inner})
    studies.start()
    return app


def _draw_whenever_something_changed(app: Dash, studies: Studies) -> None:
    pages = AtOnce(MOST_PAGES, WAITING_SECONDS)

    @app.callback(
        Output("studies", "children"),
        Output("views", "children"),
        Output("choices", "children"),
        Output("state", "children"),
        Output("pictures", "children"),
        Output("below", "children"),
        Output("panel", "children"),
        Output("act", "children"),
        Output("trial-act", "children"),
        Output("footer", "children"),
        Output("clock", "interval"),
        Output("drawn", "data"),
        Input("url", "search"),
        Input("theme", "data"),
        Input("clock", "n_intervals"),
        State("drawn", "data"),
        State("brushed", "data"),
        # Prevents that a tick during a long answer asks for the same once more.
        running=[(Output("clock", "disabled"), True, False)],
    )
    def draw(
        search: object, theme: object, _ticks: object, drawn: object, brushed: object
    ) -> Sequence[object]:
        if theme is None:
            raise PreventUpdate  # known in a moment
        state = require_state(search, theme, drawn, brushed)
        with pages.place():
            page = draw_page(studies, *state)
        if page is None:
            raise PreventUpdate
        parts = (
            *(page.studies, page.views, page.choices, page.state, page.pictures, page.below),
            *(page.panel, page.acting, page.trial_acting, page.footer, page.refresh_ms),
        )
        return (*(no_update if part is None else part for part in parts), page.drawing._asdict())


def _follow_every_move(app: Dash) -> None:
    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("moves", "follow"),  # assets/moves.js
        Output("url", "search"),
        Output("brushed", "data"),
        Input({"control": ALL}, "value"),
        Input({"choice": ALL}, "value"),
        Input({"picture": ALL, "axes": ALL, "zero": ALL}, "clickData"),
        Input({"table": ALL}, "selectedRows"),
        Input({"action": ALL}, "n_clicks"),
        State("url", "search"),
        prevent_initial_call=True,
    )


def _serve_files(server: flask.Flask, studies: Studies) -> None:
    @server.get("/health")
    def health() -> dict[str, str]:
        return {"status": "ok"}

    images = AtOnce(MOST_IMAGES, WAITING_SECONDS)

    @server.get("/download/<name>.<kind>")
    def download(name: str, kind: str) -> flask.Response:
        try:
            address = Address.parse(flask.request.query_string.decode())
            scene = scene_of(studies, address)
            with images.place():
                content = _find_format(kind)(_find_picture(studies, name, scene, address))
        except UndrawnError as error:
            return flask.Response(str(error), status=503, mimetype="text/plain")
        except ValueError as error:
            return flask.Response(str(error), status=404, mimetype="text/plain")
        return flask.Response(
            content,
            mimetype=_MIME[kind],
            headers={"Content-Disposition": f'attachment; filename="{name}.{kind}"'},
        )

    @server.get("/detections/<study>/<int:trial>.png")
    def detections(study: str, trial: int) -> flask.Response:
        try:
            content = studies.store.fetch_file(study, RunKey(trial), detections_file(RunKey(trial)))
        except (OSError, ValueError) as error:
            return flask.Response(str(error), status=404, mimetype="text/plain")
        if content is None:
            said = f"trial {trial} of study {study} has no picture of detections"
            return flask.Response(said, status=404, mimetype="text/plain")
        return flask.Response(content, mimetype=_MIME["png"])


def _find_format(kind: str) -> Callable[[Picture], bytes]:
    if kind not in FORMATS:
        raise ValueError(f"there is no format {kind!r}: there are {', '.join(FORMATS)}")
    return FORMATS[kind]


def _find_picture(studies: Studies, name: str, scene: Scene, address: Address) -> Picture:
    if name in PICTURES:
        return picture_of(name, scene.study.info.task).draw(scene)
    if address.trial is not None:
        record = find_trial(scene, address)
        curves = studies.curves(scene.study.info.name, record)
        for picture in trial_pictures(scene, record, curves):
            if picture.name == name:
                return picture
    raise ValueError(f"there is no picture {name!r}: there are {', '.join(PICTURES)}")
