"""Images in shards are those of the folder that they were made of, wherever they are read."""

import multiprocessing
import pickle
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pnn_core.data import (
    DatasetError,
    ImageFiles,
    LabelledImages,
    dataset_shape,
    load_test_data,
    load_training_data,
    require_test_split,
    summarise_images,
)
from pnn_core.data.decode import decode
from pnn_core.data.image_shards import COPIES
from pnn_core.data.shard_cache import ShardCache, _mapped
from pnn_core.data.shard_place import ShardPlace

IMAGE = b"no image, but never looked at"
HUB = {b"huggingface": b'{"info": {"features": {"label": {"names": ["cat", "dog"]}}}}'}


def rows_of(folder: Path) -> list[tuple[Path, str]]:
    return [(path, path.parent.name) for path in sorted(folder.glob("*/*"))]


def write_shard(path: Path, rows: list[tuple[bytes, object]], **options) -> None:
    """Write encoded images and labels; `is_flat` without the structure of the hub's files."""
    images: list = [image for image, _ in rows]
    if not options.pop("is_flat", False):
        images = [{"bytes": image, "path": None} for image in images]
    table = pa.table({"image": images, "label": [label for _, label in rows]})
    table = table.replace_schema_metadata(options.pop("metadata", None))
    pq.write_table(table, path, row_group_size=options.pop("row_group_size", 5), **options)


def write_shards(
    folder: Path,
    place: Path,
    *,
    label: Callable[[str], object] = str,
    per_shard: int = 7,
    **options,
) -> Path:
    """Write the images of a folder as shards, and a data folder that names their place."""
    place.mkdir(parents=True)
    for part in ("train", "test"):
        rows = [(path.read_bytes(), label(name)) for path, name in rows_of(folder / part)]
        for number, start in enumerate(range(0, len(rows), per_shard)):
            some = rows[start : start + per_shard]
            write_shard(place / f"{part}-{number:05}.parquet", some, **options)
    return named(place)


def named(place: Path, more: str = "") -> Path:
    data = place.with_name(f"{place.name}-data")
    data.mkdir(exist_ok=True)
    (data / "shards.toml").write_text(f"place = {str(place)!r}\n{more}")
    return data


@pytest.fixture
def small_folder(tmp_path: Path, write_imagefolder) -> Path:
    write_imagefolder(tmp_path / "small", count=9)
    return write_imagefolder(tmp_path / "small", "test", count=3)


@pytest.mark.parametrize(
    ("label", "options"),
    [
        (str, {}),
        (str, {"is_flat": True, "row_group_size": 100}),
        (["cat", "dog"].index, {"metadata": HUB}),
    ],
)
@pytest.mark.parametrize("per_shard", [4, 100])
def test_small_images_are_those_of_their_folder(
    small_folder: Path, tmp_path: Path, label, options: dict, per_shard: int, confirming
) -> None:
    data_dir = write_shards(
        small_folder, tmp_path / "shards", label=label, per_shard=per_shard, **options
    )
    assert dataset_shape("shards", data_dir) == dataset_shape("imagefolder", small_folder)
    ours = load_training_data("shards", data_dir)
    theirs = load_training_data("imagefolder", small_folder)
    assert ours.classes == theirs.classes
    assert (ours.mean, ours.std) == (theirs.mean, theirs.std)
    pairs = [
        (ours.train, theirs.train),
        (ours.validation, theirs.validation),
        (load_test_data("shards", data_dir), load_test_data("imagefolder", small_folder)),
    ]
    for mine, its in pairs:
        assert isinstance(mine, LabelledImages)
        assert np.array_equal(mine.images, its.images)
        assert np.array_equal(mine.labels, its.labels)


def test_photographs_are_listed_and_decoded_as_those_of_their_folder(
    shared_photographs: Path, tmp_path: Path
) -> None:
    data_dir = write_shards(shared_photographs, tmp_path / "shards")
    ours = load_training_data("shards", data_dir)
    theirs = load_training_data("imagefolder", shared_photographs)
    assert isinstance(ours.train, ImageFiles)
    assert ours.shape == theirs.shape
    for mine, its in ((ours.train, theirs.train), (ours.joined(), theirs.joined())):
        assert np.array_equal(mine.labels, its.labels)
        assert np.array_equal(decode(mine), decode(its))
    said, doubts = summarise_images(ours, data_dir)
    assert said == "images: 40 in 2 classes: 36 to train, 4 to validate, 4 to test"
    assert doubts == ()


def read_all(pickled: bytes, folder: str) -> bytes:
    files: ImageFiles = pickle.loads(pickled)
    cache = ShardCache(place=files.shards.place, folder=Path(folder), shards=files.shards.shards)
    return b"".join(cache.read(*files.row(index)) for index in range(len(files)))


