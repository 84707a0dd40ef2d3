import dataclasses

import pytest

from study.results.mlflow import study_format as fmt
from study.results.mlflow.encoding import DecodeError


def test_a_study_comes_back_equal(info):
    odd = dataclasses.replace(info, space="12", git_commit="", versions={}, sampler="")
    for study in (info, odd):
        params, tags = fmt.study_params(study), fmt.study_tags(study)
        assert fmt.decode_study(study.name, params, tags) == study


@pytest.mark.parametrize("missing", ["space", "seed", "objectives"])
def test_a_study_with_a_missing_parameter_is_reported(info, missing):
    params = fmt.study_params(info)
    del params[missing]
    with pytest.raises(DecodeError, match=f"{missing} is missing"):
        fmt.decode_study(info.name, params, fmt.study_tags(info))


def test_a_study_from_before_images_were_recorded_has_none(info):
    older = dataclasses.replace(info, images=None)
    tags = fmt.study_tags(older)
    assert tags.keys() < fmt.study_tags(info).keys()
    assert fmt.decode_study(info.name, fmt.study_params(info), tags) == older
    # Written into an older study, which has all its parameters already.
    assert fmt.study_params(older) == fmt.study_params(info)


def test_the_rungs_of_a_study_come_back_and_an_older_one_has_none(info):
    stopping = dataclasses.replace(info, rungs=(1, 3), reduction_factor=3)
    tags = fmt.study_tags(stopping)
    assert {"pnn.rungs": "1,3", "reduction_factor": "3"}.items() <= tags.items()
    assert fmt.decode_study(info.name, fmt.study_params(stopping), tags) == stopping
    assert fmt.study_tags(info) == {
        name: text for name, text in tags.items() if name not in ("pnn.rungs", "reduction_factor")
    }
    # Written into an older study, which has all its parameters already.
    assert fmt.study_params(stopping) == fmt.study_params(info)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"reduction_factor": None}, r"rungs \(=\(1, 3\)\) and reduction_factor \(=None\) go"),
        ({"pnn.rungs": "1;3"}, "invalid literal"),
        ({"pnn.rungs": "3,1"}, "must rise from at least 1 to below the full budget"),
    ],
)
def test_rungs_that_cannot_be_are_reported(info, changed, message):
    tags = fmt.study_tags(dataclasses.replace(info, rungs=(1, 3), reduction_factor=3)) | changed
    with pytest.raises(DecodeError, match=message):
        fmt.decode_study(
            info.name,
            fmt.study_params(info),
            {name: text for name, text in tags.items() if text is not None},
        )


def test_images_are_spelt_as_people_look_for_them(info):
    shape = {"image_channels": "1", "image_height": "8", "image_width": "9", "classes": "10"}
    assert shape.items() <= fmt.study_tags(info).items()


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"classes": None}, "classes is missing"),
        ({"image_width": "x"}, "invalid literal"),
        ({"image_height": "0"}, "height .*=0.* must be a whole number of at least 1"),
    ],
)
def test_half_a_shape_is_reported(info, changed, message):
    tags = {k: v for k, v in (fmt.study_tags(info) | changed).items() if v is not None}
    with pytest.raises(DecodeError, match=message):
        fmt.decode_study(info.name, fmt.study_params(info), tags)
