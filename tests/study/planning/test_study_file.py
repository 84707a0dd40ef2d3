"""A study's file is whole or refused, holds no password, and knows a space that has changed."""

import errno
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from optuna.distributions import CategoricalDistribution, FloatDistribution

from pnn_core.config import DatasetShape
from search_spaces import BUILT_IN, Experiment, PlannedComparison, SearchSpace, find_space
from search_spaces.catalogue import FOR_DETECTION
from search_spaces.space_json import space_from_json, space_to_json
from study.planning.study_file import FILE, StudyFile
from study.planning.study_folder import study_names
from study.results.objective import parse_objectives
from study.results.planned_experiment import space_digest

PLAIN = StudyFile(
    name="mine",
    study_id="0123456789abcdef" * 2,
    space="noise_masks",
    space_digest="ab" * 32,
    dataset="digits",
    images="1x8x8 in 10 classes",
    data_dir=Path("/somewhere/dàta"),
    network=None,
    trials=24,
    epochs=4,
    replicates=1,
    confirm=0,
    seed=0,
    objectives=parse_objectives("val_accuracy,learnable_params"),
    sampler="tpe",
    tracking_uri=None,
    storage=None,
    checkpoints=None,
    keep_checkpoints=False,
    address=None,
    cpus_per_trial=1,
    gpus_per_trial=0.5,
    max_concurrent=None,
)
SPACE = SearchSpace(
    name="tiny",
    summary="one",
    axes={
        "mask_count": CategoricalDistribution((2, 4)),
        "noise_level": FloatDistribution(0.01, 5.0, log=True),
    },
    fixed={"network": "resnet8", "batch_size": 200},
    grid={"noise_level": (0.1, 1.0)},
)
PLANNED = SearchSpace(
    name="planned",
    summary="",
    variants={"a": {"noise_level": 1.0}, "b": {"noise_level": 0.0}},
    is_grid=True,
    experiment=Experiment(
        comparisons=(PlannedComparison(first="a", second="b", matters=0.01),), seeds=3
    ),
)
VARIED = SearchSpace(
    name="varied",
    summary="",
    axes={"mask_count": CategoricalDistribution((2, 4))},
    variants={"a": {"optimizer": "sgd", "momentum": 0.0}, "b": {"optimizer": "adam"}},
)

SETTINGS = (
    st.floats(allow_nan=False, allow_infinity=False)
    | st.integers(-(2**53), 2**53)
    | st.booleans()
    | st.text(max_size=5)
)
OPTIONAL_TEXT = st.none() | st.text(max_size=20)


def document() -> dict:
    with tempfile.TemporaryDirectory() as folder:
        PLAIN.write(Path(folder))
        return json.loads((Path(folder) / FILE).read_text())


def put(folder: Path, text: str | bytes) -> None:
    (folder / FILE).write_bytes(text if isinstance(text, bytes) else text.encode())


def refusal(folder: Path) -> str:
    with pytest.raises(ValueError) as caught:
        StudyFile.read(folder)
    message = str(caught.value)
    assert message.startswith(f"{folder / FILE} cannot be used: ")
    assert "\n" not in message
    return message


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    texts=st.fixed_dictionaries(
        dict.fromkeys(("network", "address", "storage", "checkpoints"), OPTIONAL_TEXT)
    ),
    seed=st.integers(0, 2**64),
    gpus=st.none() | st.floats(0, 64) | st.integers(0, 64),
    keep=st.booleans(),
    rerun=st.none() | st.dictionaries(st.text(max_size=5), SETTINGS, max_size=3),
)
def test_what_is_written_is_read(tmp_path: Path, texts: dict, seed, gpus, keep, rerun) -> None:
    file = replace(PLAIN, **texts, seed=seed, gpus_per_trial=gpus, keep_checkpoints=keep)
    file = replace(file, rerun=rerun)
    file.write(tmp_path)
    read = StudyFile.read(tmp_path)
    assert read == file
    for name, value in (rerun or {}).items():
        assert type(read.rerun[name]) is type(value)
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


