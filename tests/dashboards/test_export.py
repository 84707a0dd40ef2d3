import csv
import html
import io
import json
import re
from dataclasses import replace

import pyarrow.parquet
import pytest

from dashboards import export
from dashboards.page.study_page import study_page
from dashboards.picture_file import UndrawnError, to_csv, to_parquet, to_svg
from dashboards.scene import Scene
from dashboards.view_options import ViewOptions
from dashboards.views import PICTURES, VIEWS
from study.results.mlflow.store import MlflowStore
from study.results.run_record import RunState

MARKUP = '<script>alert(1)</script>"><img src=x onerror=alert(1)>'
MEGABYTE = 1_000_000


def scene_of(*studies):
    return Scene(studies=studies, options=ViewOptions(), selected=None, now_ms=1_800_000_000_000)


def without_plotly(page):
    """The page without the library, which holds all sorts of markup in its strings."""
    scripts = re.findall(r"<script.*?</script>", page, flags=re.DOTALL)
    return page.replace(max(scripts, key=len), "")


def test_every_picture_of_a_study_stands_on_the_page_once(make_grid, study_of):
    page = study_page(scene_of(study_of(make_grid())))
    drawn = re.findall(r"class='picture' id='(\S+?)'", page)
    of_several = {"fronts", "attainment"}
    empty = re.findall(r"<section id='(\S+?)'>", page)  # a sentence in the picture's place
    assert sorted(name.split("-", 1)[1] for name in drawn + empty) == sorted(
        {*PICTURES} - of_several
    )
    for view in VIEWS.values():
        assert f">{view.title}</h2>" in page
    for name in drawn:
        (data,) = re.findall(rf"id='{name}-data'>(.*?)</script>", page, flags=re.DOTALL)
        assert json.loads(data)["data"] or json.loads(data)["layout"]["annotations"]


def test_two_studies_are_compared_on_the_page(make_grid, study_of):
    page = study_page(scene_of(study_of(make_grid()), study_of(make_grid(), "noise-2")))
    assert "id='compare-fronts'" in page
    assert "<title>Study noise-1, noise-2</title>" in page


def test_the_page_names_nothing_to_fetch(make_grid, study_of):
    page = without_plotly(study_page(scene_of(study_of(make_grid()))))
    links = re.findall(r"(?:src|href)=['\"]([^'\"]*)", page)
    assert links == ["data:,", *(f"#{name}" for name in VIEWS)]
    assert not re.search(r"url\(|@import|fetch\(", page)


def test_names_from_elsewhere_appear_only_escaped(make_grid, study_of):
    plain = without_plotly(study_page(scene_of(study_of(make_grid()))))
    records = make_grid(order=MARKUP, **{MARKUP: 1})
    study = study_of(records, name=MARKUP, space=MARKUP, dataset=MARKUP)
    page = without_plotly(study_page(scene_of(study)))
    assert page.count("<script") == plain.count("<script")
    assert "<img" not in page
    assert "&lt;script&gt;" in page


def test_the_table_repeats_the_front_cell_by_cell(make_trial, study_of):
    records = [make_trial(0, 0.5, 1000), make_trial(1, 0.25, 500), make_trial(2, 0.1, 900)]
    page = study_page(scene_of(study_of(records)))
    table = page[page.index("id='front-table'") :].split("</table>")[0]
    rows = [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in table.split("</tr>")[1:-1]]
    assert [row[:3] for row in rows] == [["1", "0.2500", "500"], ["0", "0.5000", "1,000"]]


def test_stops_are_a_table_with_their_reasons_as_text(make_trial, study_of):
    reason = f"stopped at epoch 3: {MARKUP}"
    stopped = make_trial(1, state=RunState.PRUNED)
    curve = tuple(replace(stopped.replicates[0][0], epoch=epoch) for epoch in (1, 2, 3))
    stopped = replace(stopped, replicates=(curve,), reason=reason)
    page = without_plotly(study_page(scene_of(study_of([make_trial(0), stopped]))))
    assert "<h3>Stopped early: 1 trial</h3>" in page
    assert "<td data-value='1'>1</td><td data-value='3'>3</td><td data-value='0.5'>0.5</td>" in page
    assert html.escape(reason) in page
    assert "<img" not in page
    assert "1 stopped early: at epoch 3 (trial 1)" in page


def test_a_study_that_stopped_none_has_no_such_table(make_trial, study_of):
    assert "stops-table" not in without_plotly(study_page(scene_of(study_of([make_trial(0)]))))


