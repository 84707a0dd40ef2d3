"""Code of one's own in a study: recorded, copied, found again, and refused where it changed."""

import json
from pathlib import Path

import pytest

from pnn_core.parts.own_code import Kind
from study.command_line import BadInputError
from study.planning.arguments import parse_arguments
from study.planning.converted_networks import describe_networks
from study.planning.new_study import StudyPlan, plan_study
from study.planning.own_code import changed_files, with_images, write_copies
from study.planning.resume import plan_resume
from study.planning.study_folder import OWN_FILES

DATA = """
import numpy as np
CLASSES = ("dark", "light")
SHAPE = (1, 8, 8)
def train():
    labels = np.arange(40) % 2
    return labels.repeat(64).reshape(40, 1, 8, 8) / 2, labels
"""
SAMPLER = "from optuna.samplers import {0}\ndef sampler(seed): return {0}({1})\n"
ARGUMENTS = ["--space", "noise_masks", "--name", "own", "--trials", "2", "--tracking-uri"]
TRACKER = "sqlite:///tracker.db"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/data.py").write_text(DATA)
    (tmp_path / "mine/sampler.py").write_text(SAMPLER.format("RandomSampler", "seed=seed"))
    return tmp_path


def plan(*more: str) -> StudyPlan:
    own = ("--dataset", "mine/data.py", "--sampler", "mine/sampler.py")
    return plan_study(parse_arguments([*ARGUMENTS, TRACKER, *(more or own)]))


def begin(planned: StudyPlan) -> Path:
    planned.config.output.mkdir(parents=True)
    planned.file.write(planned.config.output)
    write_copies(planned.config.own, planned.config.output)
    return planned.config.output


def resume(folder: Path, *more: str) -> StudyPlan:
    words = ["--resume", "--name", "own", *more]
    return plan_resume(parse_arguments(words), folder)


def test_a_study_keeps_names_digests_and_a_copy_of_each_file() -> None:
    planned = plan()
    output = begin(planned)
    assert (planned.config.dataset, planned.config.sampler) == ("data.py", "sampler.py")
    assert (output / OWN_FILES / "data.py").read_text() == DATA
    stored = json.loads((output / "study.json").read_text())
    assert [(own["kind"], own["name"]) for own in stored["own"]] == [
        ("dataset", "data.py"),
        ("sampler", "sampler.py"),
    ]
    assert Path(stored["own"][0]["path"]) == Path("mine/data.py").absolute()
    repeated = planned.arguments.repeated
    assert repeated[repeated.index("--dataset") + 1] == "mine/data.py"
    assert repeated[repeated.index("--sampler") + 1] == "mine/sampler.py"


def test_a_resumed_study_goes_on_with_its_copies_and_says_that_a_file_has_changed() -> None:
    output = begin(plan())
    resumed = resume(output, "--dataset", "mine/data.py")
    assert [code.name for code in resumed.config.own] == ["data.py", "sampler.py"]
    assert not changed_files(resumed.config.own, output)
    Path("mine/data.py").write_text("raise SystemError")
    (warning,) = (w for w in resume(output).warnings if "data.py" in w)
    assert "goes on with its own copy, studies/own/own/data.py" in warning
    Path("mine/data.py").unlink()
    assert resume(output).config.dataset == "data.py"
    (output / OWN_FILES / "data.py").write_text(DATA + "\n")
    with pytest.raises(BadInputError, match=r"--name own: data.py is not to be found as it was"):
        resume(output)


def test_another_file_of_the_same_name_is_another_data_set() -> None:
    output = begin(plan())
    Path("data.py").write_text(DATA)
    with pytest.raises(BadInputError, match=r"--dataset data.py: .* with --dataset data.py"):
        resume(output, "--dataset", "data.py")


def test_other_images_than_those_that_a_study_began_with_are_refused() -> None:
    own = with_images(plan().config.own, "a" * 64)
    assert [code.images for code in own] == ["a" * 64, ""]
    assert with_images(own, "a" * 64) == own
    with pytest.raises(ValueError, match="gives other images to learn from than when the study"):
        with_images(own, "b" * 64)


