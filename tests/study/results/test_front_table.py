import pytest

from pnn_core.config import Costs, EpochResult
from study.results.front_table import TextTable, format_metric, format_parameter, front_table
from study.results.objective import parse_objectives
from study.results.run_record import RunKey, RunRecord, RunState


def trial(number, accuracy, params, **parameters):
    result = EpochResult(
        epoch=1,
        train_loss=2.0,
        val_loss=1.5,
        val_accuracy=accuracy,
        train_seconds=1.25,
        val_seconds=0.5,
    )
    return RunRecord(
        key=RunKey(number),
        state=RunState.COMPLETE,
        parameters=parameters,
        costs=Costs(learnable_params=params, mask_values=64, macs=1),
        replicates=((result,),),
    )


def test_rows_keep_the_fronts_order_and_the_first_objective_comes_last():
    records = [
        trial(7, 0.5, 1234, mask_count=8, noise_level=0.123456, seed=1),
        trial(2, 0.75, 56789, mask_count=16, noise_level=2.0, seed=2),
    ]
    table = front_table(
        records, ("noise_level", "mask_count"), parse_objectives("val_accuracy,learnable_params")
    )
    assert table == TextTable(
        header=("trial", "noise_level", "mask_count", "learnable_params", "val_accuracy"),
        rows=(("7", "0.123", "8", "1,234", "0.5000"), ("2", "2", "16", "56,789", "0.7500")),
    )


def test_an_empty_front_is_a_header_alone():
    table = front_table([], ("mask_count",), parse_objectives("val_accuracy"))
    assert table.rows == ()
    assert str(table) == "trial  mask_count  val_accuracy"


def test_columns_are_aligned_to_the_right():
    table = TextTable(header=("a", "long name"), rows=(("1000", "1"), ("2", "22")))
    assert str(table).splitlines() == ["   a  long name", "1000          1", "   2         22"]


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("learnable_params", 1234567, "1,234,567"),
        ("learnable_params", 550.0, "550"),
        ("mask_values", 0, "0"),
        ("macs", 1000, "1,000"),
        ("train_seconds", 12.34, "12.3"),
        ("val_accuracy", 1 / 3, "0.3333"),
        ("val_loss", float("nan"), "nan"),
        ("train_loss", float("inf"), "inf"),
    ],
)
def test_metrics_are_formatted_as_what_they_are(name, value, text):
    assert format_metric(name, value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0312345, "0.0312"),
        (1e-5, "1e-05"),
        (5.0, "5"),
        (0.0, "0"),
        (100000, "100000"),
        (True, "True"),
        ("adam", "adam"),
    ],
)
def test_parameters_are_formatted_to_three_significant_digits(value, text):
    assert format_parameter(value) == text
