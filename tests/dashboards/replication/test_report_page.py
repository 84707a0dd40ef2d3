import re

import pytest

from dashboards.replication.report_page import get_report_info, write_report

SCRIPT = "<script>alert(1)</script>"
IMAGE = '"><img src=x onerror=alert(1)>'


@pytest.fixture
def write(tmp_path):
    def page(*studies):
        path = tmp_path / "report.html"
        write_report(path, get_report_info(studies))
        text = path.read_text(encoding="utf-8")
        scripts = re.findall(r"<script.*?</script>", text, flags=re.DOTALL)
        return text.replace(max(scripts, key=len), "")  # Plotly itself

    return page


@pytest.fixture
def study(make_runs, confirmed_study):
    def make(text="x", **changes):
        return confirmed_study(
            make_runs([0.8, None], reason=text, device=text),
            make_runs([0.8, 0.9], layer="conv1x1"),
            versions={text: text},
            git_commit=text,
            **changes,
        )

    return make


@pytest.mark.parametrize("name", [SCRIPT, IMAGE])
def test_names_from_elsewhere_appear_only_escaped(write, study, name):
    plain = write(study())
    hostile = write(study(name, name=name, dataset=name, space=name, sampler=name))
    assert hostile.count("<script") == plain.count("<script")
    assert "<img" not in hostile
    assert "alert(1)" in hostile


def test_the_page_names_nothing_to_fetch_and_brings_plotly_once(write, study, tmp_path):
    page = write(study(), study(name="second"))
    assert page.count("class='picture'") == 6
    assert page.count("Plotly.newPlot") == 1
    assert re.findall(r"(?:src|href)=['\"]([^'\"]*)", page) == ["data:,"]
    assert len((tmp_path / "report.html").read_bytes()) < 7_000_000


def test_the_verdict_and_its_picture_come_first_and_the_budget_last(write, study):
    page = write(study(name="first"), study(name="second"))
    marks = [
        "<h1>",
        "Study first",
        "trial 0 over 1×1: ",
        "Differences of test accuracy with their verdicts",
        "Confirmed test accuracy against",
        "Every comparison in words",
        "Differences and verdicts: first",
        "What the published protocol adds",
        "Study second",
        "Table 1:",
        "What was run",
    ]
    places = [page.index(mark, page.index("<main>")) for mark in marks]
    assert places == sorted(places)


def test_what_the_test_images_were_read_for_and_what_defaults_are_is_said(study):
    notes = " ".join(get_report_info([study()]).notes)
    assert "classified after each epoch, for the published protocol's figure" in notes
    assert "nothing is chosen by them" in notes
    assert "read the test images once" not in notes
    assert "dropout 0, initialisation torch, noise_level 0.1," in notes
    assert "schedule tenth_at_60_90, batch_size 10, weight_decay 0" in notes
    assert "its classes are those of the user's folder" in notes


def test_every_picture_has_words_and_every_table_can_be_reached(write, study):
    page = write(study())
    assert len(re.findall(r"role='group'[^>]*aria-label='Scatter plot [^']{40,}'", page)) == 2
    assert page.count("<table") == page.count("role='region'") == page.count("tabindex='0'") >= 3


def test_tables_of_figures_that_nobody_ran_are_one_line(write, study):
    page = write(study(dataset="digits"))
    (line,) = re.findall(r"<p>Nothing of these was run: ([^<]*)</p>", page)
    assert "Table 1: ImageNet-1k" in line
    assert "Table 6: CIFAR-10" in line
    assert page.count("<table") == 3


def test_the_means_of_each_batch_size_are_told(write, study):
    page = write(study())
    assert "Means: 3.00 at batch size 10." in page


def test_an_output_that_cannot_be_written_is_an_error(study, tmp_path):
    with pytest.raises(OSError, match="No such file"):
        write_report(tmp_path / "absent" / "report.html", get_report_info([study()]))