@pytest.mark.parametrize(
    ("option", "text", "said"),
    [
        ("--dataset", "gone.py", "--dataset gone.py: there is no file gone.py"),
        ("--sampler", "mine/other.py", "mine/other.py: there is no file"),
        ("--sampler", "single.py", "it proposes no point for 2 objectives over mask_count"),
        ("--sampler", "wrong.py", "returned a int: accepted is a sampler of Optuna's interface"),
        ("--sampler", "raising.py", "raising.py raised ZeroDivisionError: division by zero"),
        ("--sampler", "mine/data.py", "data.py defines no function sampler"),
        ("--layer-file", "mine/data.py", "--layer-file mine/data.py: defines LAYER as NoneType"),
        ("--layer-file", "shift", "is no .py file with LAYER"),
    ],
)
def test_a_file_that_is_not_as_its_kind_must_be_is_refused_in_one_sentence(
    option: str, text: str, said: str
) -> None:
    Path("single.py").write_text(
        "import optuna\n"
        "class S(optuna.samplers.RandomSampler):\n"
        "    def sample_independent(self, study, *rest): return study.direction\n"
        "def sampler(seed): return S(seed=seed)\n"
    )
    Path("wrong.py").write_text("def sampler(seed): return 1\n")
    Path("raising.py").write_text("def sampler(seed): return 1 / seed\n")
    with pytest.raises(BadInputError) as refused:
        plan(option, text)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)
    assert not Path("studies").exists()


def test_an_objective_is_found_kept_and_typed_again() -> None:
    Path("mine/objective.py").write_text("def sharpness(network, validation, curve): return 1.0")
    objectives = "val_accuracy,mine/objective.py:sharpness:minimize"
    planned = plan("--objectives", objectives)
    assert [str(o) for o in planned.config.objectives] == ["val_accuracy", "sharpness:minimize"]
    repeated = planned.arguments.repeated
    assert repeated[repeated.index("--objectives") + 1] == objectives
    output = begin(planned)
    assert resume(output).config.objectives == planned.config.objectives
    assert resume(output, "--objectives", objectives).config.own == planned.config.own


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["mine/objective.py:sharp:minimize"], "objective.py defines no function sharp; it"),
        (["gone.py:sharp:minimize"], "there is no file gone.py"),
        (["sharp:minimize"], "no installed package offers pnn_study.objectives of the name sharp"),
        (["latency_ms", "--scheduler", "moasha"], "latency_ms is measured after the last epoch"),
    ],
)
def test_an_objective_that_cannot_be_had_is_refused(words: list[str], said: str) -> None:
    Path("mine/objective.py").write_text("def sharpness(network, validation, curve): return 1.0")
    with pytest.raises(BadInputError) as refused:
        plan("--objectives", *words)
    assert said in str(refused.value)


def test_two_files_of_one_name_are_refused() -> None:
    Path("data.py").write_text(SAMPLER.format("RandomSampler", "seed=seed"))
    with pytest.raises(BadInputError, match="another file of that name is used, too"):
        plan("--dataset", "mine/data.py", "--sampler", "data.py")


def test_kinds_are_told_apart_by_their_groups_of_entry_points() -> None:
    assert [kind.group for kind in Kind if kind is not Kind.WEIGHTS] == [
        "pnn_study.datasets",
        "pnn_study.networks",
        "pnn_study.layers",
        "pnn_study.objectives",
        "pnn_study.samplers",
    ]


LAYER = """
from torch import nn
from pnn_core.parts import SpatialLayer

class Own(SpatialLayer):
    def learnable_params(self, config, place):
        return (place.inputs.channels + place.bias) * place.out_channels{0}
    def build(self, config, place, generator):
        return nn.Conv2d(place.inputs.channels, place.out_channels, {1}, bias=place.bias)

LAYER = Own(label="own", symbol="star", colour="blue", place=100, uses=frozenset({2}))
"""


