"""Folders in VOC's layout: what is read, what is left out with a word, and what is refused."""

import contextlib
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from voc_folder import VocObject, write_annotation, write_image, write_list, write_voc_folder

from pnn_core.config import DETECTION, DatasetShape
from pnn_core.data import (
    AnnotatedImages,
    DatasetError,
    confirm_step,
    dataset_shape,
    load_test_data,
    load_training_data,
    require_test_split,
    summarise_images,
)
from pnn_core.data.canvas import decode_content, decode_on_canvas
from pnn_core.data.own_dataset import images_digest
from pnn_core.data.voc_annotation import read_annotation


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_voc_folder(tmp_path)


def load(folder):
    return load_training_data("vocfolder", folder)


def names(images):
    return [Path(bytes(name).decode()).stem for name in images.names]


def test_lists_say_which_images_train_validate_and_test(folder):
    data = load(folder)
    assert names(data.train) == [f"t{i:03}" for i in range(8)]
    assert names(data.validation) == [f"v{i:03}" for i in range(4)]
    assert names(data.joined()) == [f"t{i:03}" for i in range(8)] + [f"v{i:03}" for i in range(4)]
    with confirm_step():
        assert names(load_test_data("vocfolder", folder)) == [f"x{i:03}" for i in range(4)]


def test_images_come_in_the_order_of_trainval_and_validation_is_within_it(folder):
    mixed = ["v002", "t001", "t000", "v000", *(f"t{i:03}" for i in range(2, 8)), "v003", "v001"]
    write_list(folder, "trainval", mixed)
    data = load(folder)
    assert data.held_out.tolist() == [0, 3, 10, 11]
    assert names(data.validation) == ["v002", "v000", "v003", "v001"]
    joined = data.joined()
    assert names(joined) == mixed
    first = joined.take(np.array([1]))
    assert np.array_equal(first.boxes, data.train.boxes[data.train.objects(0)])


def test_the_shape_is_a_canvas_of_320_for_detection(folder):
    shape = DatasetShape(channels=3, height=320, width=320, classes=2, task=DETECTION)
    assert dataset_shape("vocfolder", folder) == shape == load(folder).shape
    assert load(folder).classes == ("disc", "square")


def test_boxes_reach_from_the_edge_of_their_first_pixel_to_that_of_their_last(folder):
    objects = [VocObject(name="disc", box=(1, 2, 10, 20), difficult=True)]
    write_image(folder, "t000", Image.new("RGB", (50, 40)))
    write_annotation(folder, "t000", (50, 40), objects)
    train = load(folder).train
    assert isinstance(train, AnnotatedImages)
    assert train.boxes[0].tolist() == [0, 1, 10, 20]
    assert train.difficult[0]
    assert train.sizes[0].tolist() == [50, 40]


def test_training_opens_nothing_of_the_test_set(folder, opened_files):
    with opened_files() as opened:
        summarise_images(load(folder), folder)
    assert "t000.jpg" in opened
    assert "t000.xml" in opened
    assert [name for name in opened if name.startswith("x")] == []


@pytest.mark.parametrize("part", ["train", "trainval"])
def test_without_a_list_of_validation_a_tenth_is_held_out_the_same_every_time(tmp_path, part):
    write_voc_folder(tmp_path, train=30, val=0)
    source = tmp_path / "ImageSets" / "Main" / "train.txt"
    source.rename(source.with_name(f"{part}.txt"))
    first, second = load(tmp_path), load(tmp_path)
    assert len(first.validation) == 3
    assert first.held_out.tolist() == second.held_out.tolist()
    assert sorted(names(first.train) + names(first.validation)) == [f"t{i:03}" for i in range(30)]


def test_of_trainval_what_train_does_not_have_validates(folder):
    (folder / "ImageSets" / "Main" / "val.txt").unlink()
    assert names(load(folder).validation) == [f"v{i:03}" for i in range(4)]
    write_list(folder, "val", [f"v{i:03}" for i in range(4)])
    (folder / "ImageSets" / "Main" / "train.txt").unlink()
    assert names(load(folder).train) == [f"t{i:03}" for i in range(8)]


def test_classes_are_those_of_a_list_if_there_is_one(folder):
    (folder / "classes.txt").write_text("square\ndisc\nbird\n", encoding="utf-8")
    data = load(folder)
    assert data.classes == ("bird", "disc", "square")
    _, warnings = summarise_images(data, folder)
    assert warnings == ("1 of 3 classes have no object: bird",)


def test_one_class_is_enough(tmp_path):
    write_voc_folder(tmp_path, classes={"disc": (200, 0, 0)})
    assert load(tmp_path).classes == ("disc",)
    (tmp_path / "classes.txt").write_text("disc", encoding="utf-8")
    line, _ = summarise_images(load(tmp_path), tmp_path)
    assert re.fullmatch(
        r"images: 12 with \d+ objects \(\d difficult\) in 1 class: 8 to train, 4 to validate, "
        r"4 to test",
        line,
    )


