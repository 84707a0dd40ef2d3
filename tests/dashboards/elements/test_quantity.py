"""Settings that a study searched are those that differ between its trials."""

from dataclasses import replace

from dashboards.elements.quantity import searched_settings


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
