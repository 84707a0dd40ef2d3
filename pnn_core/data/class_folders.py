"""Folders of images that are classes, and files in them that are images."""

import os
from collections.abc import Sequence
from pathlib import Path

from pnn_core.config.checks import nearest
from pnn_core.data.dataset import DatasetError

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".webp")
"""Endings of the files that are read, in small or capital letters."""

CLASS_LIST = "classes.txt"
"""Name of the file that lists the classes to use, one folder's name a line."""

LAYOUT = f"put images ({', '.join(s[1:] for s in SUFFIXES)}) into"
"""Advice of an error, which the folder follows."""


def used_classes(data_dir: Path, largest: int | None = None) -> tuple[str, ...]:
    """List the classes of a data set: the folders in `data_dir/train`, sorted by name.

    If there is a `data_dir/classes.txt`, they are those that it lists, so that a published choice
    of classes can be repeated.

    Args:
        data_dir: Folder that holds `train`.
        largest: Number of classes to keep, those of most images, of equal ones the first by name;
            None keeps all.

    Raises:
        DatasetError: There are too few classes, or the list names one that does not exist.
    """
    folder, class_list = data_dir / "train", data_dir / CLASS_LIST
    classes = class_folders(folder)
    if class_list.exists():
        classes = _listed(class_list, folder, classes)
    if largest is None:
        return classes
    if len(classes) < largest:
        source = class_list if class_list.exists() else folder
        raise DatasetError(
            f"{source} has {len(classes)} classes: at least {largest} are needed to take the "
            f"{largest} largest"
        )
    counts = {name: len(_image_names(folder / name)) for name in classes}
    return tuple(sorted(sorted(classes, key=lambda name: (-counts[name], name))[:largest]))


def class_folders(folder: Path) -> tuple[str, ...]:
    """List the folders in `data_dir/train` or `data_dir/test`, sorted; hidden ones left out.

    Raises:
        DatasetError: There is no such folder, or there are fewer than two in it.
    """
    if not folder.is_dir():
        raise DatasetError(f"{folder} is not a folder: {LAYOUT} {folder / 'CLASS'}")
    with os.scandir(folder) as entries:
        names = sorted(e.name for e in entries if e.is_dir() and not e.name.startswith("."))
    if len(names) < 2:
        raise DatasetError(
            f"{folder} holds {len(names)} class folder(s), at least 2 are needed: "
            f"{LAYOUT} {folder / 'CLASS'}"
        )
    return tuple(names)


def image_names(folder: Path, least: int) -> list[str]:
    """List the names of the images of a class, sorted; hidden files and other endings are left out.

    Raises:
        DatasetError: There are fewer than `least`.
    """
    names = _image_names(folder)
    if len(names) < least:
        raise DatasetError(
            f"{folder} holds {len(names)} image(s), at least {least} needed: {LAYOUT} {folder}"
        )
    return sorted(names)


def _image_names(folder: Path) -> list[str]:
    with os.scandir(folder) as entries:
        return [
            e.name
            for e in entries
            if not e.name.startswith(".")
            and e.name.lower().endswith(SUFFIXES)
            and not e.is_dir()  # and not `is_file`: a broken link must be reported, not skipped
        ]


def _listed(class_list: Path, folder: Path, classes: Sequence[str]) -> tuple[str, ...]:
    try:
        lines = class_list.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise DatasetError(f"{class_list} cannot be read: {reason}") from error
    listed = [line.strip() for line in lines if line.strip()]
    known = set(classes)
    for number, name in enumerate(listed):
        if name not in known:
            raise DatasetError(
                f"{class_list} lists {name!r}, which is no folder of {folder}: "
                f"the nearest is {nearest(name, classes)!r}"
            )
        if name in listed[:number]:
            raise DatasetError(f"{class_list} lists {name!r} twice: once is enough")
    if len(listed) < 2:
        raise DatasetError(f"{class_list} lists {len(listed)} class(es), at least 2 are needed")
    return tuple(sorted(listed))