def test_what_is_left_out_is_told_with_its_number(folder):
    flat = [VocObject(name="disc", box=(5, 5, 5, 9)), VocObject(name="disc", box=(9, 9, 20, 3))]
    write_annotation(folder, "t001", None, [*flat, VocObject(name="disc", box=(0, 1, 9, 9))])
    write_image(folder, "unlisted", Image.new("RGB", (9, 9)))
    write_annotation(folder, "unlisted", None, [])
    (folder / "JPEGImages" / "notes.txt").write_text("", encoding="utf-8")
    write_annotation(folder, "t002", None, [])
    data = load(folder)
    assert data.train.boxes[data.train.objects(1)].tolist() == [[0, 0, 9, 9]]
    line, warnings = summarise_images(data, folder)
    assert line.split("; left out: ")[1] == (
        "2 boxes without an area (such as Annotations/t001.xml), 1 image that no list has (such as "
        "JPEGImages/unlisted.jpg), 1 annotation that no list has (such as "
        "Annotations/unlisted.xml), 1 file that is no png, jpg, jpeg, bmp, webp (such as "
        "JPEGImages/notes.txt)"
    )
    assert warnings[0].startswith("1 box begins at pixel 0, and VOC counts from 1")
    assert warnings[1].startswith("1 of 8 training images show no object, or difficult ones alone")


def test_an_image_that_its_header_turns_is_as_large_as_it_is_shown(folder):
    path = folder / "JPEGImages" / "t000.jpg"
    turned = Image.Exif()
    turned[0x0112] = 6
    picture = Image.new("RGB", (60, 40), "white")
    picture.paste("red", (0, 0, 30, 40))
    picture.save(path, exif=turned)
    box = [VocObject(name="disc", box=(1, 1, 40, 30))]
    write_annotation(folder, "t000", (60, 40), box)
    message = (
        r"says a size of 60 x 40, and .*t000\.jpg has 40 x 60 pixels once turned as its header"
    )
    with pytest.raises(DatasetError, match=message):
        load(folder)
    write_annotation(folder, "t000", (40, 60), box)
    train = load(folder).train
    assert train.sizes[0].tolist() == [40, 60]
    content = decode_content(train.on_canvas(60), 0)
    assert content.shape == (3, 60, 40)
    assert content[1, :28].max() < 60 < 190 < content[1, 32:].min()  # the red half is the upper one


def test_images_are_centred_on_their_canvas_and_black_around(folder):
    write_image(folder, "t000", Image.new("RGB", (80, 40), (10, 250, 30)))
    write_annotation(folder, "t000", None, [])
    train = load(folder).train.on_canvas(64)
    pixels = decode_on_canvas(train.take(np.array([0])))[0]
    assert pixels.shape == (3, 64, 64)
    assert (pixels[:, 16:48] == np.array([10, 250, 30])[:, None, None]).mean() > 0.3
    assert pixels[1, 16:48].min() > 245
    assert pixels[:, :16].max() == pixels[:, 48:].max() == 0


def test_mean_and_deviation_are_of_images_without_padding(folder):
    for path in (folder / "JPEGImages").glob("t*.jpg"):
        with Image.open(path) as image:
            size = image.size
        Image.new("RGB", size, (51, 102, 204)).save(path, quality=100)
    data = load(folder)
    assert np.allclose(data.mean, (0.2, 0.4, 0.8), atol=0.01)


def test_an_image_that_was_replaced_by_one_of_another_size_is_named(folder):
    train = load(folder).train
    write_image(folder, "t003", Image.new("RGB", (5, 5)))
    with pytest.raises(DatasetError, match=r"t003\.jpg has 5 x 5 pixels: it had \d+ x \d+ when"):
        decode_on_canvas(train)


def remove(folder, path):
    (folder / path).unlink()


def annotate(folder, text):
    (folder / "Annotations" / "t001.xml").write_text(text, encoding="utf-8")


def thing(name="disc", box=(1, 1, 9, 9), size=None):
    return lambda folder: write_annotation(folder, "t001", size, [VocObject(name=name, box=box)])