def test_another_machine_copies_the_shards_for_itself(
    shared_photographs: Path, tmp_path: Path
) -> None:
    data_dir = write_shards(shared_photographs, tmp_path / "shards")
    files = load_training_data("shards", data_dir).joined()
    elsewhere = tmp_path / "elsewhere"
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        (read,) = pool.starmap(read_all, [(pickle.dumps(files), str(elsewhere))])
    expected = [path.read_bytes() for path, _ in rows_of(shared_photographs / "train")]
    assert read == b"".join(expected)
    copies = sorted(path.name for path in elsewhere.glob("*.arrow"))
    assert [name.partition("-1")[0][:11] for name in copies] == [
        f"train-{number:05}" for number in range(6)
    ]
    assert not [*elsewhere.glob("*.part")]


def test_a_machine_that_needs_few_images_copies_their_shards_alone(
    shared_photographs: Path, tmp_path: Path
) -> None:
    files = load_training_data("shards", write_shards(shared_photographs, tmp_path / "s")).joined()
    cache = ShardCache(
        place=files.shards.place, folder=tmp_path / "few", shards=files.shards.shards
    )
    cache.read(2, 3)
    assert [path.name[:11] for path in (tmp_path / "few").glob("*.arrow")] == ["train-00002"]


def test_many_readers_make_one_copy(
    shared_photographs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data_dir = write_shards(shared_photographs, tmp_path / "shards")
    files = load_training_data("shards", data_dir).joined()
    cache = ShardCache(
        place=files.shards.place, folder=tmp_path / "one", shards=files.shards.shards
    )
    fetched, fetch, barrier = [], ShardCache._fetch, threading.Barrier(8)

    def count(self: ShardCache, shard, path: Path) -> None:
        fetched.append(shard.name)
        fetch(self, shard, path)

    def read(row: int) -> bytes:
        barrier.wait()
        return cache.read(1, row % 7)

    monkeypatch.setattr(ShardCache, "_fetch", count)
    with ThreadPoolExecutor(8) as pool:
        images = [*pool.map(read, range(8))]
    assert fetched == ["train-00001.parquet"]
    assert images[0] == images[7]


def test_a_shard_that_was_replaced_is_refused_and_a_new_study_reads_the_new_one(
    shared_photographs: Path, tmp_path: Path
) -> None:
    data_dir = write_shards(shared_photographs, tmp_path / "shards")
    files = load_training_data("shards", data_dir).joined()
    cache = ShardCache(
        place=files.shards.place, folder=tmp_path / "new", shards=files.shards.shards
    )
    first = rows_of(shared_photographs / "train")[0][0].read_bytes()
    second = rows_of(shared_photographs / "train")[1][0].read_bytes()
    write_shard(tmp_path / "shards/train-00000.parquet", [(second, "cat"), (first, "dog")])
    with pytest.raises(DatasetError, match=r"train-00000\.parquet was replaced or taken away"):
        cache.read(0, 0)
    again = load_training_data("shards", data_dir).joined()
    assert again.shards.read(0, 0) == second


def test_the_test_set_is_counted_and_its_images_are_not_copied(
    shared_photographs: Path, tmp_path: Path
) -> None:
    data_dir = write_shards(shared_photographs, tmp_path / "shards")
    data = load_training_data("shards", data_dir)
    summarise_images(data, data_dir)
    require_test_split("shards", data_dir)
    assert not [*(data_dir / COPIES).glob("test*")]


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (None, "shards.toml cannot be read (No such file or directory): write a line such as"),
        ("place = 3", "shards.toml names no place: write a line such as"),
        ("plcae = 'x'", "has 'plcae': did you mean place?"),
        ("place = 'x'\ncache_gb = -1", "cache_gb = -1: accepted is a number above 0"),
        ("place = 'x'\ncache_gb = inf", "cache_gb = inf: accepted is a number above 0"),
        ("place = 'x'\ncache_gb = 1e308", "cache_gb = 1e+308: accepted is a number above 0"),
        ("place = 'x'\ntest = 3", "shards.toml names no test: "),
        ('place = "a\\u001bb"', r"has place = 'a\x1bb': choose a printable one"),
        ("place =", "cannot be read (Invalid value"),
        ("place = 'nosuch://a/b'", "nosuch://a/b is no place of shards: accepted are a folder and"),
        ("place = 'nowhere'", "nowhere cannot be looked at: "),
    ],
)
def test_a_place_that_cannot_be_used_is_refused_in_a_sentence(
    tmp_path: Path, written: str | None, said: str
) -> None:
    if written is not None:
        (tmp_path / "shards.toml").write_text(written)
    with pytest.raises(DatasetError) as caught:
        load_training_data("shards", tmp_path)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / COPIES).exists()


