"""Which texts of a language model may stand."""

import string

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from python_ml.config import DescribeConfig
from python_ml.describe.check import reason_to_refuse
from python_ml.describe.claims import claims_of, names_in
from python_ml.describe.facts import CohortFacts, choose_facts
from python_ml.describe.numbers import is_told, read_numbers
from python_ml.describe.template import write_sentences
from tests.unit.describe.profiles import AGE, FUEL, LINES, ORDERS, PROFILE, RULE, attribute, feature, group

# 1,203 users, 24 % of all, 41 % of sales, 9.1 orders (4.2), 1,512 spent (1,861), 6.6 lines (10.3), fuel 20 %
# of spend and 2.8 times as usual, age 65+ 11 % (9 %); the rule has 10 %, 290, 83 % and 50 %.
FACTS = choose_facts(PROFILE, RULE, DescribeConfig())
OTHERS = ["Fuel shoppers", "Big-spending regulars", "Small-basket fuel shoppers (2)"]


def check(text: str, facts: CohortFacts = FACTS, longest: int = 5000) -> str | None:
    return reason_to_refuse(
        text, claims_of(facts), names=names_in(facts), other_cohorts=OTHERS, max_characters=longest
    )


@pytest.mark.parametrize(
    "text",
    [
        "Small-basket fuel shoppers are 1,203 customers, 24 % of all, and make 41% of sales.",
        "These 1 203 shoppers bring 0.41 of revenue.",
        "They place about 9 orders, more than the 4.2 of all customers.",
        "They spend 1,512 in total, against 1,861 for everybody else or others.",
        "They fill an order with 6.6 lines while 10.3 lines are usual.",
        "Fuel takes 20 per cent of what they spend, 2.8 times the usual share.",
        "They buy nearly three times the usual share of fuel.",
        "11 % of them are aged 65 or over, compared with 9 % overall.",
        "Age 65+ is 11 % of them.",
        "Half of the cohort is found by the rule, and 83 % of whom it selects belong to it.",
        "By the rule they have at least 290 order lines.",
        "They are loyal customers who come for fuel.",
        "这些顾客喜欢 fuel。",
        "“They place 9.1 orders.”",
    ],
)
def test_texts_that_may_stand(text: str):
    assert check(text) is None


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("They are 1,204 users.", "1,204"),
        ("They are 1.203 users.", "1.203"),
        ("They are 1,200 users.", "1,200"),
        ("They are 24.4 % of all users.", "24.4 %"),
        ("A quarter of all users are like them.", "A quarter"),
        ("They spend twice as much on fuel.", "twice"),
        ("They place ten orders.", "ten"),
        ("They are the second group of users.", "second"),
        ("In 2017 they came for fuel.", "2017"),
        ("They drive 500km to buy fuel.", "500"),
        ("They have 15-24K to spend.", "15"),
        ("They place 9.1 orders in 28 days.", "28"),
        ("They visit thousands of times.", "thousands"),
        ("They place 9 % of their orders here, more than usual, and 4 orders a week.", None),
        ("他们五次购买 fuel。", "五"),
        ("One in three users buys fuel.", "One in three"),
    ],
)
def test_a_number_that_is_not_of_the_facts(text: str, wrong: str | None):
    reason = check(text)
    assert reason is not None
    assert wrong is None or f'"{wrong}"' in reason


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("They spend 1,861 in total.", "1,861"),  # what all spend
        ("They spend 1,512 in total, and spend 1,861 in all.", "1,861"),
        ("They place 4.2 orders on average.", "4.2"),
        ("They spend 2.8 times the usual share.", "2.8"),  # of what?
        ("They place 41 % of orders with coupons.", "41 %"),  # of sales
        ("They visit 9.1 stores.", "9.1"),
    ],
)
def test_a_number_of_something_else(text: str, wrong: str):
    assert check(text) == f'the text says "{wrong}" of something else than the profile does'


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is empty"),
        (" \n", "is empty"),
        ("They buy fuel and", "is cut"),
        ("They buy fuel, see https://shop.example/fuel.", "address"),
        ("They buy fuel at fuel.com.", "address"),
        ("They buy **fuel**.", "markup"),
        ("They buy <b>fuel</b>.", "markup"),
        ("Here is a description:\n\nThey buy fuel.", "markup"),
        ("- They buy fuel.\n- They like it.", "markup"),
        ("They buy\x00 fuel.", "cannot be printed: U+0000"),
        ("They buy fuel. They like it. They buy fuel.", "repeats itself"),
        (
            "They buy fuel and they buy it more and more and they buy it more and more and they buy it more"
            " and more and they buy it more and more.",
            "repeats itself",
        ),
        ("他们喜欢油。他们喜欢油。", "repeats itself"),
        ("Big-spending regulars buy fuel.", 'another cohort: "Big-spending regulars"'),
        ("They are like small-basket fuel  shoppers (2).", "another cohort"),
    ],
)
def test_what_else_is_refused(text: str, reason: str):
    assert reason in (check(text) or "")


