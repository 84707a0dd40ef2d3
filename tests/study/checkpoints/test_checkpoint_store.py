"""A checkpoint is there in whole or not at all, in a folder, by URL and in a bucket alike."""

import errno
import os
import resource
import uuid
from collections.abc import Iterator
from pathlib import Path

import boto3
import pyarrow.fs
import pytest
from moto.server import ThreadedMotoServer

from study.checkpoints.checkpoint_store import CheckpointStore

ACCESS = {
    "AWS_ACCESS_KEY_ID": "key",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",  # which would be asked for keys
}


@pytest.fixture(scope="module")
def object_store() -> Iterator[str]:
    """Server of S3's interface: its host and port."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(object_store: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """URL of a new bucket, whose keys are in the environment."""
    for name, value in ACCESS.items():
        monkeypatch.setenv(name, value)
    name = f"bucket-{uuid.uuid4().hex}"
    boto3.client("s3", endpoint_url=f"http://{object_store}").create_bucket(Bucket=name)
    return f"s3://{name}/studies?endpoint_override={object_store}&scheme=http"


@pytest.fixture(params=["folder", "url"])
def local_store(request: pytest.FixtureRequest, tmp_path: Path) -> CheckpointStore:
    folder = tmp_path / "study" / "checkpoints"
    store = CheckpointStore(url=str(folder) if request.param == "folder" else folder.as_uri())
    store.create()
    return store


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> CheckpointStore:
    is_folder = request.param == "folder"
    url = str(tmp_path / "checkpoints") if is_folder else request.getfixturevalue("bucket")
    store = CheckpointStore(url=url)
    store.create()
    return store


def test_a_file_is_read_back_and_replaced_in_whole(store: CheckpointStore) -> None:
    assert store.load("a.ckpt") is None
    for content in (b"the first, which is longer", b"\x00\xff"):
        store.save("a.ckpt", content)
        assert store.load("a.ckpt") == content
    assert store.names() == ["a.ckpt"]


def test_a_folder_and_its_url_are_the_same_place(tmp_path: Path) -> None:
    by_path, by_url = (CheckpointStore(url=url) for url in (str(tmp_path), tmp_path.as_uri()))
    by_path.save("a.ckpt", b"content")
    assert by_url.load("a.ckpt") == b"content"
    by_url.delete("a.ckpt")
    assert by_path.names() == []


@pytest.mark.parametrize("name", ["with space", "50%20", "a#b?c", "ä"])
def test_a_folder_may_have_any_name(tmp_path: Path, name: str) -> None:
    store = CheckpointStore(url=str(tmp_path / name))
    store.create()
    store.save("a.ckpt", b"content")
    assert (tmp_path / name / "a.ckpt").read_bytes() == b"content"


@pytest.mark.parametrize(
    ("place", "own"),
    [
        ("/shared/checkpoints", "/shared/checkpoints/test-00000000"),
        ("/shared/50% #1?/", "/shared/50% #1?/test-00000000"),
        ("file:///shared", "file:///shared/test-00000000"),
        (
            "s3://me:s3cret@bucket/path?endpoint_override=127.0.0.1:9000&scheme=http",
            "s3://me:s3cret@bucket/path/test-00000000?endpoint_override=127.0.0.1:9000&scheme=http",
        ),
        ("s3://bucket", "s3://bucket/test-00000000"),
    ],
)
def test_each_study_has_a_folder_of_its_own(make_config, place: str, own: str) -> None:
    assert CheckpointStore.of(make_config(checkpoints=place)).url == own


def test_the_folder_can_be_removed_with_all_that_is_in_it(
    local_store: CheckpointStore, tmp_path: Path
) -> None:
    local_store.save("a.ckpt", b"content")
    local_store.remove()
    assert list((tmp_path / "study").iterdir()) == []


def test_removed_files_are_not_read_again(store: CheckpointStore) -> None:
    store.save("a.ckpt", b"content")
    store.remove()
    assert store.load("a.ckpt") is None


def test_a_large_file_is_sent_in_whole(store: CheckpointStore) -> None:
    content = os.urandom(12_000_000)  # in parts of 5 or 10 MB on S3
    store.save("a.ckpt", content)
    assert store.load("a.ckpt") == content


def test_studies_of_one_bucket_see_their_own_files(bucket: str) -> None:
    first, second = (
        CheckpointStore(url=bucket.replace("/studies?", f"/studies/{name}?")) for name in "ab"
    )
    for store in (first, second):
        store.create()
    first.save("a.ckpt", b"content")
    assert (first.names(), second.names()) == (["a.ckpt"], [])


def test_a_bucket_that_is_not_there_is_an_error_that_names_it(bucket: str) -> None:
    store = CheckpointStore(url=bucket.replace("s3://bucket-", "s3://no-bucket-"))
    with pytest.raises(OSError, match="no-bucket-"):
        store.create()
    with pytest.raises(OSError, match=r"no-bucket-.*a\.ckpt") as raised:
        store.save("a.ckpt", b"content")
    assert ".part" not in str(raised.value)


def test_making_the_folder_again_keeps_what_is_in_it(store: CheckpointStore) -> None:
    store.save("a.ckpt", b"content")
    store.create()
    assert store.load("a.ckpt") == b"content"


def test_deleting_what_is_not_there_is_no_error(store: CheckpointStore) -> None:
    store.save("a.ckpt", b"content")
    store.delete("b.ckpt")
    store.delete("a.ckpt")
    store.delete("a.ckpt")
    assert store.names() == []


def test_a_full_disk_costs_the_new_version_alone(local_store: CheckpointStore) -> None:
    store = local_store
    store.save("a.ckpt", b"earlier")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(OSError, match=r"checkpoints: .*File too large"):
            store.save("a.ckpt", b"x" * 100_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert store.load("a.ckpt") == b"earlier"
    assert store.names() == ["a.ckpt"]


def test_a_save_that_fails_at_its_last_step_leaves_the_earlier_version(
    local_store: CheckpointStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = local_store

    def refuse(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "no space left on device")

    store.save("a.ckpt", b"earlier")
    monkeypatch.setattr("os.fsync", refuse)
    with pytest.raises(OSError, match="no space"):
        store.save("a.ckpt", b"later")
    assert store.load("a.ckpt") == b"earlier"
    assert store.names() == ["a.ckpt"]


def test_what_a_killed_writer_left_is_listed_and_never_read(local_store: CheckpointStore) -> None:
    store = local_store
    store.save("a.ckpt", b"earlier")
    if (child := os.fork()) == 0:
        os.fsync = lambda descriptor: os._exit(9)
        try:
            store.save("a.ckpt", b"half")
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    first, second = store.names()
    assert first == "a.ckpt"
    assert second.startswith("a.ckpt.")
    assert second.endswith(".part")
    assert store.load("a.ckpt") == b"earlier"


def test_a_place_that_vanished_is_an_error_of_the_file_system(tmp_path: Path) -> None:
    store = CheckpointStore(url=str(tmp_path / "gone"))
    assert store.load("a.ckpt") is None
    reasons = set()
    for _ in range(2):
        with pytest.raises(OSError, match=r"gone/a\.ckpt'") as raised:
            store.save("a.ckpt", b"content")
        reasons.add(str(raised.value))
    assert len(reasons) == 1  # so that it is told once
    with pytest.raises(OSError, match="gone"):
        store.names()


def test_other_file_systems_are_written_without_the_local_ones_calls(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As an object store: pyarrow's file system in memory stands for it."""
    memory = pyarrow.fs._MockFileSystem()

    class Files:
        from_uri = staticmethod(lambda url: (memory, "bucket/path"))

    monkeypatch.setattr("study.checkpoints.checkpoint_store.FileSystem", Files)
    store = CheckpointStore(url="s3://bucket/path")
    store.create()
    store.save("a.ckpt", b"earlier")
    store.save("a.ckpt", b"later")
    assert store.load("a.ckpt") == b"later"
    assert store.names() == ["a.ckpt"]
    store.delete("a.ckpt")
    assert store.load("a.ckpt") is None
