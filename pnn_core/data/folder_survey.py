"""Survey of a folder of images: files that are left out, and those probably not meant so."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from pnn_core.data.class_folders import (
    ARCHIVE_REMAINS,
    SUFFIXES,
    is_folder,
    is_ignored,
    is_image_name,
    leads_nowhere,
)
from pnn_core.data.spec import Survey
from pnn_core.data.typical_size import SMALL_EDGE, TypicalSize

_OTHER = f"that is no {', '.join(s[1:] for s in SUFFIXES)}"

_KINDS: dict[str, tuple[str, str]] = {
    "other": (f"file {_OTHER}", f"files {_OTHER.replace('is', 'are', 1)}"),
    "nested": ("folder within a class", "folders within a class"),
    "outside": ("file beside the class folders", "files beside the class folders"),
    "unused": ("class folder that is not used", "class folders that are not used"),
    "link": ("link that leads nowhere", "links that lead nowhere"),
    "remains": ("folder of macOS's archives", "folders of macOS's archives"),
}
"""Kinds of what is left out, one and several."""


def survey(data_dir: Path, classes: Sequence[str], typical: TypicalSize) -> Survey:
    """Go through `train` and `test` by the names in them.

    Args:
        data_dir: Folder that holds `train` and maybe `test`.
        classes: Classes that are used.
        typical: Sizes of a few training images.
    """
    found: dict[str, list[str]] = {}
    used: Counter[str] = Counter()
    for part in ("train", "test"):
        for kind, path in _entries(data_dir / part, frozenset(classes)):
            if kind == "image":
                used[part] += 1
            else:
                found.setdefault(kind, []).append(str(path.relative_to(data_dir)))
    has_test = (data_dir / "test").is_dir()
    return Survey(
        test_images=used["test"] if has_test else None,
        left_out=tuple(_describe(kind, sorted(paths)) for kind, paths in found.items()),
        warnings=tuple(_warnings(typical)),
    )


def _entries(part: Path, classes: frozenset[str]) -> Iterator[tuple[str, Path]]:
    """Yield a kind and a path: of images, and of all that is not hidden and left out."""
    for entry in _listed(part):
        if entry.name == ARCHIVE_REMAINS:
            yield "remains", Path(entry.path)
        elif is_ignored(entry.name):
            continue
        elif not is_folder(entry):
            yield "link" if leads_nowhere(entry) else "outside", Path(entry.path)
        elif entry.name not in classes:
            yield "unused", Path(entry.path)
        else:
            for inner in _listed(Path(entry.path)):
                if not is_ignored(inner.name):
                    yield _kind_within_class(inner), Path(inner.path)


def _listed(folder: Path) -> "list[os.DirEntry[str]]":
    if not folder.is_dir():
        return []
    with os.scandir(folder) as entries:
        return list(entries)


def _kind_within_class(entry: "os.DirEntry[str]") -> str:
    if is_folder(entry):
        return "nested"
    if is_image_name(entry.name):
        return "image"
    return "link" if leads_nowhere(entry) else "other"


def _describe(kind: str, paths: Sequence[str]) -> str:
    """Say how many there are of a kind, of what endings, and which comes first."""
    one, several = _KINDS[kind]
    counted = f"1 {one}" if len(paths) == 1 else f"{len(paths)} {several}"
    endings = sorted({Path(path).suffix.lower() for path in paths} - {""})[:5]
    shown = [*(endings if kind == "other" else []), f"such as {ascii(paths[0])[1:-1]}"]
    return f"{counted} ({', '.join(shown)})"


def _warnings(typical: TypicalSize) -> Iterator[str]:
    looked = f"of {typical.looked_at} images that were looked at"
    if typical.odd and typical.are_photographs:
        yield (
            f"{typical.odd} {looked} have at most {SMALL_EDGE} pixels on the shorter edge: "
            "they are enlarged, as most are photographs"
        )
    if typical.transparent:
        yield f"{typical.transparent} {looked} have transparent parts: these are laid on white"
