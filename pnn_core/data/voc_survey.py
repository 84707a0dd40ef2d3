"""Survey of a folder in PASCAL VOC's layout: what is left out, and what is doubtful."""

from collections.abc import Iterator, Sequence

from pnn_core.data.class_folders import SUFFIXES
from pnn_core.data.spec import Survey
from pnn_core.data.voc_files import ANNOTATIONS, IMAGES, VocFiles


def survey(files: VocFiles, names: Sequence[str], test: Sequence[str] | None) -> Survey:
    """Go through the annotations of the images to learn from, and the names of all files.

    Args:
        files: Files of the folder.
        names: Images to learn from and to validate on.
        test: Images to test; None where there is no list of them.
    """
    flat, cut = [], 0
    for name in names:
        for each in files.annotation(name).objects:
            if not each.has_area:
                flat.append(f"{ANNOTATIONS}/{name}.xml")
            elif min(each.box[:2]) < 1:
                cut += 1
    return Survey(
        test_images=None if test is None else len(test),
        left_out=tuple(_left_out(files, [*names, *(test or ())], flat)),
        warnings=tuple(_warnings(cut)),
    )


def _left_out(files: VocFiles, listed: Sequence[str], flat: Sequence[str]) -> Iterator[str]:
    images, annotations = files.unlisted(listed)
    other = [f"{IMAGES}/{name}" for name in files.other]
    endings = ", ".join(suffix[1:] for suffix in SUFFIXES)
    kinds = (
        (flat, "box without an area", "boxes without an area"),
        (images, "image that no list has", "images that no list has"),
        (annotations, "annotation that no list has", "annotations that no list has"),
        (other, f"file that is no {endings}", f"files that are no {endings}"),
    )
    for paths, one, several in kinds:
        if paths:
            counted = f"1 {one}" if len(paths) == 1 else f"{len(paths)} {several}"
            yield f"{counted} (such as {ascii(paths[0])[1:-1]})"


def _warnings(cut: int) -> Iterator[str]:
    if cut:
        yield (
            f"{cut} box{'es begin' if cut > 1 else ' begins'} at pixel 0, and VOC counts from 1: "
            "they are cut at the border, and if the whole folder counts from 0, all boxes are one "
            "pixel too far up and left"
        )