def test_without_a_front_the_page_has_no_empty_table(make_trial, study_of):
    page = study_page(scene_of(study_of([make_trial(0, state=RunState.FAILED)])))
    assert "No trial is on the front." in page
    assert "id='front-table'" not in page


def test_a_page_of_a_small_study_is_mostly_plotly(make_grid, study_of):
    page = study_page(scene_of(study_of(make_grid())))
    assert len(page) < 5.5 * MEGABYTE
    assert len(without_plotly(page)) < 0.3 * MEGABYTE


def test_a_picture_as_data_is_what_it_draws(make_grid, study_of):
    picture = PICTURES["front"].draw(scene_of(study_of(make_grid())))
    rows = list(csv.DictReader(io.StringIO(to_csv(picture).decode())))
    table = pyarrow.parquet.read_table(io.BytesIO(to_parquet(picture)))
    assert table.column_names == list(picture.data) == list(rows[0])
    assert table.to_pydict() == {name: list(column) for name, column in picture.data.items()}
    assert [row["trial"] for row in rows] == [str(number) for number in picture.data["trial"]]
    assert table.schema.metadata[b"title"].decode() == picture.title


@pytest.fixture
def no_browser(monkeypatch):
    """An environment in which no browser is found."""
    monkeypatch.setenv("BROWSER_PATH", "/nowhere/chrome")
    monkeypatch.setenv("PATH", "")


@pytest.mark.usefixtures("no_browser")
def test_without_a_browser_an_image_is_refused_in_one_sentence(make_grid, study_of):
    with pytest.raises(UndrawnError, match="svg is drawn by Chrome or Chromium, and neither is"):
        to_svg(PICTURES["front"].draw(scene_of(study_of(make_grid()))))


def test_a_browser_that_fails_is_told_as_that(make_grid, study_of, monkeypatch):
    monkeypatch.setenv("BROWSER_PATH", "/bin/false")
    with pytest.raises(UndrawnError, match=r"svg is drawn by Chrome or Chromium, and it failed \("):
        to_svg(PICTURES["front"].draw(scene_of(study_of(make_grid()))))


@pytest.fixture
def tracker(tmp_path, monkeypatch, study_of, make_trial):
    """A tracker with one study that has no trial yet."""
    monkeypatch.chdir(tmp_path)
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    MlflowStore(uri).open_study(study_of([], "noise-1").info).open()
    return uri


def test_a_study_becomes_a_file_of_its_name(tracker, tmp_path, capsys):
    assert export.main(["--study", "noise-1", "--tracking-uri", tracker]) == 0
    assert capsys.readouterr().out == "noise-1.html\n"
    assert "No trial is on the front." in (tmp_path / "noise-1.html").read_text("utf-8")


def test_a_picture_becomes_a_file_of_the_asked_kind(tracker, tmp_path, capsys):
    asked = ["--study", "noise-1", "--tracking-uri", tracker, "--picture", "front"]
    assert export.main([*asked, "--output", "front.csv"]) == 0
    assert (tmp_path / "front.csv").read_text("utf-8").startswith('"kind","trial"')


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "--study is missing"),
        (["--study", "noise-2"], "no study 'noise-2'.*did you mean 'noise-1'"),
        (["--study", "noise-1", "--picture", "frnt"], "'frnt' is no picture.*mean 'front'"),
        (["--study", "noise-1", "--output", "a.pdf"], r"a.pdf: a page ends in .html, or name"),
        (
            ["--study", "noise-1", "--picture", "front", "--output", "front.jpg"],
            "front.jpg: a picture ends in .png, .svg, .csv, .parquet",
        ),
        (
            ["--study", "noise-1", "--output", "no/where.html"],
            "no/where.html: cannot write: No such file",
        ),
    ],
)
def test_bad_input_is_refused_in_one_sentence(tracker, tmp_path, capsys, arguments, message):
    before = sorted(tmp_path.iterdir())
    assert export.main([*arguments, "--tracking-uri", tracker]) == 2
    said = capsys.readouterr().err
    assert re.fullmatch(rf"dashboards.export: .*{message}.*\n", said), said
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.usefixtures("no_browser")
def test_a_picture_without_a_browser_is_refused_and_leaves_the_earlier_file(
    tracker, tmp_path, capsys
):
    (tmp_path / "front.png").write_bytes(b"earlier")
    asked = ["--study", "noise-1", "--tracking-uri", tracker, "--picture", "front"]
    assert export.main([*asked, "--output", "front.png"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("dashboards.export: --output front.png: a png is drawn by Chrome")
    assert said.count("\n") == 1
    assert (tmp_path / "front.png").read_bytes() == b"earlier"
