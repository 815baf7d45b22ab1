"""Descriptions of cohorts, and what becomes of a language model's text."""

import random

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from python_ml.config import DescribeConfig
from python_ml.describe.build import Writer, describe_cohorts
from python_ml.describe.language_model import Answer
from python_ml.errors import ContractError, SettingError
from tests.unit.describe.profiles import PROFILE, RULE

PROFILES = pl.DataFrame(
    [*PROFILE, *(dict(row, cohort_id="c2", cohort_name="Fuel regulars") for row in PROFILE)]
)
RULES = pl.DataFrame([RULE])
NAMES = pl.DataFrame(
    {
        "cohort_id": ["c1", "c2", "c3"],
        "cohort_name": ["Small-basket fuel shoppers", "Fuel regulars", "Other shoppers"],
    }
)


def describe(answer: Answer | None = None, **settings) -> pl.DataFrame:
    writer = None if answer is None else Writer("tiny#1", lambda prompt: answer)
    return describe_cohorts(PROFILES, RULES, NAMES, DescribeConfig(**settings), writer)


def test_a_cohort_with_a_profile_has_a_description_and_no_other():
    described = describe()
    assert described["cohort_id"].to_list() == ["c1", "c2"]
    assert described["description_source"].unique().to_list() == ["template"]
    assert described["language_model"].null_count() == described["refused_text_reason"].null_count() == 2
    first, second = described["description"]
    assert first.startswith(
        "1,203 users (24 % of all), who make 41 % of sales. On average they place 9.1 orders"
    )
    assert ("The rule" in first, "The rule" in second) == (True, False)


def test_the_order_of_rows_does_not_count():
    rows = PROFILES.to_dicts()
    random.Random(0).shuffle(rows)
    mixed = describe_cohorts(pl.DataFrame(rows), RULES, NAMES[::-1], DescribeConfig())
    assert_frame_equal(mixed, describe())


def test_a_shop_without_profiles():
    described = describe_cohorts(PROFILES.clear(), RULES.clear(), NAMES, DescribeConfig())
    assert described.is_empty()
    assert described.schema == describe().schema


def test_a_text_that_passes_stands():
    described = describe(Answer("They place 9.1 orders,\nmore than the 4.2 of all.  Fuel is what they want."))
    assert described["description"][0] == (
        "They place 9.1 orders, more than the 4.2 of all. Fuel is what they want."
    )
    assert described["description_source"].to_list() == ["model", "model"]
    assert described["language_model"].to_list() == ["tiny#1", "tiny#1"]
    assert described["refused_text_reason"].null_count() == 2


def test_a_text_may_name_its_own_cohort():
    def write(prompt: str) -> Answer:
        (name,) = (name for name in NAMES["cohort_name"] if f'"{name}"' in prompt)
        return Answer(f"{name} place 9.1 orders.")

    described = describe_cohorts(PROFILES, RULES, NAMES, DescribeConfig(), Writer("tiny#1", write))
    assert described["description_source"].to_list() == ["model", "model"]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer("They place 9.2 orders."), 'the text says "9.2", which is no number of the profile'),
        (Answer("They place 9.1 orders", "the text is cut after 5 tokens"), "the text is cut after 5 tokens"),
        (Answer("Other shoppers place 9.1 orders."), 'the text names another cohort: "Other shoppers"'),
    ],
)
def test_a_text_that_is_refused_leaves_the_template(answer: Answer, reason: str):
    described = describe(answer)
    assert described["refused_text_reason"].to_list() == [reason, reason]
    assert_frame_equal(described.drop("refused_text_reason"), describe().drop("refused_text_reason"))


def test_the_model_sees_the_facts_of_one_profile_alone():
    prompts = []

    def write(prompt: str) -> Answer:
        prompts.append(prompt)
        return Answer("")

    secret = PROFILES.with_columns(user_id=pl.lit("0022e932"), z_score=pl.lit(0.987654))
    rules = RULES.with_columns(rule_sql=pl.lit("SELECT user_id FROM user_features"))
    described = describe_cohorts(secret, rules, NAMES, DescribeConfig(), Writer("tiny#1", write))
    assert len(prompts) == 2
    for prompt, description in zip(prompts, described["description"], strict=True):
        facts = [line.removeprefix("- ") for line in prompt.splitlines() if line.startswith("- ")]
        assert " ".join(facts) == description
        assert not any(hidden in prompt for hidden in ("0022e932", "SELECT", "c1", "0.98", "Other shoppers"))
    assert "Small-basket fuel shoppers" in prompts[0]
    assert "Small-basket" not in prompts[1]


def test_a_longer_text_than_the_setting_is_refused():
    (reason, _) = describe(Answer("They buy fuel."), max_characters=13)["refused_text_reason"]
    assert reason == "the text has 14 characters, more than 13"


def test_a_table_without_a_column_is_named():
    with pytest.raises(ContractError, match="column lift is missing") as caught:
        describe_cohorts(PROFILES.drop("lift"), RULES, NAMES, DescribeConfig())
    assert caught.value.where == "cohort_profiles"


@pytest.mark.parametrize("values", [{"model": " "}, {"min_lift": 0.9}, {"max_new_tokens": 0}])
def test_settings_out_of_range_are_refused(values: dict):
    with pytest.raises(SettingError, match=next(iter(values))):
        DescribeConfig(**values)
