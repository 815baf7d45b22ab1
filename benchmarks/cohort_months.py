"""Do cohorts last? A year is filled in month by month: ids, names, and what they say of later spend."""

import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
from matplotlib import colormaps
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as Plot

from benchmarks.features import features_of
from benchmarks.published import grocer_files, published_files
from benchmarks.results import Figure, record
from dagster_defs.paths import PROJECT_ROOT
from python_ml.cohorts.build import CohortResult, build_cohorts
from python_ml.cohorts.history import CHANGES_SCHEMA, LOG_SCHEMA, read_beside, record_changes, replay
from python_ml.cohorts.history import record as record_members
from python_ml.cohorts.methods import METHOD_NONE, RULES
from python_ml.cohorts.usefulness import COHORTS, RFM, measure_usefulness
from python_ml.config import CohortConfig

SEED = 7
CONFIG = CohortConfig()
IMAGE = PROJECT_ROOT / "docs" / "images" / "cohort-months.png"
ABOUT = (
    "The demo grocer (Complete Journey) and Online Retail, published files: features as of the first of each"
    " month by dbt, then `build_cohorts` with the default CohortConfig, each month with the model and the log"
    " of the months before, as a back-fill does it. Ids carried: of the clustered cohorts of a month, the"
    " share that is there the month after; names kept: the share of those that have the same name then. Users"
    " moved: of the users of a month, the share that is in another"
    " cohort the month after. Explained: share of the variance of spend per category between users in the"
    " 91 days after a month that lies between its cohorts, or as many RFM groups; mean over months that have"
    f" those days.\n\n![Users in each cohort, month by month](images/{IMAGE.name})"
)


@dataclass
class Year:
    """What a year of back-fills left.

    Args:
        log, changes: as `history` keeps them.
        results: by month.
        tables: of the last month.
    """

    log: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=LOG_SCHEMA))
    changes: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=CHANGES_SCHEMA))
    results: dict[date, CohortResult] = field(default_factory=dict)
    tables: dict[str, pl.DataFrame] = field(default_factory=dict)


def main() -> None:
    shops = {
        "complete_journey": (grocer_files(), date(2017, 2, 1)),
        "online_retail": (published_files() / "online_retail", date(2011, 1, 1)),
    }
    years = {}
    for source, (files, first) in shops.items():
        with tempfile.TemporaryDirectory() as folder:
            years[source] = fill_in(source, files, first, Path(folder))
    draw(years).savefig(IMAGE, dpi=110)
    record(
        "cohort_months", ABOUT, [figure for source, year in years.items() for figure in figures(source, year)]
    )


def fill_in(source: str, files: Path, first: date, folder: Path) -> Year:
    """Twelve months of a shop, one after the other."""
    year, vectors, model = Year(), {}, None
    for number in range(12):
        day = _month(first, number)
        year.tables = features_of(source, files, folder, vectors, day=day, is_loaded=number > 0)
        result = build_cohorts(
            **year.tables,
            config=CONFIG,
            seed=SEED,
            day=day,
            before=read_beside(year.log, year.changes, day),
            model=model,
        )
        model = result.model
        cohorts = result.user_cohorts.select("cohort_id", "cohort_name", "cohort_method").unique()
        members = result.user_cohorts.select("user_id", "cohort_id")
        year.log = record_members(year.log, members, day, year.changes["changed_on"].unique())
        year.changes = record_changes(year.changes, cohorts, year.log, day)
        year.results[day] = result
        print(f"  {source} {day}: {result.fit_reason or 'as fitted'}, {_ids(result)}", flush=True)
    return year


