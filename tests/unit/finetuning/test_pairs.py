"""Which orders teach, which judge, and the pairs of texts drawn from them."""

from datetime import datetime, timedelta
from itertools import combinations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from python_ml.config import FineTuningConfig
from python_ml.finetuning.frames import reason_not_to_pair
from python_ml.finetuning.pairs import draw_pairs, find_baskets, split_baskets

CONFIG = FineTuningConfig(objectives=("sessions",), min_examples=20, held_out_share=0.2)
START = datetime(2024, 1, 1)


def bought(rows: list[tuple[str | None, str]], *, event_type: str = "purchase") -> pl.DataFrame:
    """Interactions (order, item), an hour after one another."""
    return pl.DataFrame(
        {
            "order_id": pl.Series([order for order, _ in rows], dtype=pl.String),
            "item_id": [item for _, item in rows],
            "event_type": [event_type] * len(rows),
            "interacted_at": [START + timedelta(hours=place) for place in range(len(rows))],
        }
    )


def baskets(count: int) -> pl.DataFrame:
    """So many orders of two texts, a day each."""
    return pl.DataFrame(
        {
            "basket_id": [f"o{number:03}" for number in range(count)],
            "bought_at": [START + timedelta(days=number) for number in range(count)],
            "text_hashes": [["a", "b"]] * count,
        }
    )


def test_a_basket_is_an_order_of_different_texts():
    texts = pl.DataFrame({"item_id": ["1", "2", "3", "4"], "text_hash": ["h1", "h2", "h1", "h4"]})
    rows = [("late", "2"), ("same", "1"), ("same", "3"), (None, "1"), (None, "2"), ("early", "9")]
    rows += [("late", "1"), ("late", "1"), ("later", "4"), ("later", "2")]
    found = find_baskets(bought(rows), texts)
    # Items 1 and 3 say the same, item 9 says nothing, and what was bought in no order is of no basket.
    assert found.drop("bought_at").rows() == [("late", ["h1", "h2"]), ("later", ["h2", "h4"])]
    assert found["bought_at"].to_list() == [START, START + timedelta(hours=8)]
    assert find_baskets(bought(rows, event_type="view"), texts).is_empty()


def test_the_newest_judge_and_the_rest_teach():
    taught, judges = split_baskets(baskets(10), CONFIG, before=None, seed=0)
    assert taught["basket_id"].to_list() == [f"o{number:03}" for number in range(8)]
    assert judges["basket_id"].to_list() == ["o008", "o009"]


@pytest.mark.parametrize(("day", "count"), [(0, 0), (5, 5), (9, 8)])
def test_nothing_teaches_that_models_are_judged_on_later(day: int, count: int):
    taught, judges = split_baskets(baskets(10), CONFIG, before=START + timedelta(days=day), seed=0)
    assert (taught.height, judges.height) == (count, 10 - count)
    assert sorted([*taught["basket_id"], *judges["basket_id"]]) == baskets(10)["basket_id"].to_list()


def test_of_many_baskets_a_sample_is_taken():
    config = FineTuningConfig(min_examples=20, max_examples=40, pairs_per_session=2, held_out_share=0.2)
    taught, judges = split_baskets(baskets(100), config, before=None, seed=0)
    # 40 pairs, two of a basket, are of 20 baskets; a fifth of as many judge.
    assert (taught.height, judges.height) == (20, 4)
    assert taught["bought_at"].max() < judges["bought_at"].min()
    again = split_baskets(baskets(100), config, before=None, seed=0)
    assert taught.equals(again[0])
    assert judges.equals(again[1])


@given(st.lists(st.integers(2, 9), max_size=6), st.integers(1, 40), st.integers(0, 3))
def test_pairs_are_different_texts_of_one_basket_and_none_comes_twice(sizes, most, seed):
    rows = [(f"o{place}", [f"{place}-{text}" for text in range(size)]) for place, size in enumerate(sizes)]
    frame = pl.DataFrame(rows, {"basket_id": pl.String, "text_hashes": pl.List(pl.String)}, orient="row")
    found = draw_pairs(frame, pairs_per_session=most, seed=seed)
    possible = {basket: set(combinations(texts, 2)) for basket, texts in rows}
    assert found.height == sum(min(most, len(pairs)) for pairs in possible.values())
    assert set(found.rows()) <= set().union(*possible.values())
    assert len(set(found.rows())) == found.height
    assert found.equals(draw_pairs(frame.reverse(), pairs_per_session=most, seed=seed))


def test_every_pair_is_as_likely_as_another():
    frame = pl.DataFrame(
        {"basket_id": [f"o{n}" for n in range(6000)], "text_hashes": [["a", "b", "c"]] * 6000}
    )
    counts = draw_pairs(frame, pairs_per_session=1, seed=0).group_by("left_hash", "right_hash").len()
    # A third of 6,000 each; the standard deviation is 37.
    assert counts.height == 3
    assert counts["len"].is_between(1850, 2150).all()


def test_reasons_to_leave_the_encoder_of_items_as_it_came():
    def reason(count: int, config: FineTuningConfig = CONFIG, before: datetime | None = None) -> str | None:
        found = baskets(count)
        return reason_not_to_pair(found, *split_baskets(found, config, before=before, seed=0), config)

    assert reason(40) is None
    assert reason(19) == "too few: 19 orders of different texts, 20 are needed"
    assert reason(40, before=START).startswith("no order is old enough to learn from")
