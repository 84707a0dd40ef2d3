"""Folders of images that are classes, and files in them that are images."""

import os
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from pnn_core.config.checks import nearest
from pnn_core.data.dataset import DatasetError

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".webp")
"""Endings of the files that are read, in small or capital letters."""

CLASS_LIST = "classes.txt"
"""Name of the file that lists the classes to use, one folder's name a line."""

ARCHIVE_REMAINS = "__MACOSX"
"""Folder that macOS puts into archives: it holds no images, only what looks like them."""

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
    """List the folders in `data_dir/train` or `data_dir/test`, sorted.

    Hidden ones, those that archives of macOS bring, and links that lead nowhere are left out.

    Raises:
        DatasetError: There is no such folder, there are fewer than two in it, or two whose names
            differ in their Unicode normal form alone.
    """
    if not folder.is_dir():
        raise DatasetError(f"{folder} is not a folder: {LAYOUT} {folder / 'CLASS'}")
    with os.scandir(folder) as entries:
        names = sorted(e.name for e in entries if not is_ignored(e.name) and is_folder(e))
    forms: dict[str, str] = {}
    for name in names:
        twin = forms.setdefault(unicodedata.normalize("NFC", name), name)
        if twin is not name:
            raise DatasetError(
                f"{folder} holds two class folders that look alike, {twin!a} and "
                f"{name!a}: one name in two Unicode forms; put all images into one of them"
            )
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
        found = [e for e in entries if is_image_name(e.name) and not is_folder(e)]
        for entry in found:
            if leads_nowhere(entry):
                raise DatasetError(f"{entry.path} is a link that leads nowhere: remove or mend it")
        return [entry.name for entry in found]


def leads_nowhere(entry: "os.DirEntry[str]") -> bool:
    """Return True for a link to what does not exist, or in circles."""
    return entry.is_symlink() and not os.path.exists(entry.path)  # noqa: PTH110  # many entries


def is_ignored(name: str) -> bool:
    """Return True for what no user put there to be read."""
    return name.startswith(".") or name == ARCHIVE_REMAINS


def is_image_name(name: str) -> bool:
    """Return True for files that are read."""
    return not name.startswith(".") and name.lower().endswith(SUFFIXES)


def is_folder(entry: "os.DirEntry[str]") -> bool:
    """Return True for folders and links to them; a link that leads around in circles is none."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def unicode_hint(name: str, others: Sequence[str]) -> str:
    """Say that a name is among others in another Unicode normal form; empty where it is not."""
    form = unicodedata.normalize("NFC", name)
    twins = [o for o in others if o != name and unicodedata.normalize("NFC", o) == form]
    return f" (the other has {twins[0]!a}, its other Unicode form)" if twins else ""


def read_class_list(class_list: Path, least: int) -> list[str]:
    """Read the names that `classes.txt` lists, in its order.

    Args:
        class_list: Path of the file.
        least: Smallest number of classes.

    Raises:
        DatasetError: It cannot be read, lists a name twice, or too few.
    """
    try:
        lines = class_list.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise DatasetError(f"{class_list} cannot be read: {reason}") from error
    listed = [line.strip() for line in lines if line.strip()]
    for number, name in enumerate(listed):
        if name in listed[:number]:
            raise DatasetError(f"{class_list} lists {name!r} twice: once is enough")
    if len(listed) < least:
        raise DatasetError(
            f"{class_list} lists {len(listed)} class(es), at least {least} "
            f"{'is' if least == 1 else 'are'} needed"
        )
    return listed


def _listed(class_list: Path, folder: Path, classes: Sequence[str]) -> tuple[str, ...]:
    listed = read_class_list(class_list, least=2)
    known = set(classes)
    for name in listed:
        if name not in known:
            raise DatasetError(
                f"{class_list} lists {name!r}, which is no folder of {folder}: "
                f"the nearest is {nearest(name, classes)!r}{unicode_hint(name, classes)}"
            )
    return tuple(sorted(listed))
