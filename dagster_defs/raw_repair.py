"""Copies of raw files without their malformed lines, in a folder that dbt reads in place of the shop's own.

Where no file needs a copy there is no such folder, and dbt reads the shop's files in place. Otherwise it
holds a copy of each file that needs one, with line breaks of one kind, and a link to each that does not.
"""

import gzip
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from dagster_defs.paths import ShopPaths
from dagster_defs.raw_formats import RawFile, rows_of
from python_ml.errors import SourceError


def repair(files: Sequence[RawFile], data_folder: Path, paths: ShopPaths) -> None:
    """Make the folder of repaired files say what `files` say; no folder when no file needs a copy.

    The folder is built beside the old one and takes its place whole.

    Args:
        files: every raw file of the shop, as found.
        data_folder: the shop's own folder, which is never changed.
        paths: where the repaired folder lies.

    Raises:
        SourceError: a file cannot be read any more.
    """
    fresh, old = paths.repaired.with_suffix(".partial"), paths.repaired.with_suffix(".old")
    for leftover in (fresh, old):
        shutil.rmtree(leftover, ignore_errors=True)
    if any(file.needs_copy for file in files):
        for file in sorted(files, key=lambda file: not file.needs_copy):
            _place(file, fresh / file.path.relative_to(data_folder))
    if paths.repaired.exists():
        paths.repaired.rename(old)
    if fresh.exists():
        fresh.rename(paths.repaired)
    shutil.rmtree(old, ignore_errors=True)


def _place(file: RawFile, target: Path) -> None:
    if target.exists():
        return  # a file that holds two tables was copied for the first
    target.parent.mkdir(parents=True, exist_ok=True)
    if not file.needs_copy:
        target.symlink_to(file.path.resolve())
        return
    seen = file.path.stat()
    packed = file.path.suffix == ".gz"
    with gzip.open(target, "wb", compresslevel=1) if packed else target.open("wb") as copy:
        for row in rows_of(file):
            copy.write(row + b"\n")
    os.utime(target, ns=(seen.st_atime_ns, seen.st_mtime_ns))  # so that `folder_to_read` knows what it is of


def folder_to_read(data_folder: Path, paths: ShopPaths) -> Path:
    """Where dbt finds the raw files: the repaired folder if there is one, otherwise the shop's own.

    Raises:
        SourceError: a file of the shop is not the one that was repaired.
    """
    if not paths.repaired.exists():
        return data_folder
    for copy in sorted(path for path in paths.repaired.rglob("*") if not path.is_dir()):
        original = data_folder / copy.relative_to(paths.repaired)
        if (
            not (original.exists() and copy.exists())
            or original.stat().st_mtime_ns != copy.stat().st_mtime_ns
        ):
            raise SourceError(
                "the file has changed since its malformed lines were taken out",
                where=str(original),
                remedy="materialise the raw files as well, as `make run` does",
            )
    return paths.repaired
