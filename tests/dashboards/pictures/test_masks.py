import math
from dataclasses import replace

import numpy as np
import pytest

from dashboards.pictures.masks import (
    MASKS,
    get_masks_figure,
    get_masks_info,
    image_shape,
)
from pnn_core.config import DatasetShape, ModelConfig, TrialConfig
from pnn_core.data import DATASETS
from pnn_core.layers.perturbation import Perturbation
from pnn_core.models.build import build_model
from pnn_core.parts.layers import SPATIAL_LAYERS
from pnn_core.rng.seeds import Seeds
from study.results.run_record import RunKey, RunRecord, RunState

DIGITS = DatasetShape(channels=1, height=8, width=8, classes=10)
SMALL = {"network": "resnet8", "mask_count": 4}


def trial_of(shape=DIGITS, *, seed=12, **settings):
    return TrialConfig(model=ModelConfig(dataset=shape), seed=seed).with_parameters(settings)


def record_of(trial, *, seeds=1, number=3, **parameters):
    return RunRecord(
        key=RunKey(number),
        state=RunState.RUNNING,
        parameters={**trial.parameters(), **parameters},
        replicates=((),) * seeds,
    )


def without(record, *names):
    kept = {name: value for name, value in record.parameters.items() if name not in names}
    return replace(record, parameters=kept)


def built_masks(trial, place=0):
    network = build_model(trial.model, Seeds.of(trial))
    found = [part for part in network.modules() if isinstance(part, Perturbation)]
    return found[place].masks.detach()[0].numpy()


def info_of(trial=None, shape=DIGITS, **options):
    return get_masks_info(record_of(trial or trial_of(**SMALL)), shape, **options)


def assert_drawn(info, masks):
    np.testing.assert_allclose(np.asarray(info.masks), masks, rtol=0, atol=1e-6)


def test_a_small_trial_gives_exactly_these_words():
    info = info_of(trial_of(**SMALL))
    assert info.title == "Noise masks of trial 3"
    assert info.caption == (
        "All 4 masks of the first perturbation layer, 8×8 pixels each, drawn again from seed 12: "
        "uniform in ±0.1. Black is −0.1, white 0.1. In the order of their index, from left to "
        "right, then downwards."
    )
    assert (
        info.description == "Grey-scale images of 4 masks of 8×8 pixels: noise without a pattern."
    )
    assert info.bound == 0.1
    assert not info.instead


@pytest.mark.parametrize("distribution", ["uniform", "normal"])
def test_the_masks_are_those_that_the_trial_trains_with(distribution):
    trial = trial_of(noise_distribution=distribution, mask_seed=5, **SMALL)
    assert_drawn(info_of(trial), built_masks(trial))


def test_of_many_masks_the_first_ones_are_drawn():
    trial = trial_of(network="resnet8", mask_count=64)
    info = info_of(trial)
    assert_drawn(info, built_masks(trial)[:16])
    assert info.caption.startswith("16 of 64 masks")
    assert len(info_of(trial, limit=5).masks) == 5


def test_every_seed_of_a_trial_has_its_own_masks_unless_they_share_a_mask_seed():
    trial = trial_of(**SMALL)
    record = record_of(trial, seeds=3)
    second = get_masks_info(record, DIGITS, replicate=1)
    assert_drawn(second, built_masks(replace(trial, seed=13)))
    assert "from seed 13: " in second.caption
    assert second.caption.endswith("Each of the trial's 3 seeds has masks of its own.")
    shared = get_masks_info(record_of(replace(trial, mask_seed=7), seeds=3), DIGITS, replicate=1)
    assert_drawn(shared, built_masks(replace(trial, mask_seed=7)))
    assert "from seed 7: " in shared.caption
    assert "of its own" not in shared.caption


def test_a_normal_ones_grey_reaches_three_standard_deviations():
    info = info_of(trial_of(noise_distribution="normal", noise_level=0.3, **SMALL))
    assert info.bound == pytest.approx(0.3 * math.sqrt(3))
    assert "normal of standard deviation 0.173, of which 0.3% lie beyond" in info.caption


def test_shared_and_trained_masks_are_called_so():
    shared = trial_of(network="resnet8", mask_count=8, fan_out=2, unique_masks=False)
    info = info_of(shared)
    assert_drawn(info, built_masks(shared))
    assert info.caption.startswith("All 2 masks")
    assert info.caption.endswith("All 4 channels share them.")
    trained = trial_of(trained_masks=True, **SMALL)
    info = info_of(trained)
    assert_drawn(info, 0.1 * built_masks(trained))
    assert info.caption.endswith("As they were before training, which changes them.")


def test_a_perturbation_stem_is_drawn_where_no_layer_has_masks_or_on_request():
    both = trial_of(stem="perturbation", stem_fan_out=3, **SMALL)
    assert_drawn(info_of(both), built_masks(both, 1))
    assert_drawn(info_of(both, place="stem"), built_masks(both, 0))
    control = trial_of(stem="perturbation", stem_fan_out=3, layer="conv3x3", **SMALL)
    info = info_of(control)
    assert_drawn(info, built_masks(control, 0))
    assert info.caption.startswith("All 3 masks of the perturbation stem, 8×8 pixels")


