"""Settings that a study searched are those that differ between its trials."""

from dataclasses import replace

from dashboards.elements.quantity import searched_settings
from study.results.trial_query import values_of


def test_a_setting_of_one_value_that_some_trials_lack_is_not_searched(make_trial) -> None:
    records = [
        replace(record, parameters={**record.parameters, **more})
        for record, more in (
            (make_trial(0), {"layer": "perturbation", "pooling": "max"}),
            (make_trial(1), {"layer": "conv3x3"}),
        )
    ]
    without = {
        k: v for k, v in records[1].parameters.items() if k not in ("noise_level", "pooling")
    }
    records[1] = replace(records[1], parameters=without)
    assert [quantity.name for quantity in searched_settings(records)] == ["layer"]


def test_padding_that_earlier_detectors_did_not_record_is_that_of_the_canvas(make_trial) -> None:
    record = make_trial(0)
    earlier = replace(record, parameters={**record.parameters, "canvas": 64})
    known = {
        padding: replace(earlier, parameters={**earlier.parameters, "padding": padding})
        for padding in ("canvas", "batch")
    }
    assert searched_settings([earlier, known["canvas"]]) == ()
    for first in (earlier, known["canvas"]):
        assert [each.name for each in searched_settings([first, known["batch"]])] == ["padding"]
        assert values_of(first)["padding"] == "canvas"
    assert "padding" not in values_of(record)  # of a classifier