def test_the_network_of_an_earlier_version_is_read_by_its_name_of_then(tmp_path: Path) -> None:
    replace(PLAIN, network="resnet8").write(tmp_path)
    document = json.loads((tmp_path / FILE).read_text())
    document["model"] = document.pop("network")
    (tmp_path / FILE).write_text(json.dumps(document))
    assert StudyFile.read(tmp_path).network == "resnet8"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://me:s3cret@host/db", "postgresql://me:***@host/db"),
        ("s3://bucket/path?password=s3cret", "s3://bucket/path?password=***"),
    ],
)
@pytest.mark.parametrize("name", ["tracking_uri", "storage", "checkpoints"])
def test_no_password_is_written(tmp_path: Path, name: str, url: str, shown: str) -> None:
    replace(PLAIN, **{name: url}).write(tmp_path)
    text = (tmp_path / FILE).read_text()
    assert "s3cret" not in text
    assert getattr(StudyFile.read(tmp_path), name) == shown


def test_a_person_can_read_it(tmp_path: Path) -> None:
    PLAIN.write(tmp_path)
    text = (tmp_path / FILE).read_text()
    assert '\n  "epochs": 4,\n' in text
    assert "/somewhere/dàta" in text


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(share=st.floats(0, 1, exclude_max=True))
def test_a_torn_file_is_refused(tmp_path: Path, share: float) -> None:
    PLAIN.write(tmp_path)
    text = (tmp_path / FILE).read_bytes().rstrip()
    put(tmp_path, text[: int(len(text) * share)])
    assert "it is torn or no JSON" in refusal(tmp_path)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("trials", "24", "trials (='24') must be int"),
        ("trials", True, "trials (=True) must be int"),
        ("trials", 2.5, "trials (=2.5) must be int"),
        ("trials", None, "trials (=None) must be int"),
        ("keep_checkpoints", 1, "keep_checkpoints (=1) must be bool"),
        ("gpus_per_trial", "auto", "gpus_per_trial (='auto') must be float or null"),
        ("gpus_per_trial", True, "gpus_per_trial (=True) must be float or null"),
        ("network", ["resnet8"], "network (=['resnet8']) must be str or null"),
        ("name", "../up", "'../up' is not a study name"),
        ("version", 2, "its version is 2: this program reads version 1"),
        ("version", True, "its version is True"),
        ("surprise", 1, "'surprise' is unknown"),
        ("rerun", "honest:17", "rerun (='honest:17') must be dict or null"),
        ("rerun", {"mask_count": [4]}, "mask_count (=[4]) must be int or float or str or bool"),
        ("rerun", {"mask_count": None}, "mask_count (=None) must be int or float or str or bool"),
    ],
)
def test_a_wrong_value_is_named(tmp_path: Path, name: str, value: object, said: str) -> None:
    put(tmp_path, json.dumps({**document(), name: value}))
    assert said in refusal(tmp_path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[]", "it holds a list where settings are expected"),
        ("{}", "its version is None"),
        (json.dumps(document() | {"seed": None}).replace("null", "NaN"), "NaN is no number"),
        (json.dumps(document()).replace("0.5", "1e999"), "gpus_per_trial (=inf) must be finite"),
        ("[" * 100_000, "it is nested too deeply"),
        (f'{{"version": 1, "epochs": 1{"0" * 400}}}', "the number 10000000... has 401 digits"),
        (b"\xff\xfe", "it is torn or no JSON"),
    ],
)
def test_anything_else_is_refused(tmp_path: Path, text: str | bytes, said: str) -> None:
    put(tmp_path, text)
    assert said in refusal(tmp_path)


def test_a_missing_setting_is_named(tmp_path: Path) -> None:
    settings_without_seed = document()
    del settings_without_seed["seed"]
    put(tmp_path, json.dumps(settings_without_seed))
    assert "'seed' is missing" in refusal(tmp_path)


def test_a_file_from_before_trials_were_run_again_is_of_a_search(tmp_path: Path) -> None:
    older = document()
    del older["rerun"]
    put(tmp_path, json.dumps(older))
    assert StudyFile.read(tmp_path) == PLAIN


