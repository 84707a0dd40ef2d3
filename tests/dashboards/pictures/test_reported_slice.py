import pytest

from dashboards.elements.quantity import find_quantity, setting
from dashboards.elements.setting_axis import SettingAxis
from dashboards.pictures.reported_slice import describe_reported, reported_figures, reported_trace
from study.results.published_results import PAPER, reported_results

NOISE, MASKS, BATCH = setting("noise_level"), setting("mask_count"), setting("batch_size")
ACCURACY, LOSS = find_quantity("val_accuracy", ()), find_quantity("val_loss", ())


def test_noise_levels_have_table_three_and_batch_sizes_table_six():
    levels = reported_figures("imagenet100", NOISE, ACCURACY)
    assert sorted(figure.x for figure in levels) == [0.01, 0.05, 0.1, 0.5, 1, 5]
    sizes = reported_figures("cifar10", BATCH, ACCURACY)
    table = [r for r in reported_results() if r.source == PAPER and r.where == "Table 6"]
    assert {(figure.x, figure.y) for figure in sizes} == {(r.batch_size, r.value) for r in table}
    assert len(sizes) == len(table) == 12
    assert sizes[0].text.startswith("Table 6, resnet50, ")
    assert sizes[0].text.endswith(f", batch size {sizes[0].x:.0f}")


@pytest.mark.parametrize(
    ("dataset", "x", "y", "words"),
    [
        ("digits", NOISE, ACCURACY, "The paper's Table 3 is of imagenet100, and so not drawn."),
        ("cifar10", MASKS, LOSS, ""),
        ("digits", NOISE, LOSS, ""),
        ("cifar10", setting("width"), ACCURACY, ""),
    ],
)
def test_figures_of_something_else_are_left_out_and_named_where_one_may_expect_them(
    dataset, x, y, words
):
    assert reported_figures(dataset, x, y) == ()
    assert " ".join(describe_reported(dataset, x, y)) == words


def test_figures_are_hollow_diamonds_that_say_where_they_stand():
    figures = reported_figures("cifar10", MASKS, ACCURACY)
    trace = reported_trace(
        figures, MASKS, ACCURACY, SettingAxis(MASKS, [figure.x for figure in figures])
    )
    assert (trace.name, trace.marker.symbol) == ("paper's Table 5", "diamond-open")
    assert list(trace.x) == [figure.x for figure in figures]
    assert list(trace.y) == [figure.y for figure in figures]
    first = figures[0]
    assert trace.hovertext[0] == f"{first.text}: test accuracy {first.y:.4f} as published"
    (words,) = describe_reported("cifar10", MASKS, ACCURACY)
    assert words.startswith("Hollow diamonds: test accuracy as published in the paper's Table 5")