def test_a_layer_takes_the_place_of_the_spaces_own_and_is_sent_to_workers() -> None:
    Path("layer.py").write_text(LAYER.format("", 1, ""))
    planned = plan("--layer-file", "layer.py")
    assert planned.config.space.fixed["layer"] == "layer"
    assert [(code.kind, code.name) for code in planned.config.own] == [(Kind.LAYER, "layer")]
    output = begin(planned)
    assert resume(output).config.space == planned.config.space
    with pytest.raises(BadInputError, match="layer is none of those that space 'controls'"):
        plan("--space", "controls", "--name", "other", "--layer-file", "layer.py")


NETWORK = """
from torch import nn
def network(images):
    convs = [nn.Conv2d(images.channels, 4, 3, padding=1), nn.Conv2d(4, 4, {0}, padding=1)]
    return nn.Sequential(*convs, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, {1}))
def other(images): return network(images)
"""


def test_a_network_is_found_kept_and_typed_again_and_nothing_dead_is_searched() -> None:
    Path("mine/network.py").write_text(NETWORK.format(3, "images.classes"))
    planned = plan("--network", "mine/network.py:other")
    space = planned.config.space
    assert [*space.axes] == ["noise_level", "fan_out", "batch_size"]
    assert space.fixed["network"] == "network.py:other"
    said = "mask_count changes nothing about network.py:other, which has widths of its own, and is"
    turned, left_out = describe_networks(planned.config)
    assert turned.startswith("1 of the 2 k×k convolutions of network.py:other become the layer")
    assert left_out.startswith(said)
    repeated = planned.arguments.repeated
    assert repeated[repeated.index("--network") + 1] == "mine/network.py:other"
    output = begin(planned)
    assert (output / OWN_FILES / "network.py").is_file()
    assert resume(output, "--network", "mine/network.py:other").config.space == space
    with pytest.raises(BadInputError, match=r"--network mine/network\.py: .* with --network "):
        resume(output, "--network", "mine/network.py")
    (output / OWN_FILES / "network.py").write_text("")
    Path("mine/network.py").write_text("")
    with pytest.raises(BadInputError, match=r"network\.py is not to be found as it was"):
        resume(output)


def test_a_librarys_network_is_recorded_with_its_version_and_needs_it_again() -> None:
    network = "torchvision:shufflenet_v2_x0_5"
    output = begin(plan("--network", network))
    stored = json.loads((output / "study.json").read_text())
    (own,) = stored["own"]
    assert own["name"] == stored["network"] == network
    assert own["digest"].startswith("torchvision 0.")
    assert resume(output).config.network == network
    own["digest"] = "torchvision 0.1"
    (output / "study.json").write_text(json.dumps(stored))
    with pytest.raises(BadInputError, match=r"--name own: .* was started with torchvision 0\.1$"):
        resume(output)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--network", "mine/network.py"], "gives [1, 3] for 1 image: logits of shape [1, 10]"),
        (["--network", "mine/network.py:convs"], "network.py defines no function convs; it"),
        (["--network", "mine/data.py"], "data.py defines no function network"),
        (["--network", "gone.py"], "--network gone.py: there is no file gone.py"),
        (["--network", "resnt8"], "did you mean resnet8"),
        (["--network", "torchvision:resnet"], "torchvision has no classification network 'resnet'"),
        (["--space", "controls", "--network", "mine/whole.py"], "layers cannot be compared at"),
        (["--space", "paper_table5", "--network", "mine/whole.py"], "searches mask_count alone"),
        (["--space", "compared.py"], "variants 'small' and 'large' of space 'compared' are one"),
        (
            ["--space", "searched.py"],
            "network torchvision:squeezenet1_1 cannot take images of 1×8×8",
        ),
    ],
)
def test_a_network_that_no_study_can_train_is_refused(words: list[str], said: str) -> None:
    Path("mine/network.py").write_text(NETWORK.format(3, 3))
    Path("mine/whole.py").write_text(NETWORK.format(3, 10))
    head = "from optuna.distributions import CategoricalDistribution as C\n"
    head += "from search_spaces import SearchSpace\n"
    Path("compared.py").write_text(
        head + "sizes = {'small': {'mask_count': 4}, 'large': {'mask_count': 8}}\n"
        "SPACE = SearchSpace(name='compared', summary='', variants=sizes, is_grid=True,\n"
        "    fixed={'network': 'torchvision:shufflenet_v2_x0_5'})"
    )
    Path("searched.py").write_text(
        head + "SPACE = SearchSpace(name='searched', summary='',\n"
        "    axes={'network': C(('resnet8', 'torchvision:squeezenet1_1'))})"
    )
    with pytest.raises(BadInputError) as refused:
        plan(*words)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)
    assert not Path("studies").exists()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (("+ 1", 1, ""), "has 70 learnable parameters from 6 to 10 channels with a bias"),
        (("", 3, ""), "gives maps of shape [2, 10, 6, 6]"),
        (("", 9, ""), "raised RuntimeError"),
        (("", 1, '["masks"]'), "uses masks, which no layer has"),
    ],
)
def test_a_layer_that_does_not_give_what_it_says_is_refused(wrong: tuple, said: str) -> None:
    Path("layer.py").write_text(LAYER.format(*wrong))
    with pytest.raises(BadInputError) as refused:
        plan("--layer-file", "layer.py")
    assert said in str(refused.value)


