"""Tags of people and tags of the platform, which stand under one prefix."""

import dataclasses
import json

import pytest

from pnn_core.config import DatasetShape
from study.results.mlflow import study_format
from study.results.mlflow.machine_tags import PREFIX, with_earlier, without_prefix
from study.results.mlflow.run_format import state_tags
from study.results.record_codec import record_to_json
from study.results.run_record import RunKey, RunRecord, RunState

RECORD = RunRecord(
    key=RunKey(3),
    state=RunState.FAILED,
    parameters={"seed": 7},
    worker="h:1",
    arithmetic="torch",
    device="cpu",
    reason="it broke",
)


def earlier(tags):
    """Return tags as earlier versions had them: without a prefix, and a tag for each version."""
    tags = without_prefix({n: v for n, v in tags.items() if n.startswith(PREFIX)}) | {
        n: v for n, v in tags.items() if not n.startswith(PREFIX)
    }
    tags = {n: v for n, v in tags.items() if not n.startswith(PREFIX)}
    versions = json.loads(tags.pop("versions", "{}"))
    return tags | {f"version.{name}": text for name, text in versions.items()}


def test_people_see_what_they_look_for_and_the_rest_stands_under_one_prefix():
    tags = state_tags(RECORD)
    people = {name for name in tags if not name.startswith(PREFIX)}
    assert people == {"state", "seed", "device", "reason", "retried"}
    assert json.loads(tags["pnn.record.0000"]) == record_to_json(RECORD)
    assert tags["pnn.worker"] == "h:1"


@pytest.fixture
def stopping(info):
    return dataclasses.replace(
        info,
        rungs=(1, 3),
        reduction_factor=3,
        versions={"torch": "2.14.1", "ray": "2.60.0"},
        images=DatasetShape(channels=1, height=8, width=8, classes=10),
        validation_images=180,
    )


def test_a_study_reads_its_tags_as_they_are_and_as_earlier_versions_had_them(stopping):
    params, tags = study_format.study_params(stopping), study_format.study_tags(stopping)
    decoded = study_format.decode_study(stopping.name, params, tags)
    assert decoded == study_format.decode_study(stopping.name, params, earlier(tags))
    assert decoded == stopping
    tags = {n: text for n, text in tags.items() if n != "pnn.validation_images"}
    older = study_format.decode_study(stopping.name, params, earlier(tags))
    assert older.validation_images is None


def test_what_an_earlier_version_wrote_is_not_written_again():
    tags = state_tags(RECORD)
    held = with_earlier(earlier(tags))
    assert {name for name, text in tags.items() if held.get(name, "") != text} == set()


def test_where_a_run_holds_both_the_prefixed_tag_counts():
    assert without_prefix({"worker": "old", "pnn.worker": "new"})["worker"] == "new"