def _month(first: date, number: int) -> date:
    months = first.month - 1 + number
    return date(first.year + months // 12, months % 12 + 1, 1)


def _clustered(result: CohortResult) -> pl.DataFrame:
    return result.user_cohorts.filter(~pl.col("cohort_method").is_in(RULES))


def _ids(result: CohortResult) -> list[str]:
    return sorted(_clustered(result)["cohort_id"].unique())


def figures(source: str, year: Year) -> list[Figure]:
    """What lasted, and what it was worth."""
    results = list(year.results.values())
    pairs = list(pairwise(results))
    carried = [_carried(before, after) for before, after in pairs]
    carried_count = sum(len(each) for each in carried)
    moved = [_moved(before, after) for before, after in pairs]
    chosen = [result.cohort_selection.filter("is_chosen").row(0, named=True) for result in results]
    fits = [row for result, row in zip(results, chosen, strict=True) if result.fit_reason is not None]
    names = [result.user_cohorts["cohort_name"].n_unique() for result in results]
    ids = [result.user_cohorts["cohort_id"].n_unique() for result in results]
    values = {
        "months with clustered cohorts": sum(row["clustering_method"] != METHOD_NONE for row in chosen),
        "fits": len(fits),
        "cohorts, fewest": min(row["cohort_count"] for row in chosen),
        "cohorts, most": max(row["cohort_count"] for row in chosen),
        "ids carried": carried_count / max(sum(len(_ids(before)) for before, _ in pairs), 1),
        "names kept": sum(map(sum, carried)) / max(carried_count, 1),
        "users moved in a month, mean": float(np.mean(moved)),
        "months in which names are unique": sum(one == other for one, other in zip(names, ids, strict=True)),
        "bootstrap ARI of a published fit, least": _least(row["bootstrap_ari"] for row in fits),
    } | _usefulness(year)
    return [
        Figure(metric=metric, case=source, value=float(value))
        for metric, value in values.items()
        if value is not None
    ]


def _carried(before: CohortResult, after: CohortResult) -> list[bool]:
    """For each clustered cohort of one month that is there the month after, whether its name is the same."""
    names, later = (
        dict(_clustered(result).select("cohort_id", "cohort_name").unique().rows())
        for result in (before, after)
    )
    return [name == later[cohort] for cohort, name in names.items() if cohort in later]


def _least(values: Iterable[float | None]) -> float | None:
    return min((value for value in values if value is not None), default=None)


def _moved(before: CohortResult, after: CohortResult) -> float:
    both = before.user_cohorts.join(after.user_cohorts, on="user_id", suffix="_after")
    return float((both["cohort_id"] != both["cohort_id_after"]).mean())


def _usefulness(year: Year) -> dict[str, float]:
    """Means over the months that have a quarter after them."""
    last = max(year.results)
    shares: dict[str, list[float]] = {COHORTS: [], RFM: []}
    for day in year.results:
        if (last - day).days < CONFIG.judged_days:
            continue
        items, lines = year.tables["item_features"], year.tables["interactions"]
        found = measure_usefulness(replay(year.log, day), lines, items, day, CONFIG, SEED)
        for name, share in found.filter("is_overall").select("grouping_name", "explained_share").rows():
            if name in shares and share is not None:
                shares[name].append(share)
    return {f"explained by {name}": float(np.mean(each)) for name, each in shares.items() if each}


def draw(years: dict[str, Year]) -> Plot:
    """Bands of users by cohort over the months; a colour is an id."""
    plot = Plot(figsize=(11, 4.6), layout="constrained")
    FigureCanvasAgg(plot)
    for axes, (source, year) in zip(plot.subplots(1, len(years)), years.items(), strict=True):
        sizes = {
            day: dict(result.user_cohorts.group_by("cohort_id").len().rows())
            for day, result in year.results.items()
        }
        names = dict(year.changes.sort("changed_on").select("cohort_id", "cohort_name").rows())
        ids = sorted({each for counts in sizes.values() for each in counts}, key=lambda each: int(each[1:]))
        bands = [[counts.get(each, 0) for counts in sizes.values()] for each in ids]
        colours = [colormaps["tab20"](int(each[1:]) % 20) for each in ids]
        axes.stackplot(list(sizes), bands, colors=colours, labels=[f"{each} {names[each]}" for each in ids])
        axes.set_title(source, loc="left")
        axes.set_ylabel("users")
        axes.tick_params(axis="x", rotation=40)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.22), fontsize=7, frameon=False, ncols=2)
    return plot


if __name__ == "__main__":
    main()
