"""From tables to arrays, by hand."""

import numpy as np
import polars as pl

from python_ml.cohorts.inputs import acts_by_category, behaviour_columns, build_arrays, purchase_pairs

USERS = pl.DataFrame(
    {
        "user_id": ["b", "a", "c", "d"],
        "order_count": [2, 1, 1, 0],
        "monetary_amount": [9.0, 0.0, None, 0.0],
        "first_order_date": ["2017-01-01"] * 4,
        "frequency_score": [5, 4, 3, 1],
    }
)
LINES = pl.DataFrame(
    {
        # b spends 3 x 2.00 on milk and 2.00 on tea; a got one milk and three teas for nothing; c bought what
        # has no vector.
        "user_id": ["b", "b", "b", "b", "a", "a", "a", "a", "c"],
        "item_id": ["milk", "tea", "milk", "milk", "milk", "tea", "tea", "tea", "coal"],
        "event_type": "purchase",
        "sales_amount": [2.0, 2.0, 2.0, 2.0, 0.0, 0.0, 0.0, 0.0, 5.0],
    }
)
TABLES = {
    "user_features": USERS,
    "user_department_features": pl.DataFrame(
        {
            "user_id": ["b", "b", "d"],
            "department": ["TEA", "DAIRY", "TEA"],
            "sales_amount": [2.0, 6.0, 1.0],
            "sales_share": [0.25, 0.75, 1.0],
        }
    ),
    "interactions": LINES,
    "item_features": pl.DataFrame({"item_id": ["milk", "tea", "coal"], "category": ["x", "y", "z"]}),
    "item_texts": pl.DataFrame({"item_id": ["milk", "tea", "coal"], "text_hash": ["hm", "ht", "hc"]}),
    "text_embeddings": pl.DataFrame(
        {"text_hash": ["ht", "hm"], "embedding_model": "m", "embedding": [[0.0, 1.0], [1.0, 0.0]]}
    ),
}
NO_ACTS = acts_by_category(LINES, TABLES["item_features"])  # LINES are purchases


def test_pairs_by_hand():
    assert purchase_pairs(LINES).rows() == [
        ("a", "milk", 0, 1),
        ("a", "tea", 0, 3),
        ("b", "milk", 6_000_000, 3),
        ("b", "tea", 2_000_000, 1),
        ("c", "coal", 5_000_000, 1),
    ]


def test_pairs_do_not_depend_on_the_order_of_lines():
    # As floats 0.1 + 0.2 + 0.3 is 0.6000000000000001, and 0.3 + 0.2 + 0.1 is 0.6.
    lines = pl.DataFrame(
        {"user_id": "u", "item_id": "i", "event_type": "purchase", "sales_amount": [0.1, 0.2, 0.3]}
    )
    assert purchase_pairs(lines).equals(purchase_pairs(lines.reverse()))


def test_tastes_are_weighted_by_spend():
    arrays = build_arrays(TABLES, purchase_pairs(LINES), NO_ACTS, most_categories=9, use_texts=True)
    assert arrays.user_ids == ["a", "b", "c"]
    taste_b = np.array([6 / 8, 2 / 8])
    taste_a = np.array([1 / 4, 3 / 4])  # nothing spent: by lines
    taste_c = [np.nan, np.nan]  # nothing known
    np.testing.assert_allclose(arrays.tastes, [taste_a, taste_b, taste_c])


def spend_by_category(most: int, *, lines: pl.DataFrame = LINES, also: tuple[str, ...] = ()):
    return build_arrays(
        TABLES | {"interactions": lines},
        purchase_pairs(lines),
        NO_ACTS,
        most_categories=most,
        also_categories=also,
        use_texts=False,
    )


def test_spend_by_category_and_users_without_an_order_stay_out():
    arrays = spend_by_category(9)
    assert arrays.spend_categories == ["x", "y", "z"]
    # a, who got all for nothing, spent nothing; b and c are in the comment above.
    np.testing.assert_array_equal(arrays.spend, [[0.0, 0.0, 0.0], [6.0, 2.0, 0.0], [0.0, 0.0, 5.0]])
    assert arrays.tastes.shape == (3, 0)


def test_the_categories_most_users_bought_are_told_apart_and_those_of_the_model():
    """Two users bought of x and of y, one of z; c, who bought of z alone, still bought something."""
    arrays = spend_by_category(2)
    assert arrays.spend_categories == ["x", "y"]
    np.testing.assert_array_equal(arrays.spend, [[0.0, 0.0], [6.0, 2.0], [0.0, 0.0]])
    assert spend_by_category(1).spend_categories == ["x"]
    both = spend_by_category(1, also=("z", "gone"))
    assert (both.common_categories, both.spend_categories) == (["x"], ["x", "z"])
    fitted_on = both.to_fit_on()
    assert fitted_on.spend_categories == ["x"]
    np.testing.assert_array_equal(fitted_on.spend, both.spend[:, :1])


def test_spend_on_the_one_category_of_a_shop_is_all_spend():
    only = LINES.filter(pl.col("item_id") == "milk")
    arrays = spend_by_category(9, lines=only)
    assert (arrays.spend_categories, arrays.spend.shape) == ([], (3, 0))
    known = spend_by_category(9, lines=only, also=("x", "y"))
    assert (known.common_categories, known.spend_categories) == ([], ["x"])


def test_money_given_back_is_not_spent_and_unknown_goods_tell_nothing():
    given_back = pl.DataFrame({"user_id": ["a", "c"], "item_id": ["milk", "loose"],
                               "event_type": "purchase", "sales_amount": [-3.0, 4.0]})  # fmt: skip
    arrays = spend_by_category(9, lines=pl.concat([LINES.filter(pl.col("user_id") == "b"), given_back]))
    np.testing.assert_array_equal(arrays.spend, [[0.0, 0.0], [6.0, 2.0], [np.nan, np.nan]])


def test_interests_are_roots_of_shares_of_acts_that_are_no_purchase():
    """b looks at milk twice, puts tea into the cart, and something nobody filed counts for nothing."""
    acts = pl.DataFrame(
        {
            "user_id": ["b", "b", "b", "b", "d"],
            "item_id": ["milk", "milk", "tea", "loose", "milk"],
            "event_type": ["view", "click", "cart", "view", "view"],
            "sales_amount": 0.0,
        }
    )
    loose = pl.DataFrame({"item_id": ["loose"], "category": [None]}, schema_overrides={"category": pl.String})
    counted = acts_by_category(pl.concat([LINES, acts]), pl.concat([TABLES["item_features"], loose]))
    arrays = build_arrays(TABLES, purchase_pairs(LINES), counted, most_categories=9, use_texts=False)
    assert arrays.interest_categories == ["x", "y"]
    nothing = [np.nan, np.nan]
    np.testing.assert_allclose(arrays.interest_roots, [nothing, [(2 / 3) ** 0.5, (1 / 3) ** 0.5], nothing])
    without = build_arrays(TABLES, purchase_pairs(LINES), NO_ACTS, most_categories=9, use_texts=False)
    assert (without.interest_categories, without.interest_roots.shape) == ([], (3, 0))


def test_scores_ids_and_dates_are_not_behaviour():
    assert behaviour_columns(USERS) == ["order_count", "monetary_amount"]
    arrays = build_arrays(TABLES, purchase_pairs(LINES), NO_ACTS, most_categories=9, use_texts=False)
    np.testing.assert_array_equal(arrays.values, [[1.0, 0.0], [2.0, 9.0], [1.0, np.nan]])
