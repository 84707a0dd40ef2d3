"""Images are read as a viewer shows them, at a cost that is bounded by what is needed."""

import struct
import tracemalloc
import zlib

import numpy as np
import pytest
from PIL import Image, ImageOps

from pnn_core.data import DatasetError, ImageFiles, dataset_shape, load_training_data
from pnn_core.data.decode import RandomCrops, decode
from pnn_core.data.image_file import opened

ORIENTATION = 0x0112
RNG = np.random.default_rng(0)
PICTURE = Image.fromarray(RNG.integers(0, 256, (6, 9, 3), dtype=np.uint8))


def tagged(orientation):
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    return exif


def chunk(kind, content):
    return (
        struct.pack(">I", len(content))
        + kind
        + content
        + struct.pack(">I", zlib.crc32(kind + content))
    )


def photographs(folder, shorter_edge=256):
    """All files of a folder, to be cropped."""
    names = sorted(path.name for path in folder.iterdir())
    return ImageFiles(
        folder=folder,
        names=np.array([name.encode() for name in names]),
        labels=np.zeros(len(names), dtype=np.int64),
        height=224,
        width=224,
        shorter_edge=shorter_edge,
    )


@pytest.mark.parametrize("ending", ["png", "jpg", "webp"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_an_image_is_turned_as_its_header_says(tmp_path, orientation, ending):
    path = tmp_path / f"a.{ending}"
    PICTURE.save(path, exif=tagged(orientation))
    with opened(path) as image:
        assert image.size == ((6, 9) if orientation > 4 else (9, 6))
        found = np.asarray(image.rgb())
    with Image.open(path) as stored:
        assert np.array_equal(found, np.asarray(ImageOps.exif_transpose(stored).convert("RGB")))


@pytest.mark.parametrize("late", [b"eXIf", b"iTXt"])
def test_an_orientation_that_follows_the_pixels_of_a_png_counts(tmp_path, late):
    path = tmp_path / "a.png"
    PICTURE.save(path)
    xmp = b'XML:com.adobe.xmp\0\0\0\0\0<x tiff:Orientation="6"/>'
    added = tagged(6).tobytes().removeprefix(b"Exif\0\0") if late == b"eXIf" else xmp
    content = path.read_bytes()
    path.write_bytes(content[:-12] + chunk(late, added) + content[-12:])
    with opened(path) as image:
        assert image.size == (6, 9)
        expected = PICTURE.transpose(Image.Transpose.ROTATE_270)
        assert np.array_equal(np.asarray(image.rgb()), np.asarray(expected))


def test_a_header_whose_orientation_is_damaged_turns_nothing(tmp_path):
    path = tmp_path / "a.png"
    PICTURE.save(path, exif=b"Exif\0\0MM\0*\0\0\0\x08\0\x09\x01\x12\0\x03")
    with opened(path) as image:
        assert np.array_equal(np.asarray(image.rgb()), np.asarray(PICTURE))


def test_small_images_that_are_one_size_once_turned_are_one_data_set(tmp_path):
    for name in ("a", "b"):
        (tmp_path / "train" / name).mkdir(parents=True)
        for index in range(4):
            stored = PICTURE.transpose(Image.Transpose.ROTATE_90) if index % 2 else PICTURE
            exif = tagged(6 if index % 2 else 1)
            stored.save(tmp_path / "train" / name / f"{index}.png", exif=exif)
    every = load_training_data("imagefolder", tmp_path).joined().images
    assert (every == np.asarray(PICTURE).transpose(2, 0, 1)).all()


def test_a_photograph_is_turned_before_it_is_cropped(tmp_path):
    wide = Image.fromarray(RNG.integers(0, 256, (300, 800, 3), dtype=np.uint8))
    wide.save(tmp_path / "0.png", exif=tagged(6))
    wide.transpose(Image.Transpose.ROTATE_270).save(tmp_path / "1.png")
    crops = RandomCrops(rows=np.full(2, 0.3), columns=np.zeros(2), flipped=np.zeros(2, dtype=bool))
    tagged_one, turned = decode(photographs(tmp_path), crops)
    assert np.array_equal(tagged_one, turned)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparent_parts_are_laid_on_white(tmp_path, mode):
    path = tmp_path / "a.png"
    if mode == "P":
        image = Image.new("P", (2, 1))
        image.putpalette([0, 0, 0, 10, 20, 30])
        image.putpixel((1, 0), 1)
        image.save(path, transparency=0)
        opaque = (10, 20, 30)
    else:
        image = Image.new(mode, (2, 1))
        image.putpixel((1, 0), (10, 20, 30, 255) if mode == "RGBA" else (10, 255))
        image.save(path)
        opaque = (10, 20, 30) if mode == "RGBA" else (10, 10, 10)
    with opened(path) as found:
        assert found.is_transparent
        assert np.asarray(found.rgb()).tolist() == [[[255, 255, 255], [*opaque]]]


def test_half_transparent_parts_are_mixed_with_white(tmp_path):
    Image.new("RGBA", (1, 1), (0, 100, 200, 51)).save(tmp_path / "a.png")
    with opened(tmp_path / "a.png") as image:
        assert np.asarray(image.rgb()).tolist() == [[[204, 224, 244]]]


def test_an_image_that_is_all_opaque_keeps_every_bit(tmp_path):
    opaque = PICTURE.copy()
    opaque.putalpha(255)
    opaque.save(tmp_path / "a.png")
    with opened(tmp_path / "a.png") as image:
        assert np.array_equal(np.asarray(image.rgb()), np.asarray(PICTURE))


def test_of_a_long_strip_nothing_but_the_crop_is_resized(tmp_path):
    Image.new("RGB", (20_000, 1), (1, 2, 3)).save(tmp_path / "strip.png")
    tracemalloc.start()
    found = decode(photographs(tmp_path))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (found[0] == np.array([1, 2, 3])[:, None, None]).all()
    assert peak < 2e6  # Pillow's own memory is not traced: its sizes are, by the next test


def test_no_image_is_made_larger_than_needed(tmp_path, monkeypatch):
    Image.new("RGB", (20_000, 1)).save(tmp_path / "strip.png")
    Image.new("RGB", (2, 9_000)).save(tmp_path / "tower.png")
    sizes = []
    resize = Image.Image.resize

    def listen(image, size, *args, **settings):
        sizes.append(size)
        return resize(image, size, *args, **settings)

    monkeypatch.setattr(Image.Image, "resize", listen)
    decode(photographs(tmp_path))
    assert sizes == [(224, 224)] * 2


@pytest.mark.parametrize("size", [(6_000, 300), (300, 6_000), (100, 2_000)])
def test_a_crop_of_a_long_image_is_that_of_the_resized_image(tmp_path, size):
    smooth = np.linspace(0, 255, size[0] * size[1] * 3).reshape(size[1], size[0], 3)
    image = Image.fromarray(smooth.astype(np.uint8))
    image.save(tmp_path / "a.png")
    crops = RandomCrops(rows=np.full(1, 0.4), columns=np.full(1, 0.7), flipped=np.ones(1, bool))
    found = decode(photographs(tmp_path), crops)[0].transpose(1, 2, 0)
    whole = tuple(edge * 256 // min(size) for edge in size)
    resized = np.asarray(image.resize(whole, Image.Resampling.BILINEAR)).astype(int)
    top, left = int(0.4 * (whole[1] - 223)), int(0.7 * (whole[0] - 223))
    expected = resized[top : top + 224, left : left + 224][:, ::-1]
    assert np.abs(found - expected).max() <= 1


def test_an_image_of_too_many_pixels_is_named_with_what_is_accepted(tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    PICTURE.save(tmp_path / "a.png")
    message = r"a\.png has too many pixels .* at most 20 are accepted: replace it by a smaller copy"
    with pytest.raises(DatasetError, match=message), opened(tmp_path / "a.png"):
        pass


@pytest.mark.parametrize("size", [(0, 5), (5, 0)])
def test_an_image_without_pixels_is_refused(tmp_path, size):
    head = struct.pack(">IIBBBBB", *size, 8, 2, 0, 0, 0)
    content = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IEND", b"")
    for name in ("a", "b"):
        (tmp_path / "train" / name).mkdir(parents=True)
        for index in range(2):
            (tmp_path / "train" / name / f"{index}.png").write_bytes(content)
    with pytest.raises(DatasetError, match=r"a/0\.png (has . x . pixels|cannot be read)"):
        dataset_shape("imagefolder", tmp_path)
