"""The frame layer: profiles and rules of cohorts in, a description of each out."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from python_ml.config import DescribeConfig
from python_ml.describe.check import reason_to_refuse
from python_ml.describe.claims import claims_of, names_in
from python_ml.describe.facts import choose_facts
from python_ml.describe.prompt import write_prompt
from python_ml.describe.template import write_sentences
from python_ml.tables import check_columns

if TYPE_CHECKING:
    from python_ml.describe.language_model import Answer

TEMPLATE, MODEL = "template", "model"
PROFILE_COLUMNS = [
    *("cohort_id", "cohort_name", "attribute_type", "attribute_name", "attribute_label", "user_count"),
    *("user_share", "sales_share", "cohort_value", "population_value", "z_score", "lift"),
]
RULE_COLUMNS = ["cohort_id", "rule_text", "rule_precision", "rule_recall"]
NAME_COLUMNS = ["cohort_id", "cohort_name"]
_SCHEMA = {
    "cohort_id": pl.String,
    "description": pl.String,
    "description_source": pl.String,
    "language_model": pl.String,
    "refused_text_reason": pl.String,
}


@dataclass(frozen=True, slots=True)
class Writer:
    """A language model.

    Args:
        name: what its texts are kept under.
        write: answers a prompt.
    """

    name: str
    write: Callable[[str], "Answer"]


def describe_cohorts(
    cohort_profiles: pl.DataFrame,
    cohort_rules: pl.DataFrame,
    cohort_names: pl.DataFrame,
    config: DescribeConfig,
    writer: Writer | None = None,
) -> pl.DataFrame:
    """Describe every cohort that has a profile.

    The description is the facts of the profile as sentences. With a writer, it is the writer's text instead
    where that passes `reason_to_refuse`. The order of rows does not count.

    Args:
        cohort_profiles: `PROFILE_COLUMNS`; a cohort of too few users for a profile has no row, and so no
            description.
        cohort_rules: `RULE_COLUMNS`, a row per cohort at most.
        cohort_names: `NAME_COLUMNS` of every cohort.
        config: what is told.
        writer: None for none.

    Returns:
        cohort_id, description, description_source ("template" or "model"), language_model (null of a
        template), refused_text_reason (why the writer's text was refused, else null), by cohort_id.

    Raises:
        ContractError: a table lacks a column.
    """
    check_columns("cohort_profiles", cohort_profiles, PROFILE_COLUMNS)
    check_columns("cohort_rules", cohort_rules, RULE_COLUMNS)
    check_columns("cohort_names", cohort_names, NAME_COLUMNS)
    rules = {row["cohort_id"]: row for row in cohort_rules.select(RULE_COLUMNS).iter_rows(named=True)}
    names = dict(cohort_names.select(NAME_COLUMNS).unique().rows())
    profiles: dict[str, list[dict[str, Any]]] = {}
    for row in cohort_profiles.select(PROFILE_COLUMNS).iter_rows(named=True):
        profiles.setdefault(row["cohort_id"], []).append(row)
    rows = []
    for cohort_id in sorted(profiles):
        others = [name for other, name in names.items() if other != cohort_id]
        described = _describe(profiles[cohort_id], rules.get(cohort_id), others, config, writer)
        rows.append((cohort_id, *described))
    return pl.DataFrame(rows, _SCHEMA, orient="row")


def _describe(
    rows: list[dict[str, Any]],
    rule: dict[str, Any] | None,
    others: list[str],
    config: DescribeConfig,
    writer: Writer | None,
) -> tuple[str, str, str | None, str | None]:
    """description, description_source, language_model, refused_text_reason."""
    facts = choose_facts(rows, rule, config)
    sentences = write_sentences(facts)
    template = " ".join(sentences)
    if writer is None:
        return template, TEMPLATE, None, None
    answer = writer.write(write_prompt(facts.cohort_name, sentences))
    reason = answer.trouble or reason_to_refuse(
        answer.text,
        claims_of(facts),
        names=names_in(facts),
        other_cohorts=others,
        max_characters=config.max_characters,
    )
    if reason is not None:
        return template, TEMPLATE, None, reason
    return " ".join(answer.text.split()), MODEL, writer.name, None
