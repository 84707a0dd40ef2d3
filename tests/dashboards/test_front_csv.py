import csv

from dashboards.front_csv import write_front_csv


def read_csv(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_csv_round_trips_every_setting_and_metric(make_trial, tmp_path):
    records = [
        make_trial(3, 1 / 3, 550, noise_level=0.1 + 0.2, order='with "quotes", commas\nand lines'),
        make_trial(8, 2 / 3, 1234567, noise_level=1e-12, weight_decay=0.0),
    ]
    path = tmp_path / "front.csv"
    write_front_csv(path, records)
    rows = read_csv(path)
    assert [int(row.pop("trial")) for row in rows] == [3, 8]
    for row, record in zip(rows, records, strict=True):
        expected = {**record.parameters, **record.metrics()}
        # `bool` would take any text for true.
        readers = {name: type(value) for name, value in expected.items()}
        readers |= {n: "True".__eq__ for n, value in expected.items() if isinstance(value, bool)}
        assert {name: readers[name](text) for name, text in row.items()} == expected


def test_the_csv_keeps_settings_that_only_some_trials_have(make_trial, tmp_path):
    path = tmp_path / "front.csv"
    write_front_csv(path, [make_trial(0), make_trial(1, added_later=5)])
    assert [row["added_later"] for row in read_csv(path)] == ["", "5"]


def test_an_empty_front_is_a_csv_with_a_header(tmp_path):
    path = tmp_path / "front.csv"
    write_front_csv(path, [])
    assert path.read_text(encoding="utf-8").splitlines() == ["trial"]