def test_too_long():
    assert check("They buy fuel.", longest=14) is None
    assert check("They buy fuel.", longest=13) == "the text has 14 characters, more than 13"


def test_the_own_name_may_hold_that_of_another():
    """ "Fuel shoppers" stands in "Small-basket fuel shoppers"."""
    assert check("Small-basket fuel shoppers place 9.1 orders.") is None
    assert 'another cohort: "Fuel shoppers"' in (check("Fuel shoppers place 9.1 orders.") or "")


def test_digits_of_a_name_are_no_numbers_and_lend_none():
    facts = choose_facts([ORDERS, dict(FUEL, attribute_label="7 up")], None, DescribeConfig())
    assert check("They spend 20 % on 7 Up.", facts) is None
    assert check("They place 7 orders.", facts) == 'the text says "7", which is no number of the profile'


def test_a_name_that_is_a_number_is_one():
    facts = choose_facts([ORDERS, dict(FUEL, attribute_label="12")], None, DescribeConfig())
    assert check("They spend 20 % on 12.", facts) is None
    assert check("They spend 20 % on 13.", facts) is not None


LABELS = st.text(alphabet=string.ascii_lowercase + "é水果 -/&", min_size=4, max_size=20).map(
    lambda text: f"x{text}x"
)
VALUES = st.floats(0, 1e6, allow_nan=False).map(lambda value: round(value, 4))
SHARES = st.floats(0.01, 1.0)


@st.composite
def profiles(draw) -> CohortFacts:
    """Facts with any numbers, and names in any script."""
    size = {
        "user_count": draw(st.integers(1, 10**7)),
        "user_share": draw(SHARES),
        "sales_share": draw(st.none() | SHARES),
    }
    names = ["order_count", "monetary_amount", "recency_days", "coupon_order_share", "page_view_count"]
    rows = [
        feature(name, draw(SHARES if "share" in name else VALUES), draw(st.none() | SHARES), 1.0, **size)
        for name in names
    ]
    labels = draw(st.lists(LABELS, min_size=3, max_size=3, unique=True))
    rows += [group(label, draw(SHARES), draw(SHARES), **size) for label in labels[:2]]
    rows.append(attribute("region", f"in {labels[2]}", draw(SHARES), draw(SHARES), "location", **size))
    rule = draw(st.none() | st.just(RULE))
    return choose_facts(rows, rule, DescribeConfig())


@given(profiles())
def test_the_template_passes_its_own_check(facts: CohortFacts):
    assert check(" ".join(write_sentences(facts)), facts) is None


@given(profiles(), st.data())
def test_any_of_the_facts_in_any_order_pass_and_one_more_number_does_not(facts: CohortFacts, data):
    sentences = data.draw(st.permutations(write_sentences(facts)))
    kept = sentences[: data.draw(st.integers(1, len(sentences)))]
    assert check(" ".join(kept), facts) is None
    extra = data.draw(st.sampled_from(["{:,}", "{:,} %", "about {}.5", "{}th", "{}K"])).format(
        data.draw(st.integers(2, 10**9))
    )
    (number,) = read_numbers(extra)
    told = [told for claim in claims_of(facts) for told in read_numbers(claim.numbers)]
    assume(not is_told(number, told))
    place = data.draw(st.integers(0, len(kept)))
    spoiled = [*kept[:place], f"They place {extra} orders.", *kept[place:]]
    assert check(" ".join(spoiled), facts) is not None


def test_lines_of_another_subject_stay_untold():
    """The facts that were not chosen lend no number either."""
    facts = choose_facts([ORDERS, LINES, AGE], None, DescribeConfig(behaviour_count=0, attribute_count=0))
    assert check("They have 6.6 lines in an order.", facts) is not None
