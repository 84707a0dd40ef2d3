import pytest

from dashboards.elements.quantity import find_quantity, setting
from dashboards.elements.setting_parts import Part, divide
from dashboards.pictures.reported_cells import reported_cells

MASKS, BATCH, LAYER = setting("mask_count"), setting("batch_size"), setting("layer")
ACCURACY, LOSS = find_quantity("val_accuracy", ()), find_quantity("val_loss", ())

COLUMNS = (MASKS, divide(MASKS, [8, 64], bins=6))
ROWS = (BATCH, divide(BATCH, [10, 80], bins=6))


def test_every_table_with_both_values_is_read_over_their_cell():
    assert reported_cells("cifar10", COLUMNS, ROWS, ACCURACY) == (
        (1, 0, "reported: 0.9405 (Table 4, resnet50, test), 0.9405 (Table 6, resnet50, test)"),
        (1, 1, "reported: 0.8529 (Table 6, resnet50, test)"),
    )


def test_a_bin_holds_what_lies_between_its_ends():
    bins = (Part("1–7", 1, 7, ()), Part("60–64", 60, 64, ()), Part("65–70", 65, 70, ()))
    cells = reported_cells("cifar10", (MASKS, bins), ROWS, ACCURACY)
    assert [(cell.column, cell.row) for cell in cells] == [(1, 0), (1, 1)]


def test_a_name_is_found_by_its_name():
    names = (LAYER, (Part("perturb", None, None, ()), Part("perturbation", None, None, ())))
    cells = reported_cells("cifar10", names, ROWS, ACCURACY)
    assert {cell.column for cell in cells} == {1}


@pytest.mark.parametrize(("dataset", "metric"), [("digits", ACCURACY), ("cifar10", LOSS)])
def test_of_another_data_set_or_metric_nothing_is_reported(dataset, metric):
    assert reported_cells(dataset, COLUMNS, ROWS, metric) == ()