def test_of_large_masks_a_corner_is_drawn():
    shape = DatasetShape(channels=3, height=40, width=24, classes=10)
    trial = trial_of(shape, **SMALL)
    info = info_of(trial, shape)
    assert_drawn(info, built_masks(trial)[:, :32, :])
    assert "40×24 pixels" in info.caption
    assert "Of each the upper left 32 pixels a side at most." in info.caption


def test_blurred_masks_are_drawn_within_three_deviations_and_the_blur_is_said():
    info = get_masks_info(record_of(trial_of(layer="blurred_masks", **SMALL)), DIGITS)
    assert info.bound == pytest.approx(3 * 0.1 / math.sqrt(3))
    assert "blurred by a Gaussian of 2 pixels" in info.caption


def test_constant_masks_are_drawn_as_the_numbers_that_they_are():
    trial = trial_of(layer="constant_masks", **SMALL)
    info = get_masks_info(record_of(trial), DIGITS)
    built = build_model(trial.model, Seeds.of(trial))
    masks = next(m.masks for m in built.modules() if isinstance(m, Perturbation))
    np.testing.assert_allclose(np.asarray(info.masks), masks[0].numpy(), rtol=0, atol=2e-7)
    assert "1×1 pixels each" in info.caption
    assert get_masks_figure(info).data


@pytest.mark.parametrize(
    ("record", "shape", "instead"),
    [
        (
            record_of(trial_of()),
            None,
            "The study does not record the size of its images, on which the size of masks depends.",
        ),
        (
            record_of(trial_of(layer="local_binary")),
            DIGITS,
            "This network has no noise masks: its layers are local_binary.",
        ),
        (
            record_of(trial_of(layer="fresh_masks")),
            DIGITS,
            "This network has no noise masks: its layers are fresh_masks.",
        ),
        (
            record_of(trial_of(noise_level=0.0)),
            DIGITS,
            "The noise level is 0, so that all masks are 0.",
        ),
        (
            without(record_of(trial_of()), "mask_count", "seed", "batch_size"),
            DIGITS,
            "The trial does not record mask_count, seed, on which its masks depend.",
        ),
        (
            record_of(trial_of(), layer="<script>"),
            DIGITS,
            f"Layer (='<script>') must be one of {', '.join(SPATIAL_LAYERS)}",
        ),
    ],
)
def test_what_cannot_be_drawn_is_said(record, shape, instead):
    info = get_masks_info(record, shape)
    assert info.instead == instead
    assert info.masks == ()
    figure = MASKS.picture(info).figure
    assert not figure.data
    (note,) = figure.layout.annotations
    assert "<script>" not in note.text
    assert MASKS.picture(info).data["noise"] == []


@pytest.mark.parametrize("options", [{"replicate": 1}, {"replicate": -1}, {"place": "stem"}])
def test_what_a_trial_does_not_have_is_said(options):
    (name,) = options
    assert info_of(**options).instead.startswith(f"{name.capitalize()} (=")


def test_a_name_of_the_space_is_no_setting_of_the_training_run():
    trial = trial_of(**SMALL)
    assert get_masks_info(record_of(trial, variant="wide"), DIGITS).masks == info_of(trial).masks


def test_masks_are_tiles_of_one_heat_map_with_gaps():
    trial = trial_of(network="resnet8", mask_count=3)
    figure = get_masks_figure(info_of(trial))
    (trace,) = figure.data
    assert (trace.zmin, trace.zmax) == (-0.1, 0.1)
    assert [colour for _, colour in trace.colorscale] == ["#000000", "#ffffff"]
    assert trace.z.shape == (17, 17)  # 2 × 8 and a gap of 1
    masks = built_masks(trial)
    tiles = [trace.z[:8, :8], trace.z[:8, 9:], trace.z[9:, :8]]
    np.testing.assert_allclose(tiles, masks, rtol=0, atol=1e-7)
    drawn = np.isfinite(trace.z)
    assert drawn.sum() == 3 * 64
    # Where the pointer is: mask, row, column.
    for mask, row, column in ((0, 0, 0), (1, 3, 7), (2, 5, 1)):
        ((y, x),) = np.argwhere(np.all(trace.customdata == (mask, row, column), axis=-1) & drawn)
        assert trace.z[y, x] == pytest.approx(masks[mask, row, column])
    assert len(figure.layout.shapes) == 3
    assert figure.layout.yaxis.scaleanchor == "x"
    assert figure.layout.yaxis.autorange == "reversed"


def test_the_data_holds_every_value_with_its_place():
    info = info_of(trial_of(network="resnet8", mask_count=2))
    picture = MASKS.picture(info)
    assert picture.name == "trial-masks"
    rows = list(zip(*picture.data.values(), strict=True))
    assert list(picture.data) == ["mask", "row", "column", "noise"]
    assert len(rows) == 2 * 64
    assert rows[64 + 8 + 2] == (1, 1, 2, info.masks[1][1][2])


# Studies of later data sets record the shape of their images.
@pytest.mark.parametrize("dataset", [*DATASETS][:6])
def test_a_data_set_of_one_shape_is_known_by_its_name(study_of, dataset):
    shape = DATASETS[dataset].shape
    assert image_shape(study_of([], dataset=dataset).info) == (None if callable(shape) else shape)


@pytest.mark.parametrize("dataset", ["imagefolder", "cifar10"])
def test_what_the_study_records_of_its_images_goes_before_its_data_sets_name(study_of, dataset):
    assert image_shape(study_of([], dataset=dataset, images=DIGITS).info) == DIGITS
