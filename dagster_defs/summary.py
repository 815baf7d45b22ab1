"""What `make run` prints at its end: what was built, in plain words, read from the published copy."""

from typing import Any

import polars as pl
from rich.console import Console
from rich.table import Table

from dagster_defs.dbt_assets import load_manifest
from dagster_defs.empty_tables import why_empty
from dagster_defs.paths import PROJECT_ROOT
from dagster_defs.settings import Settings
from dagster_defs.summary_opinions import print_opinions
from dagster_defs.warehouse import Warehouse
from python_ml.recommender.split import duration

# What a source without such rows cannot feed.
CAPABILITIES = {
    "core.campaign_contacts": "campaign features",
    "core.offer_redemptions": "coupon features",
    "core.promotions": "promotion features",
    "core.order_returns": "returns",
    "core.reviews": "opinions",
    "core.support_messages": "customer service",
    "core.inventory_levels": "stock",
    "core.locations": "places",
    "core.identity_links": "visits before a login",
}
LIST_TITLES = {"for_you": "anything they buy next", "discover": "items new to them"}
METRICS = [("ndcg", 10), ("recall", 10), ("mrr", 10), ("coverage", 10)]


def print_summary(settings: Settings) -> None:
    """Rows, cohorts, metrics against baselines, sample recommendations, and what to open."""
    published = Warehouse(path=settings.paths.published)
    console = Console(width=120, highlight=False)
    console.print()
    counts = published.row_counts()
    console.print(_row_table(counts))
    _print_what_is_off(console, counts)
    for note in notes_of_source(load_manifest(settings.paths.manifest)):
        console.print(f"\nMind: {note}")
    for line in _emptiness(why_empty(published)):
        console.print(f"\n{line}")
    console.print(_cohort_table(published.read("serving", "cohorts")))
    _print_why_one_cohort(console, published.read("serving", "cohort_selection"))
    evaluation = published.read("serving", "recommender_evaluation")
    tradeoff = published.read("serving", "diversity_tradeoff")
    for list_name, meaning in LIST_TITLES.items():
        _print_evaluation(console, evaluation.filter(list_name=list_name), list_name, meaning)
        for line in of_people_little_known(evaluation.filter(list_name=list_name)):
            console.print(f"  {line}")
        for line in cost_of_diversity(tradeoff.filter(list_name=list_name)):
            console.print(f"  {line}")
    for line in rules_not_applied(published.read("serving", "business_rule_effects")):
        console.print(f"\n{line}")
    console.print(_sample_table(published.read("serving", "recommendations")))
    print_opinions(console, published)
    _print_paths(console, settings)


def rules_not_applied(effects: pl.DataFrame) -> list[str]:
    """A line for each business rule in force that cannot be applied.

    Args:
        effects: `serving.business_rule_effects`.
    """
    refused = effects.filter(status="cannot be applied").sort("rule_id")
    return [
        f"Business rule {rule} is not applied: {reason}"
        for rule, reason in refused.select("rule_id", "not_applied_reason").iter_rows()
    ]


def of_people_little_known(evaluation: pl.DataFrame) -> list[str]:
    """A line on those who had only looked before the window, and one on those who were not known before.

    Args:
        evaluation: `serving.recommender_evaluation` of one list.
    """
    tested = evaluation.filter(split_name="test", metric_name="ndcg", cutoff=10)
    shown = (
        tested.filter("is_champion", cohort_id="looked_only"),
        tested.filter(cohort_id="newcomers", model_name="best_sellers"),
    )
    lines = []
    for row in pl.concat(shown).to_dicts():
        popular = tested.filter(cohort_id=row["cohort_id"], model_name="popularity")["metric_value"].to_list()
        line = (
            f"{row['cohort_name'].lower()}: {row['user_count']:,} users, {row['model_name']}"
            f" ndcg@10 {row['metric_value']:.4f} ({_interval(row)})"
        )
        lines.append(line + "".join(f", popularity {value:.4f}" for value in popular))
    return lines


def cost_of_diversity(tradeoff: pl.DataFrame) -> list[str]:
    """A line on a list that is not published as the champion ranked it, and what that costs.

    Args:
        tradeoff: `serving.diversity_tradeoff` of one list.
    """
    tried = tradeoff.filter(pl.col("ndcg").is_not_null(), split_name="test")
    plain = tried.filter(diversity_weight=0.0).to_dicts()
    return [
        f"published more diverse (weight {row['diversity_weight']:g}):"
        f" ndcg@{row['cutoff']} {plain[0]['ndcg']:.4f} to {row['ndcg']:.4f},"
        f" diversity@{row['cutoff']} {_number(plain[0]['diversity'])} to {_number(row['diversity'])}"
        for row in tried.filter("is_chosen", pl.col("diversity_weight") > 0).to_dicts()
    ]


def _number(value: float | None) -> str:
    return "not known" if value is None else f"{value:.4f}"


def _table(title: str, *columns: str) -> Table:
    """A table whose first column is text and whose other columns are numbers."""
    table = Table(
        title=title, title_justify="left", title_style="bold", header_style="dim", box=None, pad_edge=False
    )
    for index, column in enumerate(columns):
        table.add_column(column, justify="right" if index else "left", no_wrap=not index)
    return table


def _row_table(counts: dict[str, int]) -> Table:
    table = _table("\nPublished tables", "core", "rows", "serving", "rows")
    table.columns[2].justify = "left"
    by_schema = {
        schema: [
            (name.split(".")[1], f"{rows:,}")
            for name, rows in sorted(counts.items())
            if name.startswith(schema)
        ]
        for schema in ("core", "serving")
    }
    longest = max(map(len, by_schema.values()))
    padded = [rows + [("", "")] * (longest - len(rows)) for rows in by_schema.values()]
    for core, serving in zip(*padded, strict=True):
        table.add_row(*core, f"   {serving[0]}", serving[1])
    return table


