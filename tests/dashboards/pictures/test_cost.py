import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboards.elements import theme
from dashboards.elements.quantity import find_quantity, setting
from dashboards.elements.selection import FADED
from dashboards.pictures.cost import COST, get_cost_figure, get_cost_info
from dashboards.scene import Scene
from dashboards.view_options import ViewOptions
from dashboards.view_tables import front_table
from pnn_core.config import Costs, EpochResult
from study.results.run_record import RunKey, RunState

COSTS = ("mask_values", "macs", "epoch_val_seconds", "train_seconds")

few = st.integers(1, 4)
rows = st.lists(
    st.tuples(
        st.integers(0, 4) | st.just(math.nan),
        few,
        st.integers(0, 4),
        few,
        few,
        few,
        st.just(RunState.COMPLETE) | st.sampled_from(RunState),
    ),
    max_size=10,
)


@pytest.fixture(scope="session")
def make_cost(make_trial):
    """A trial with every cost given."""

    def make(number, accuracy, params, masks, macs, val, train, state=RunState.COMPLETE):
        result = EpochResult(
            epoch=1,
            train_loss=1.5,
            val_loss=1.0,
            val_accuracy=accuracy,
            train_seconds=train,
            val_seconds=val,
        )
        return replace(
            make_trial(number, state=state),
            costs=Costs(learnable_params=params, mask_values=masks, macs=macs),
            replicates=((result,),),
        )

    return make


@pytest.fixture
def small(make_cost, study_of):
    return study_of(
        [
            make_cost(0, 0.5, 1000, 64, 5000, 0.1, 3.0),
            make_cost(1, 0.4, 2000, 32, 6000, 0.2, 2.0),
            make_cost(2, 0.9, 3000, 128, 7000, 0.3, 1.0),
            make_cost(3, 0.99, 10, 1, 1, 0.1, 0.1, RunState.FAILED),
        ]
    )


def traces_of(figure, i):
    """Those of one panel, by name."""
    axis = "x" if i == 0 else f"x{i + 1}"
    return {trace.name: trace for trace in figure.data if (trace.xaxis or "x") == axis}


def numbers(trace):
    return [row[0] for row in trace.customdata]


def test_a_small_study_gives_exactly_this_info(small):
    info = get_cost_info(small)
    assert info.title == "Validation accuracy against what parameters hide: noise-1"
    assert info.caption == (
        "digits, 4 trials (3 complete, 1 failed), 1 epoch each, one seed per trial. The best of "
        "many validation accuracies is biased upwards. So few (3) tell little of the search space. "
        "Of the 2 trials on the front of validation accuracy against learnable parameters, so many "
        "are not on the front here: 0 for mask values, 0 for MACs per image, 0 for inference, 1 "
        "for training. Inference is the median time of a pass over the validation images, whose "
        "number this study did not record. Times are of a machine that may have been busy with "
        "other trials: small differences mean nothing."
    )
    assert info.description == (
        "Four scatter plots of 3 complete trials: validation accuracy against mask values, "
        "multiply-accumulates, inference time and training time. On the fronts: 3 by mask values, "
        "2 by MACs per image, 2 by inference, 1 by training."
    )
    assert (info.instead, info.selected, info.y.name) == ("", None, "val_accuracy")
    assert (info.numbers, info.values) == ((0, 1, 2), (0.5, 0.4, 0.9))
    assert info.parameter_front == (0, 2)
    assert [(panel.cost.name, *panel[1:]) for panel in info.panels] == [
        ("mask_values", "mask values", (64, 32, 128), (1, 0, 2), ()),
        ("macs", "MACs per image", (5000, 6000, 7000), (0, 2), ()),
        ("epoch_val_seconds", "inference (s a pass)", (0.1, 0.2, 0.3), (0, 2), ()),
        ("train_seconds", "training (s)", (3.0, 2.0, 1.0), (2,), (0,)),
    ]