def test_a_full_disk_leaves_the_old_file_and_is_told_with_its_path(tmp_path, monkeypatch) -> None:
    PLAIN.write(tmp_path)

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=r"No space left on device: '.*study\.json'"):
        replace(PLAIN, trials=48).write(tmp_path)
    assert StudyFile.read(tmp_path) == PLAIN


@pytest.mark.parametrize(
    "changed",
    [
        replace(SPACE, name="other"),
        replace(SPACE, axes={**SPACE.axes, "mask_count": CategoricalDistribution((2, 4, 8))}),
        replace(SPACE, axes={**SPACE.axes, "mask_count": CategoricalDistribution((4, 2))}),
        replace(SPACE, axes={**SPACE.axes, "noise_level": FloatDistribution(0.01, 5.0)}),
        replace(SPACE, axes=dict(reversed(SPACE.axes.items()))),
        replace(SPACE, fixed={"network": "resnet8", "batch_size": 100}),
        replace(SPACE, fixed={**SPACE.fixed, "optimizer": "sgd"}),
        replace(SPACE, grid={"noise_level": (0.1, 2.0)}),
        replace(SPACE, is_grid=True),
    ],
)
def test_the_digest_changes_with_the_space(changed: SearchSpace) -> None:
    assert space_digest(changed) != space_digest(SPACE)


def test_the_digest_changes_with_the_variants() -> None:
    other = {**VARIED.variants, "b": {"optimizer": "sgd"}}
    fewer = {"a": VARIED.variants["a"]}
    swapped = dict(reversed(VARIED.variants.items()))
    axes = {"mask_count": CategoricalDistribution((2, 4))}
    spaces = [VARIED] + [replace(VARIED, axes=axes, variants=v) for v in (other, fewer, swapped)]
    assert len({space_digest(space) for space in spaces}) == len(spaces)


def test_the_digest_is_the_same_whatever_the_summary_and_the_order_of_what_is_fixed() -> None:
    same = replace(SPACE, summary="two", fixed=dict(reversed(SPACE.fixed.items())))
    assert space_digest(same) == space_digest(SPACE)


def test_the_digest_tells_plans_apart() -> None:
    assert PLANNED.experiment is not None
    more = replace(PLANNED, experiment=replace(PLANNED.experiment, seeds=4))
    digests = {space_digest(space) for space in (PLANNED, more, replace(PLANNED, experiment=None))}
    assert len(digests) == 3
    assert space_from_json(json.loads(json.dumps(space_to_json(PLANNED)))) == PLANNED


def test_the_digest_is_the_same_in_every_process_and_differs_between_built_in_spaces() -> None:
    digits = DatasetShape(channels=1, height=8, width=8, classes=10)
    names = [name for name in BUILT_IN if name not in FOR_DETECTION]
    here = [space_digest(find_space(name, digits)) for name in names]
    assert len(set(here)) == len(names)
    program = (
        "from pnn_core.config import DatasetShape\n"
        "from search_spaces import BUILT_IN, find_space\n"
        "from search_spaces.catalogue import FOR_DETECTION\n"
        "NAMES = [name for name in BUILT_IN if name not in FOR_DETECTION]\n"
        "from study.results.planned_experiment import space_digest\n"
        "digits = DatasetShape(channels=1, height=8, width=8, classes=10)\n"
        "print([space_digest(find_space(name, digits)) for name in NAMES])\n"
    )
    there = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"PYTHONHASHSEED": "12345"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert there.stdout.strip() == str(here)


def test_studies_are_listed_the_latest_first(tmp_path: Path) -> None:
    for age, name in enumerate(("late", "early")):
        (tmp_path / name).mkdir()
        replace(PLAIN, name=name).write(tmp_path / name)
        os.utime(tmp_path / name / FILE, (1000 - age, 1000 - age))
    (tmp_path / "no-study").mkdir()
    (tmp_path / "file").touch()
    assert study_names(tmp_path) == ("late", "early")
    assert study_names(tmp_path / "nowhere") == ()