def _print_what_is_off(console: Console, counts: dict[str, int]) -> None:
    off = [f"{what} ({table} is empty)" for table, what in CAPABILITIES.items() if not counts.get(table)]
    if off:
        console.print(f"\nThis source cannot feed: {', '.join(off)}")


def _emptiness(reasons: dict[str, str]) -> list[str]:
    """A sentence for each reason why tables are empty, in the order the reasons came."""
    tables: dict[str, list[str]] = {}
    for table, why in reasons.items():
        tables.setdefault(why, []).append(table)
    return [
        f"{', '.join(empty)} {'is' if len(empty) == 1 else 'are'} empty: {why}"
        for why, empty in tables.items()
    ]


def notes_of_source(manifest: dict[str, Any]) -> list[str]:
    """What the active source's YAML says must be known to read its numbers (`meta: note`)."""
    notes = {node["source_meta"].get("note") for node in manifest["sources"].values()}
    return sorted(notes - {None})


def _cohort_table(cohorts: pl.DataFrame) -> Table:
    table = _table(
        "\nCohorts", "name", "users", "share of users", "share of sales", "mean spend", "orders a user"
    )
    for row in cohorts.sort("user_count", descending=True).to_dicts():
        table.add_row(
            row["cohort_name"],
            f"{row['user_count']:,}",
            f"{row['user_share']:.0%}",
            f"{row['sales_share'] or 0:.0%}",
            f"{row['mean_sales_amount']:,.0f} {row['currency']}",
            f"{row['mean_order_count']:.0f}",
        )
    return table


def _print_why_one_cohort(console: Console, selection: pl.DataFrame) -> None:
    for reason in selection.filter(pl.col("is_chosen"))["reason"].drop_nulls():
        console.print(f"\nNo cohorts were formed: {reason}")


def _print_evaluation(console: Console, evaluation: pl.DataFrame, list_name: str, meaning: str) -> None:
    """How well one list foresaw the newest window, or that nobody can say."""
    unjudged = evaluation.filter(pl.col("not_evaluated_reason").is_not_null()).sort("model_name")
    for row in unjudged.filter("is_champion").to_dicts():
        console.print(f"\n[bold]{meaning.capitalize()} ({list_name})[/bold]")
        console.print(f"  not evaluated: {row['not_evaluated_reason']}")
        console.print(f"  written by {row['model_name']}: what goes with what they bought, then best sellers")
    tested = evaluation.filter(
        (pl.col("split_name") == "test")
        & (pl.col("cohort_id") == "all")
        & pl.col("not_evaluated_reason").is_null()
    )
    if not tested.is_empty():
        console.print(_metric_table(tested, list_name, meaning))
    for row in unjudged.filter(~pl.col("is_champion")).to_dicts():
        console.print(f"  {row['model_name']} did not compete: {row['not_evaluated_reason']}")


def _metric_table(tested: pl.DataFrame, list_name: str, meaning: str) -> Table:
    """The newest window, the champion first: its model was chosen on the window before it."""
    titles = [f"{name}@{cutoff}" for name, cutoff in METRICS]
    window = duration(round(tested["window_days"][0] * 24))
    table = _table(
        f"\nOn the last {window}, {meaning} ({list_name}; ★ chosen on the {window} before)",
        "model", *titles, "95 % interval of ndcg@10",
    )  # fmt: skip
    values = {
        (row["model_name"], row["metric_name"], row["cutoff"]): row for row in tested.iter_rows(named=True)
    }
    models = tested.filter(metric_name="ndcg", cutoff=10).sort("metric_value", descending=True)
    for model in models.iter_rows(named=True):
        name = model["model_name"]
        scores = [_score(values.get((name, metric, cutoff))) for metric, cutoff in METRICS]
        star = "★ " if model["is_champion"] else "  "
        table.add_row(star + name, *scores, _interval(model), style="bold" if model["is_champion"] else None)
    return table


def _score(row: dict | None) -> str:
    return "" if row is None or row["metric_value"] is None else f"{row['metric_value']:.4f}"


def _interval(row: dict) -> str:
    if row["lower_95"] is None:
        return ""
    return f"{row['lower_95']:.4f} to {row['upper_95']:.4f}"


def _sample_table(recommendations: pl.DataFrame) -> Table:
    """First places of five users, spread over the ids so that they are not all alike."""
    table = Table(
        title="\nFive recommendations", title_justify="left", title_style="bold", header_style="dim", box=None
    )
    for column in ("user", "list", "show", "because"):
        table.add_column(column, overflow="fold")
    first = recommendations.filter(pl.col("rank") == 1).sort("list_name", "user_id")
    for row in first.gather_every(max(1, first.height // 5)).head(5).iter_rows(named=True):
        table.add_row(f"{row['user_id'][:8]}…", row["list_name"], row["item_title"], row["reason"])
    return table


def _print_paths(console: Console, settings: Settings) -> None:
    def short(path) -> str:
        return str(path.relative_to(PROJECT_ROOT)) if path.is_relative_to(PROJECT_ROOT) else str(path)

    console.print("\n[bold]Open next[/bold]")
    console.print(f"  any BI tool, or duckdb -readonly   {short(settings.paths.published)}")
    console.print("  the asset graph, plots and logs    make dev")
    console.print("  every table and column described   make docs, then target/index.html")