def test_a_layer_of_a_built_in_ones_name_is_refused() -> None:
    Path("shift.py").write_text(LAYER.format("", 1, ""))
    with pytest.raises(BadInputError, match="'shift' is the name of a built-in one"):
        plan("--layer-file", "shift.py")


def test_a_control_of_ones_own_is_kept_shipped_and_found_again() -> None:
    Path("mine/pooled.py").write_text(LAYER.format("", 1, ""))
    confirmed = ("--confirm", "2", "--controls", "mine/pooled.py,conv3x3")
    planned = plan(*confirmed)
    assert planned.config.controls == planned.config.controls_beforehand == "pooled,conv3x3"
    assert "layer" not in planned.config.space.fixed
    assert [(code.kind, code.name) for code in planned.config.own] == [(Kind.LAYER, "pooled")]
    repeated = planned.arguments.repeated
    assert repeated[repeated.index("--controls") + 1] == "mine/pooled.py,conv3x3"
    output = begin(planned)
    assert (output / OWN_FILES / "pooled.py").is_file()
    for more in ((), confirmed, ("--controls", "pooled,conv3x3")):
        assert resume(output, *more).config == planned.config
    Path("mine/pooled.py").unlink()
    added = resume(output, "--controls", "pooled,conv3x3,shift").config
    assert (added.controls, added.own) == ("pooled,conv3x3,shift", planned.config.own)


def test_a_control_of_ones_own_can_be_added_to_a_study_that_is_there() -> None:
    output = begin(plan("--sampler", "random"))
    Path("pooled.py").write_text(LAYER.format("", 1, ""))
    resumed = resume(output, "--confirm", "2", "--controls", "pooled.py,conv3x3")
    assert resumed.config.controls == "pooled,conv3x3"
    assert [(own["kind"], own["name"]) for own in resumed.file.own] == [("layer", "pooled")]


def test_the_studys_own_layer_is_a_control_by_its_name_or_its_file() -> None:
    Path("pooled.py").write_text(LAYER.format("", 1, ""))
    for text in ("pooled", "pooled.py"):
        planned = plan("--layer-file", "pooled.py", "--confirm", "2", "--controls", text)
        assert planned.config.controls == "pooled"
        assert len(planned.config.own) == 1


@pytest.mark.parametrize(
    ("controls", "said"),
    [
        ("gone.py", "--controls gone.py: there is no file gone.py"),
        ("conv3x3,poled", "--controls conv3x3,poled: 'poled' is not a control: accepted are"),
        ("mine/data.py", "--controls mine/data.py: defines LAYER as NoneType"),
        ("pooled.py,mine/pooled.py", "another file of that name is used, too"),
        ("shift.py", "'shift' is the name of a built-in one"),
    ],
)
def test_a_control_that_is_no_layer_is_refused(controls: str, said: str) -> None:
    for path in ("pooled.py", "mine/pooled.py", "shift.py"):
        Path(path).write_text(LAYER.format("", 1, ""))
    with pytest.raises(BadInputError) as refused:
        plan("--confirm", "2", "--controls", controls)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)
