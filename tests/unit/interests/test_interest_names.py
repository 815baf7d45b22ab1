"""Names: of two categories, all different, kept while they are true."""

import pytest

from python_ml.interests.names import UNTOLD, category_words, name_interests


@pytest.mark.parametrize(
    ("category", "words"),
    [
        ("BAKED BREAD/BUNS/ROLLS", "baked bread"),
        ("Vegetables - all others", "vegetables"),
        ("Dinner mixes: dry", "dinner mixes"),
        ("FRZN PIZZA", "frozen pizza"),
        ("Hair care products", "hair care"),
        ("sports_leisure", "sports leisure"),
        ("electronics.smartphone", "electronics.smartphone"),
        ("Frozen", None),
        ("Miscellaneous/dairy", "dairy"),
        ("UNKNOWN", None),
        ("手机/数码", "手机"),
    ],
)
def test_words_of_a_category(category, words):
    assert category_words(category) == words


def test_a_name_is_of_the_two_most_telling_categories():
    listed = [["Baby foods", "Diapers", "Soap"], ["Candy - packaged", "Candy - checklane", "Soft drinks"]]
    assert name_interests(listed, [None, None]) == ["Baby foods & diapers", "Candy & soft drinks"]


def test_names_are_different():
    same = ["Tea", "Jam", "Milk"]
    # Pairs in the order of their places' sum: 0 + 1, 0 + 2, 1 + 2; then what is left is told apart by number.
    names = name_interests([same] * 6, [None] * 6)
    assert names == [
        "Tea & jam",
        "Tea & milk",
        "Jam & milk",
        "Tea & jam (2)",
        "Tea & jam (3)",
        "Tea & jam (4)",
    ]
    assert name_interests([[], [], ["Frozen"]], [None] * 3) == [UNTOLD, f"{UNTOLD} (2)", f"{UNTOLD} (3)"]
    assert name_interests([["Tea"]], [None]) == ["Tea"]


def test_a_name_stays_while_both_its_categories_are_listed():
    assert name_interests([["Milk", "Jam", "Tea", "Soap"]], ["Jam & soap"]) == ["Jam & soap"]
    assert name_interests([["Milk", "Jam", "Tea"]], ["Jam & soap"]) == ["Milk & jam"]
    # A new one does not take the name of one that keeps it, in whichever order its categories are now.
    listed = [["Tea", "Jam", "Milk"], ["Jam", "Tea", "Milk"]]
    assert name_interests(listed, [None, "Tea & jam"]) == ["Tea & milk", "Tea & jam"]