BROKEN = {
    "no image": (
        lambda f: remove(f, "JPEGImages/t001.jpg"),
        r"Main lists 't001', and .*JPEGImages holds no image of that name: accepted are "
        r"t001\.png, t001\.jpg",
    ),
    "no annotation": (
        lambda f: remove(f, "Annotations/t001.xml"),
        r"Annotations/t001\.xml is missing: the image 't001' is listed",
    ),
    "two images": (
        lambda f: Image.new("RGB", (9, 9)).save(f / "JPEGImages" / "t001.png"),
        r"JPEGImages holds t001\.jpg and t001\.png: one image of a name is accepted",
    ),
    "outside": (
        thing(box=(1, 1, 9, 900)),
        r"t001\.xml has a box of 'disc' from 1, 1, 9, 900 \(xmin, ymin, xmax, ymax\): accepted are "
        r"pixels 1 to \d+ across",
    ),
    "before the image": (thing(box=(-1, 1, 9, 9)), r"has a box of 'disc' from -1, 1, 9, 9"),
    "another size": (
        thing(size=(7, 7)),
        r"t001\.xml says a size of 7 x 7, and .*t001\.jpg has \d+ x \d+ pixels: both must agree",
    ),
    "empty list": (lambda f: write_list(f, "val", []), r"val\.txt lists no image: at least 1"),
    "listed twice": (lambda f: write_list(f, "val", ["v001", "v001"]), r"'v001' twice: once is"),
    "a path": (
        lambda f: write_list(f, "val", ["../v001"]),
        r"val\.txt lists '\.\./v001': accepted is a name without a folder",
    ),
    "in two lists": (
        lambda f: write_list(f, "val", ["v001", "t002"]),
        r"val\.txt lists 't002', which .*train\.txt has, too",
    ),
    "not in trainval": (
        lambda f: write_list(f, "val", ["v001"]),
        r"trainval\.txt must list the images of train\.txt and val\.txt: 'v000' is in one of them",
    ),
    "no lists": (
        lambda f: [path.unlink() for path in (f / "ImageSets" / "Main").iterdir()],
        r"Main holds neither train\.txt nor trainval\.txt: list the images",
    ),
    "no folder": (
        lambda f: (f / "Annotations").rename(f / "annotations"),
        r"Annotations is not a folder: accepted is a folder with JPEGImages, Annotations and",
    ),
    "unknown class": (
        lambda f: (f / "classes.txt").write_text("disc\nsquares", encoding="utf-8"),
        r"has an object of class 'square', which is none of the 2 classes that .*classes\.txt "
        r"lists: the nearest is 'squares'",
    ),
    "no class": (
        lambda f: (f / "classes.txt").write_text("\n", encoding="utf-8"),
        r"classes\.txt lists 0 class\(es\), at least 1 is needed",
    ),
    "damaged image": (
        lambda f: (f / "JPEGImages" / "t001.jpg").write_bytes(b"junk"),
        r"t001\.jpg cannot be read as an image",
    ),
    "not XML": (lambda f: annotate(f, "<annotation>"), r"t001\.xml cannot be read as XML: no elem"),
    "other XML": (lambda f: annotate(f, "<svg/>"), r"holds <svg>: accepted is <annotation>"),
    "no name": (
        lambda f: annotate(f, "<annotation><object/></annotation>"),
        r"t001\.xml has no <name> in its object 1",
    ),
    "no number": (
        thing(box=("left", 1, 2, 3)),
        r"has <xmin>left</xmin> in its object 1: accepted is a number",
    ),
    "infinite": (thing(box=(1, 1, "inf", 3)), r"has <xmax>inf</xmax> in its object 1"),
    "unclear": (
        lambda f: annotate(
            f,
            "<annotation><object><name>disc</name><difficult>maybe</difficult></object>"
            "</annotation>",
        ),
        r"has <difficult>maybe</difficult> in its object 1: accepted are 0 and 1",
    ),
    "odd size": (thing(size=("wide", 3)), r"says a size of wide x 3: accepted are whole numbers"),
}


@pytest.mark.parametrize("kind", list(BROKEN))
def test_a_fault_is_one_sentence_that_says_where(folder, kind):
    damage, message = BROKEN[kind]
    damage(folder)
    with pytest.raises(DatasetError, match=message) as caught:
        load(folder)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        '<!DOCTYPE a [<!ENTITY b "b"><!ENTITY c "&b;&b;&b;">]><annotation>&c;</annotation>',
        '<!DOCTYPE a SYSTEM "file:///etc/passwd"><annotation/>',
        "<!DOCTYPE annotation><annotation/>",
    ],
)
def test_document_types_are_refused_so_that_no_entity_expands(folder, text):
    annotate(folder, text)
    with pytest.raises(DatasetError, match=r"t001\.xml declares a document type \(<!DOCTYPE\)"):
        load(folder)


def test_files_too_large_or_too_deep_are_refused_before_they_take_memory(folder):
    annotate(folder, "<annotation>" + " " * (4 * 2**20) + "</annotation>")
    with pytest.raises(DatasetError, match=r"t001\.xml has more than 4 MiB"):
        load(folder)
    annotate(folder, "<annotation>" + "<a>" * 400_000)
    with pytest.raises(DatasetError, match=r"t001\.xml has more than 32 elements within each"):
        load(folder)


