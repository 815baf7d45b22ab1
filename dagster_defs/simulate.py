"""`make simulate`: the made-up shop as files, whole or not at all.

The raw tables lie in the folder as a shop would export them; what is true of them lies in `truth/` beside
them, which no adapter reads.
"""

import argparse
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from dagster_defs.paths import PROJECT_ROOT
from dagster_defs.progress import Progress
from python_ml.errors import SettingError, ShoalError
from python_ml.simulator.config import SimulatorConfig
from python_ml.simulator.frames import Piece
from python_ml.simulator.simulate import simulate

SIMULATED_SOURCE = "simulated"
CSV_TABLES = ("users",)  # as many shops export their customers


def write_shop(config: SimulatorConfig, folder: Path, progress: Progress | None = None) -> None:
    """Simulate into a folder beside `folder` and rename it: there is a whole shop, or none.

    Args:
        config: the shop.
        folder: where the files go; one that is there is replaced.
        progress: called with the events done and expected.
    """
    half_done = folder.with_name(f".{folder.name}.half-done")
    shutil.rmtree(half_done, ignore_errors=True)
    half_done.mkdir(parents=True)
    with _writers(half_done) as write:
        for piece in simulate(config, progress):
            write(piece)
    if folder.is_symlink():
        folder.unlink()
    else:
        shutil.rmtree(folder, ignore_errors=True)
    half_done.rename(folder)


@contextmanager
def _writers(folder: Path) -> Iterator:
    """A function that appends a piece to its table's file; the files are closed at the end."""
    open_files: dict[Path, pq.ParquetWriter | pa_csv.CSVWriter] = {}

    def write(piece: Piece) -> None:
        path = _path_of(piece, folder)
        if path not in open_files:
            path.parent.mkdir(parents=True, exist_ok=True)
            open_files[path] = _open(path, piece.rows.schema)
        open_files[path].write_table(piece.rows)

    try:
        yield write
    finally:
        for file in open_files.values():
            file.close()


def _path_of(piece: Piece, folder: Path) -> Path:
    if piece.table in CSV_TABLES:
        return folder / f"{piece.table}.csv"
    if piece.part is None:
        return folder / f"{piece.table}.parquet"
    return folder / piece.table / f"{piece.part}.parquet"


def _open(path: Path, schema: pa.Schema) -> pq.ParquetWriter | pa_csv.CSVWriter:
    if path.suffix == ".csv":
        return pa_csv.CSVWriter(path, schema)
    return pq.ParquetWriter(path, schema, compression="zstd", store_schema=False)


def simulate_default_shop(folder: Path) -> None:
    """The shop of `make run SOURCE=simulated`, where no files were named and none are there yet."""
    config = SimulatorConfig()
    sys.stderr.write(f"No files in {folder} yet: simulating a shop of {config.events:,} events into it first ...\n")
    write_shop(config, folder, _progress())


def _progress() -> Progress:
    return Progress(what="events simulated", write=lambda line: sys.stderr.write(f"{line}\n"))


def _arguments() -> argparse.Namespace:
    usual = SimulatorConfig()
    parser = argparse.ArgumentParser(prog="python -m dagster_defs.simulate", description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=usual.events, help="rows of the raw events, about")
    parser.add_argument("--seed", type=int, default=usual.seed, help="another seed, another shop")
    parser.add_argument("--users", type=int, help="registered users; one for every 200 events where not given")
    parser.add_argument("--items", type=int, help="items; 40 times the root of the users where not given")
    parser.add_argument(
        "--out", type=Path, default=PROJECT_ROOT / "var" / "raw" / SIMULATED_SOURCE, help="folder of the files"
    )
    return parser.parse_args()


def _refuse_strangers(folder: Path) -> None:
    """A folder that is no simulated shop is somebody's; it is not replaced."""
    if folder.is_dir() and any(folder.iterdir()) and not (folder / "truth" / "settings.parquet").is_file():
        raise SettingError(
            "the folder holds something other than a simulated shop",
            where=f"--out {folder}",
            remedy="name another folder, or remove that one first",
        )


def main() -> int:
    arguments = _arguments()
    folder = arguments.out.expanduser().resolve()
    try:
        config = SimulatorConfig(
            events=arguments.events, seed=arguments.seed, users=arguments.users, items=arguments.items
        )
        _refuse_strangers(folder)
        write_shop(config, folder, _progress())
    except ShoalError as error:
        sys.stderr.write(f"\nNothing was simulated: {error}\n")
        return 1
    sys.stderr.write(
        f"The files are in {folder}, what is true of them in truth/. Next: make run SOURCE={SIMULATED_SOURCE}\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
