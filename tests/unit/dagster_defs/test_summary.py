"""What the summary says of a source beside its numbers."""

import io

import polars as pl
from rich.console import Console

from dagster_defs.summary import (
    _emptiness,
    _print_evaluation,
    cost_of_diversity,
    notes_of_source,
    of_people_little_known,
    rules_not_applied,
)


def test_a_note_is_told_once_and_a_source_without_one_says_nothing():
    inferred = {"source_meta": {"note": "orders are inferred"}}
    assert notes_of_source({"sources": {"a": inferred, "b": inferred, "ml": {"source_meta": {}}}}) == [
        "orders are inferred"
    ]
    assert notes_of_source({"sources": {"ml": {"source_meta": {}}}}) == []


def test_what_was_not_evaluated_says_why():
    """A list nobody could judge names who writes it; a model that did not compete writes nothing."""
    row = {
        "split_name": "test", "cohort_id": "all", "metric_name": "ndcg", "cutoff": 10, "metric_value": 0.5,
        "lower_95": 0.4, "upper_95": 0.6, "window_days": 28.0, "model_name": "popularity",
        "list_name": "for_you", "is_champion": True, "not_evaluated_reason": None,
    }  # fmt: skip
    nothing = dict.fromkeys(("metric_value", "lower_95", "upper_95", "window_days"))
    left_out = {"model_name": "ease", "is_champion": False, "not_evaluated_reason": "9 users by 9 items"}
    unjudged = {"model_name": "counting", "not_evaluated_reason": "history of 3 hours"}

    def printed(*rows: dict) -> str:
        console = Console(file=io.StringIO(), width=200)
        _print_evaluation(console, pl.DataFrame(rows, infer_schema_length=None), "for_you", "anything")
        return console.file.getvalue()

    both = printed(row, row | nothing | left_out)
    assert "popularity" in both
    assert "0.4000 to 0.6000" in both
    assert "ease did not compete: 9 users by 9 items" in both
    assert "written by" not in both
    alone = printed(row | nothing | unjudged)
    assert "not evaluated: history of 3 hours" in alone
    assert "written by counting" in alone
    assert "did not compete" not in alone


def test_people_little_was_known_of_are_told_of_beside_popularity():
    row = {"split_name": "test", "metric_name": "ndcg", "cutoff": 10, "lower_95": 0.1, "upper_95": 0.3}
    looked = row | {"cohort_id": "looked_only", "cohort_name": "Had looked", "user_count": 1_200}
    new = row | {"cohort_id": "newcomers", "cohort_name": "Not known", "user_count": 30}
    ease = looked | {"model_name": "ease", "metric_value": 0.2, "is_champion": True}
    rows = [
        ease,
        ease | {"split_name": "validation"},
        ease | {"cutoff": 5},
        ease | {"metric_name": "recall"},
        ease | {"model_name": "item_knn", "is_champion": False},
        ease | {"model_name": "popularity", "metric_value": 0.15, "is_champion": False},
        new | {"model_name": "best_sellers", "metric_value": 0.2, "is_champion": False},
    ]
    assert of_people_little_known(pl.DataFrame(rows)) == [
        "had looked: 1,200 users, ease ndcg@10 0.2000 (0.1000 to 0.3000), popularity 0.1500",
        "not known: 30 users, best_sellers ndcg@10 0.2000 (0.1000 to 0.3000)",
    ]
    assert of_people_little_known(pl.DataFrame([ease | {"cohort_id": "all"}])) == []


def test_tables_that_are_empty_for_one_reason_are_named_together():
    reasons = {"serving.item_opinions": "no reviews", "serving.similar_items": "one item"}
    assert _emptiness(reasons | {"serving.user_opinions": "no reviews"}) == [
        "serving.item_opinions, serving.user_opinions are empty: no reviews",
        "serving.similar_items is empty: one item",
    ]
    assert _emptiness({}) == []


def test_a_list_that_is_made_more_diverse_says_at_what_cost():
    columns = ["split_name", "diversity_weight", "cutoff", "ndcg", "diversity", "is_chosen"]
    rows = [
        ("validation", 0.1, 10, 0.41, 0.61, True),
        ("test", 0.0, 10, 0.42, 0.6, False),
        ("test", 0.1, 10, 0.419, 0.65, True),
    ]
    tried = pl.DataFrame(rows, schema=columns, orient="row")
    line = "published more diverse (weight 0.1): ndcg@10 0.4200 to 0.4190, diversity@10 0.6000 to 0.6500"
    assert cost_of_diversity(tried) == [line]
    without_texts = tried.with_columns(diversity=pl.lit(None, dtype=pl.Float64))
    assert cost_of_diversity(without_texts)[0].endswith("diversity@10 not known to not known")
    as_ranked = tried.with_columns(is_chosen=pl.col("diversity_weight") == 0.0)
    assert cost_of_diversity(as_ranked) == []
    unjudged = pl.DataFrame([("validation", 0.0, 10, None, None, True)], schema=tried.schema, orient="row")
    assert cost_of_diversity(unjudged) == []


def test_a_business_rule_that_cannot_be_applied_is_told():
    rows = [
        ("b", "cannot be applied", "no stock"),
        ("a", "cannot be applied", "no cost"),
        ("c", "applied", None),
    ]
    effects = pl.DataFrame(rows, schema=["rule_id", "status", "not_applied_reason"], orient="row")
    assert rules_not_applied(effects) == [
        "Business rule a is not applied: no cost",
        "Business rule b is not applied: no stock",
    ]