def test_what_may_be_secret_in_a_place_is_not_shown() -> None:
    for url in (
        "s3://me:s3cret@bucket/path@v1?endpoint_override=x",
        "s3://bucket/path@v1?secret_key=a@s3cret",
    ):
        place = ShardPlace(url=url)
        assert place.shown == "s3://bucket/path@v1"
        assert "s3cret" not in repr(place)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"img": [IMAGE], "label": [0]}, "has the columns img, label: needed are 'image', encoded"),
        ({"image": ["text"], "label": [0]}, "needed are 'image', encoded images as bytes"),
        ({"image": [IMAGE], "label": [0.5]}, "has labels of type double: accepted are whole"),
        ({"image": [IMAGE], "label": [-1]}, "has the label -1, which stands for an unknown class"),
        ({"image": [IMAGE], "label": pa.array([None], pa.int64())}, "has a row without a label"),
        ({"image": [IMAGE] * 2, "label": [0, 10**9]}, "has the label 1,000,000,000 and 2 training"),
        ({"image": [IMAGE], "label": ["x" * 300]}, "it is no class's name"),
        ({"image": [IMAGE], "label": ["a\nb"]}, r"has the label 'a\nb': it is no class's name"),
        ({"image": [IMAGE], "label": ["cafe\u0301"]}, "in another Unicode form than NFC"),
        (
            {"image": [IMAGE], "label": pa.array([2**63], pa.uint64())},
            "has the label 9223372036854775808: it is no class's number",
        ),
        ({"image": [IMAGE], "label": [True]}, "has labels of type bool: accepted are whole"),
        ({"image": [IMAGE], "a\x1b": [0]}, r"has the columns image, a\x1b: needed are"),
        ({"image": [IMAGE], "label": ["a"]}, "has labels of 1 class(es): at least 2 are needed"),
        (
            {"image": pa.array([IMAGE, None], pa.binary()), "label": ["a", "b"]},
            "has a row without an image",
        ),
        ({"image": [IMAGE] * 2, "label": ["a", "b"]}, "cannot be read as an image: it is no png"),
    ],
)
def test_a_shard_that_is_not_as_it_must_be_is_refused_in_a_sentence(
    tmp_path: Path, table: dict, said: str
) -> None:
    place = tmp_path / "shards"
    place.mkdir()
    pq.write_table(pa.table(table), place / "train.parquet")
    with pytest.raises(DatasetError) as caught:
        load_training_data("shards", named(place))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_no_shard_is_named(tmp_path: Path) -> None:
    place = tmp_path / "shards"
    place.mkdir()
    (place / "train-0.parquet").write_bytes(b"not a table")
    with pytest.raises(DatasetError, match=r"train-0\.parquet cannot be read: "):
        load_training_data("shards", named(place))
    (place / "train-0.parquet").rename(place / "valid.parquet")
    with pytest.raises(DatasetError, match=r"holds no train\*\.parquet: it holds valid\.parquet"):
        load_training_data("shards", named(place))


def test_shards_larger_than_the_bound_are_refused_before_one_is_copied(
    shared_photographs: Path, tmp_path: Path
) -> None:
    place = tmp_path / "shards"
    write_shards(shared_photographs, place)
    size = sum(path.stat().st_size for path in place.glob("train*"))
    data_dir = named(place, f"cache_gb = {0.9 * size / 1e9}")
    with pytest.raises(DatasetError, match=r"of shards, and cache_gb is .*: raise it, as every"):
        load_training_data("shards", data_dir)
    assert not (data_dir / COPIES).exists()
    enough = named(place, f"cache_gb = {1.4 * size / 1e9}")
    decode(load_training_data("shards", enough).joined())


def test_what_swells_beyond_the_bound_while_it_is_copied_leaves_nothing(tmp_path: Path) -> None:
    place = tmp_path / "shards"
    place.mkdir()
    rows = [(bytes(10**6), label) for label in ("a", "b") * 8]  # 16 MB that zstd makes to nothing
    write_shard(place / "train.parquet", rows, compression="zstd")
    assert (place / "train.parquet").stat().st_size < 10**6
    data_dir = named(place, "cache_gb = 0.005")
    with pytest.raises(DatasetError, match=r"has no room for a copy of train\.parquet"):
        load_training_data("shards", data_dir)
    assert [path.name for path in (data_dir / COPIES).iterdir()] == ["lock"]