@settings(max_examples=40, deadline=None)
@given(rows)
def test_a_panels_front_is_what_no_other_beats_on_accuracy_and_its_cost(make_cost, study_of, rows):
    info = get_cost_info(study_of([make_cost(i, *row) for i, row in enumerate(rows)]))
    drawn = {
        i: row
        for i, row in enumerate(rows)
        if row[-1] is RunState.COMPLETE and not math.isnan(row[0])
    }
    assert list(info.numbers) == list(drawn)

    def front(column):
        def beats(a, b):
            at_least = a[0] >= b[0] and a[column] <= b[column]
            return at_least and (a[0], a[column]) != (b[0], b[column])

        return {i for i, row in drawn.items() if not any(beats(o, row) for o in drawn.values())}

    by_params = front(1)
    assert {info.numbers[i] for i in info.parameter_front} == by_params
    for column, panel in enumerate(info.panels, start=2):
        assert panel.values == tuple(row[column] for row in drawn.values())
        assert {info.numbers[i] for i in panel.front} == front(column)
        assert {info.numbers[i] for i in panel.hidden} == by_params - front(column)
        costs = [panel.values[i] for i in panel.front]
        assert costs == sorted(costs)
    get_cost_figure(info).to_json()


def test_a_loss_is_better_small(study_of, make_cost):
    records = [make_cost(i, 0.1 * i, 10 + i, 10 + i, 10, 1.0, 1.0) for i in range(2)]
    losses = [
        replace(record, replicates=((replace(record.replicates[0][0], val_loss=loss),),))
        for record, loss in zip(records, (0.5, 0.7), strict=True)
    ]
    info = get_cost_info(study_of(losses), y=find_quantity("val_loss", ()))
    assert info.panels[0].front == (0,)
    assert get_cost_info(study_of(losses)).panels[0].front == (0, 1)


def test_a_quantity_without_a_direction_is_refused(small):
    with pytest.raises(ValueError, match=r"y \(=noise_level\)"):
        get_cost_info(small, y=setting("noise_level"))


def test_inference_is_milliseconds_per_image_where_their_number_was_recorded(small):
    study = replace(small, info=replace(small.info, validation_images=200))
    info = get_cost_info(study)
    (panel,) = [panel for panel in info.panels if panel.label == "inference (ms an image)"]
    assert (panel.cost.name, panel.values) == ("inference_ms", pytest.approx((0.5, 1.0, 1.5)))
    assert "Inference is the time per image of a pass over the validation images" in info.caption
    names = [trace.hovertemplate for trace in get_cost_figure(info).data]
    assert any("inference_ms: %{x:.3~g}" in text for text in names)
    assert not any("epoch_val_seconds" in text for text in names)
    table = front_table(Scene(studies=(study,), options=ViewOptions(), selected=None, now_ms=0))
    assert table.headers["inference_ms"] == "measured inference"
    assert table.text("inference_ms", 0.5) == "0.5"


def test_four_panels_share_the_vertical_axis_and_carry_their_units(small):
    figure = get_cost_figure(get_cost_info(small))
    layout = figure.layout
    titles = [layout[f"xaxis{i}"].title.text for i in ("", 2, 3, 4)]
    assert titles == ["Mask values", "MACs per image", "Inference (s a pass)", "Training (s)"]
    assert all(layout[f"xaxis{i}"].type == "log" for i in ("", 2, 3, 4))
    # Plotly names one of them in the three others.
    assert [layout[f"yaxis{i}"].matches for i in ("", 2, 3, 4)] == ["y3", "y3", None, "y3"]
    accuracy = "Validation accuracy (correct / total)"
    assert [layout[f"yaxis{i}"].title.text for i in ("", 2, 3, 4)] == [accuracy, "", accuracy, ""]


def test_labels_of_an_axis_are_whole_numbers_and_few(study_of, make_cost):
    records = [make_cost(i, 0.5, 10, 300 * 2**i, 10, 0.02 * 2**i, 0.5 * 1.01**i) for i in range(10)]
    layout = get_cost_figure(get_cost_info(study_of(records))).layout
    assert layout.xaxis.ticktext == ("1k", "10k", "100k")
    assert layout.xaxis3.ticktext == ("0.1", "1", "10")
    assert layout.xaxis4.ticktext == ("0.5", "0.547")


def test_no_masks_at_all_keep_their_axis_linear(study_of, make_cost):
    records = [make_cost(i, 0.5, 10, 10 * i, 10, 1.0, 1.0) for i in range(2)]
    layout = get_cost_figure(get_cost_info(study_of(records))).layout
    assert (layout.xaxis.type, layout.xaxis2.type) == (None, "log")