def test_elements_that_are_not_used_are_passed_over(folder):
    part = "<part><name>head</name><bndbox><xmin>1</xmin></bndbox></part>"
    box = "<bndbox><xmax>9.5</xmax><xmin>2.5</xmin><ymin>1</ymin><ymax>9</ymax></bndbox>"
    annotate(
        folder,
        '<?xml version="1.0" encoding="latin-1"?>'
        f"<annotation><object>{part}<name> disc </name>{box}</object></annotation>",
    )
    train = load(folder).train
    assert train.boxes[train.objects(1)].tolist() == [[1.5, 0, 9.5, 9]]


def test_other_boxes_are_other_images_to_whoever_records_them(folder):
    before = images_digest(load(folder))
    assert images_digest(load(folder)) == before
    write_annotation(folder, "t000", None, [VocObject(name="disc", box=(1, 1, 9, 8))])
    other = images_digest(load(folder))
    write_annotation(folder, "t000", None, [VocObject(name="disc", box=(1, 1, 9, 9))])
    assert len({before, other, images_digest(load(folder))}) == 3


def test_an_image_for_training_must_not_test(folder):
    write_list(folder, "test", ["x000", "t000"])
    with pytest.raises(DatasetError, match=r"test\.txt lists 't000', which .*Main has, too"):
        require_test_split("vocfolder", folder)


def test_a_test_set_is_checked_before_a_search_without_its_images(folder, opened_files):
    with opened_files() as opened:
        require_test_split("vocfolder", folder)
    assert [name for name in opened if name.endswith(".jpg")] == []
    write_annotation(folder, "x001", None, [VocObject(name="discs", box=(1, 1, 9, 9))])
    message = r"x001\.xml has an object of class 'discs', .* have: the nearest is 'disc'"
    with pytest.raises(DatasetError, match=message):
        require_test_split("vocfolder", folder)
    beyond = VocObject(name="disc", box=(1, 1, 9, 900))
    write_annotation(folder, "x001", (60, 40), [beyond])
    with pytest.raises(DatasetError, match=r"x001\.xml has a box of 'disc' from 1, 1, 9, 900"):
        require_test_split("vocfolder", folder)
    (folder / "ImageSets" / "Main" / "test.txt").unlink()
    with pytest.raises(DatasetError, match=r"test\.txt is missing: list the images to test there"):
        require_test_split("vocfolder", folder)
    assert ", no test images" in summarise_images(load(folder), folder)[0]


def test_a_list_of_names_with_their_endings_is_told_how_to_name_them(folder):
    write_list(folder, "test", ["x000.jpg"])
    with pytest.raises(DatasetError, match=r"'x000\.jpg': accepted are names without .* 'x000'"):
        require_test_split("vocfolder", folder)


@pytest.mark.parametrize(
    ("mark", "count", "what"), [("t", 8, "trains"), ("v", 4, "validates"), ("x", 4, "tests")]
)
def test_parts_that_show_difficult_objects_alone_are_refused(folder, mark, count, what):
    difficult = VocObject(name="disc", box=(1, 1, 9, 9), difficult=True)
    for index in range(count):
        write_annotation(folder, f"{mark}{index:03}", None, [difficult])
    message = rf"has no image that {what} and shows an object: at least one must"
    with pytest.raises(DatasetError, match=message):
        if what == "tests":
            require_test_split("vocfolder", folder)
        load(folder)


ANNOTATION = (
    b'<?xml version="1.0" encoding="utf-8"?><annotation><size><width>40</width><height>30</height>'
    b"</size><object><name>disc</name><difficult>0</difficult><bndbox><xmin>1</xmin><ymin>2</ymin>"
    b"<xmax>9</xmax><ymax>9</ymax></bndbox></object></annotation>"
)


@given(position=st.integers(0, len(ANNOTATION)), replacement=st.binary(max_size=6))
def test_no_damage_of_an_annotation_escapes_as_another_error(scratch, position, replacement):
    rest = ANNOTATION[position + len(replacement) :]
    scratch.write_bytes(ANNOTATION[:position] + replacement + rest)
    with contextlib.suppress(DatasetError):
        read_annotation(scratch)


@pytest.mark.parametrize("encoding", ["utf-7", "rot13", "idna", "undefined", "none", "utf-16"])
def test_an_encoding_that_is_not_read_is_a_fault_of_the_file(scratch, encoding):
    scratch.write_bytes(ANNOTATION.replace(b"utf-8", encoding.encode()))
    with pytest.raises(DatasetError, match="cannot be read as XML"):
        read_annotation(scratch)


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    return tmp_path_factory.mktemp("scratch") / "annotation.xml"