def test_a_row_group_that_claims_more_than_the_memory_is_refused(
    shared_photographs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data_dir = write_shards(shared_photographs, tmp_path / "shards")
    monkeypatch.setattr("pnn_core.data.memory.memory_bytes", lambda: 100_000)
    with pytest.raises(DatasetError, match=r"has a row group whose images take 0\.0 GB, more than"):
        load_training_data("shards", data_dir)


def test_more_rows_than_memory_for_their_labels_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "shards"
    place.mkdir()
    table = pa.table({"image": pa.array([b""] * 300_000), "label": [0] * 300_000})
    pq.write_table(table, place / "train.parquet")
    assert (place / "train.parquet").stat().st_size < 100_000
    monkeypatch.setattr("pnn_core.data.memory.memory_bytes", lambda: 4_000_000)
    with pytest.raises(DatasetError, match=r"claims 300,000 rows, whose labels take more than"):
        load_training_data("shards", named(place))


def test_copies_that_were_damaged_or_deleted_are_made_once_more(
    shared_photographs: Path, tmp_path: Path
) -> None:
    files = load_training_data("shards", write_shards(shared_photographs, tmp_path / "s")).joined()
    cache = ShardCache(
        place=files.shards.place, folder=tmp_path / "copies", shards=files.shards.shards
    )
    expected = cache.read(1, 0)
    (copy,) = cache.folder.glob("*.arrow")
    for damaged in (b"", bytes(1000)):
        copy.unlink()
        copy.write_bytes(damaged)
        _mapped.cache_clear()
        assert cache.read(1, 0) == expected
    copy.unlink()
    _mapped.cache_clear()
    assert cache.read(1, 0) == expected


def test_many_copiers_together_stay_within_the_bound(
    shared_photographs: Path, tmp_path: Path
) -> None:
    files = load_training_data("shards", write_shards(shared_photographs, tmp_path / "s")).joined()
    size = max(shard.size for shard in files.shards.shards)
    cache = ShardCache(
        place=replace(files.shards.place, cache_bytes=int(2.5 * size)),
        folder=tmp_path / "bounded",
        shards=files.shards.shards,
    )
    barrier = threading.Barrier(4)

    def read(shard: int) -> bool:
        barrier.wait()
        try:
            return bool(cache.read(shard, 0))
        except DatasetError:
            return False

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(read, range(4))) == 2
    held = sum(path.stat().st_size for path in cache.folder.iterdir())
    assert held < 2.5 * size


def test_what_a_killed_copier_left_is_removed(shared_photographs: Path, tmp_path: Path) -> None:
    files = load_training_data("shards", write_shards(shared_photographs, tmp_path / "s")).joined()
    folder = tmp_path / "left"
    folder.mkdir()
    (folder / "train-00009-1-2.part").write_bytes(bytes(1000))
    ShardCache(place=files.shards.place, folder=folder, shards=files.shards.shards).read(0, 0)
    assert not [*folder.glob("*.part")]


def test_a_test_set_without_classes_is_refused_before_the_search(
    shared_photographs: Path, tmp_path: Path
) -> None:
    """As the hub's ImageNet has it, whose labelled test images are named `validation`."""
    place = tmp_path / "shards"
    data_dir = write_shards(shared_photographs, place, label=["cat", "dog"].index)
    (place / "test-00000.parquet").rename(place / "validation-00000.parquet")
    write_shard(place / "test-00000.parquet", [(IMAGE, -1)] * 3)
    with pytest.raises(DatasetError, match="has the label -1, which stands for an unknown class"):
        require_test_split("shards", data_dir)
    named(place, 'test = "validation"')
    require_test_split("shards", data_dir)
    data = load_training_data("shards", data_dir)
    assert summarise_images(data, data_dir)[0].endswith(", 4 to test")


def test_a_test_set_without_rows_is_refused_before_the_search(
    shared_photographs: Path, tmp_path: Path
) -> None:
    data_dir = write_shards(shared_photographs, tmp_path / "shards")
    table = pq.read_table(tmp_path / "shards/test-00000.parquet")
    pq.write_table(table.slice(0, 0), tmp_path / "shards/test-00000.parquet")
    with pytest.raises(DatasetError, match=r"holds no row in its test\*\.parquet"):
        require_test_split("shards", data_dir)


def test_the_bound_counts_what_the_confirm_step_will_copy(
    shared_photographs: Path, tmp_path: Path
) -> None:
    place = tmp_path / "shards"
    write_shards(shared_photographs, place)
    size = sum(path.stat().st_size for path in place.glob("train*"))
    data_dir = named(place, f"cache_gb = {(size + 100) / 1e9}")
    with pytest.raises(DatasetError, match="raise it, as every epoch reads all of them"):
        load_training_data("shards", data_dir)


def test_a_class_that_is_tested_alone_is_refused(tmp_path: Path, write_imagefolder) -> None:
    write_imagefolder(tmp_path / "images")
    write_imagefolder(tmp_path / "images", "test", classes=("cat", "fox"), count=2)
    data_dir = write_shards(tmp_path / "images", tmp_path / "shards")
    from pnn_core.data import confirm_step

    with (
        confirm_step(),
        pytest.raises(DatasetError, match="test images of class fox, of which there is no"),
    ):
        load_test_data("shards", data_dir)