def test_each_panel_shows_all_trials_its_front_and_what_parameters_hide(small):
    figure = get_cost_figure(get_cost_info(small))
    masks, training = traces_of(figure, 0), traces_of(figure, 3)
    assert numbers(masks["trials"]) == numbers(training["trials"]) == [0, 1, 2]
    assert list(training["trials"].x) == [3.0, 2.0, 1.0]
    assert list(training["trials"].y) == [0.5, 0.4, 0.9]
    assert numbers(masks["front"]) == [1, 0, 2]
    assert masks["front"].line.shape == "hv"
    assert "front by parameters only" not in masks
    assert numbers(training["front"]) == [2]
    assert numbers(training["front by parameters only"]) == [0]
    symbols = {trace.marker.symbol for trace in training.values()}
    assert len(symbols) == 3


def test_the_legend_has_one_entry_for_each_kind(small):
    figure = get_cost_figure(get_cost_info(small))
    shown = [trace.name for trace in figure.data if trace.showlegend]
    assert sorted(shown) == ["front", "front by parameters only", "trials"]


def test_hover_formats_by_quantity(small):
    figure = get_cost_figure(get_cost_info(small))
    assert traces_of(figure, 1)["trials"].hovertemplate == (
        "<b>trial %{customdata[0]}</b><br>val_accuracy: %{y:.4f}<br>macs: %{x:,.0f}<extra></extra>"
    )
    assert "epoch_val_seconds: %{x:.3~g}" in traces_of(figure, 2)["trials"].hovertemplate


def test_selected_trials_are_full_and_the_others_faded(small):
    info = get_cost_info(small, selected=frozenset({0, 2}))
    assert info.caption.endswith(" 2 trials selected, the others faded.")
    for i in range(4):
        for trace in traces_of(get_cost_figure(info), i).values():
            found = {numbers(trace)[i] for i in trace.selectedpoints}
            assert found == {0, 2} & set(numbers(trace))
            assert trace.unselected.marker.opacity == FADED


@pytest.mark.parametrize(
    ("devices", "words"),
    [
        (["", ""], "Times are of a machine that"),
        (["GPU A", "GPU A"], "Times are of a machine (GPU A) that"),
        (["GPU A", "CPU"], "Times are of 2 kinds of machine (CPU, GPU A) that"),
        (["a", "b", "c"], "Times are of 3 kinds of machine that"),
    ],
)
def test_the_caption_names_the_machines_of_the_times(study_of, make_cost, devices, words):
    records = [
        replace(make_cost(i, 0.5, 10, 10, 10, 1.0, 1.0), device=device)
        for i, device in enumerate(devices)
    ]
    assert words in get_cost_info(study_of(records)).caption


def test_a_trial_without_a_value_is_in_no_panel(study_of, make_cost, small):
    bare = replace(make_cost(4, 0.8, 10, 10, 10, 1.0, 1.0), costs=None)
    info = get_cost_info(study_of([*small.records, bare]))
    assert info.numbers == (0, 1, 2)
    assert "1 trial without finite values not drawn." in info.caption


@pytest.mark.parametrize("states", [[], ["failed"], ["running"]])
def test_a_study_without_complete_trials_says_so_in_the_picture(study_of, make_cost, states):
    records = [make_cost(i, 0.5, 10, 10, 10, 1.0, 1.0, RunState(s)) for i, s in enumerate(states)]
    info = get_cost_info(study_of(records))
    figure = COST.picture(info).figure
    assert info.description == "Four scatter plots without a trial."
    assert "front" not in info.caption
    assert len(figure.layout.annotations) == 1
    assert not figure.data


def test_many_trials_are_drawn_by_the_graphics_card(study_of, make_cost):
    record = make_cost(0, 0.5, 10, 10, 10, 1.0, 1.0)
    records = [replace(record, key=RunKey(i)) for i in range(theme.MANY_POINTS // 4 + 1)]
    figure = get_cost_figure(get_cost_info(study_of(records)))
    assert traces_of(figure, 0)["trials"].type == "scattergl"


def test_the_picture_carries_what_is_drawn(small):
    picture = COST.picture(get_cost_info(small))
    assert picture.name == "cost"
    assert {name: list(column) for name, column in picture.data.items()} == {
        "trial": [0, 1, 2],
        "val_accuracy": [0.5, 0.4, 0.9],
        "mask_values": [64, 32, 128],
        "macs": [5000, 6000, 7000],
        "epoch_val_seconds": [0.1, 0.2, 0.3],
        "train_seconds": [3.0, 2.0, 1.0],
        "on_front_by_learnable_params": [True, False, True],
        "on_front_by_mask_values": [True, True, True],
        "on_front_by_macs": [True, False, True],
        "on_front_by_epoch_val_seconds": [True, False, True],
        "on_front_by_train_seconds": [False, False, True],
    }
