"""Names: true, unique, readable, for any shop."""

from hypothesis import given
from hypothesis import strategies as st

from python_ml.cohorts.labels import feature_label, group_label, short_group_label
from python_ml.cohorts.names import NOT_YET_BUYING, CohortFacts, name_cohorts, true_traits
from python_ml.cohorts.traits import TRAITS

LIMITS = {"min_sd": 0.3, "min_lift": 1.25, "min_share": 0.02}


def name_one(z_scores: dict[str, float], departments: dict[str, tuple[float, float]] | None = None) -> str:
    return name_cohorts([CohortFacts(z_scores, departments or {})], **LIMITS)[0].text


def test_trait_department_noun():
    assert (
        name_one({"monetary_amount": 0.9, "order_count": 0.8}, {"FUEL": (0.2, 2.0)})
        == "Big-spending fuel regulars"
    )
    assert (
        name_one({"monetary_amount": -0.9, "order_count": -0.4}, {"TOYS": (0.2, 2.0)})
        == "Light-spending toys shoppers"
    )


def test_two_traits_without_a_department():
    z_scores = {
        "coupon_order_share": 1.0,
        "coupon_discount_share": 1.1,
        "saturday_order_share": 0.8,
        "sunday_order_share": 0.6,
    }
    assert name_one(z_scores) == "Coupon-keen weekend shoppers"


def test_a_trait_needs_all_its_features_on_its_side():
    words = [
        trait.word for trait in true_traits({"saturday_order_share": 2.0, "sunday_order_share": 0.1}, 0.3)
    ]
    assert words == []
    words = [trait.word for trait in true_traits({"saturday_order_share": 2.0}, 0.3)]
    assert words == ["Weekend"]


def test_small_and_unsupported_departments_are_not_named():
    assert name_one({"monetary_amount": 0.9}, {"SPIRITS": (0.01, 9.0)}) == "Big-spending shoppers"
    assert name_one({"monetary_amount": 0.9}, {"SPIRITS": (0.5, 1.2)}) == "Big-spending shoppers"
    assert name_one({"monetary_amount": 0.9}, {"MISCELLANEOUS": (0.5, 3.0)}) == "Big-spending shoppers"


def test_the_department_that_moves_most_spend_is_named():
    # 0.02 x log 3 = 0.022 against 0.30 x log 1.5 = 0.12.
    assert (
        name_one({"monetary_amount": 0.9}, {"FLORAL": (0.02, 3.0), "MEAT": (0.3, 1.5)})
        == "Big-spending meat shoppers"
    )


def test_nothing_remarkable():
    assert name_one({"monetary_amount": 0.1, "order_count": -0.29}) == "Typical shoppers"


def test_of_whom_nothing_may_be_told_the_name_claims_nothing():
    untold = CohortFacts({}, {})
    names = name_cohorts([untold, untold], ["Big-spending fuel regulars", None], **LIMITS)
    assert [name.text for name in names] == ["Other shoppers", "Other shoppers (2)"]
    assert all(not (name.traits or name.department or name.feature) for name in names)
    kept = name_cohorts([untold, untold], ["Other shoppers (2)", None], **LIMITS)
    assert [name.text for name in kept] == ["Other shoppers (2)", "Other shoppers"]


def test_features_nobody_knows_still_give_a_readable_name():
    assert name_one({"page_view_count": 1.5}) == "Shoppers with high page view"
    assert (
        name_one({"page_view_count": 0.5, "returned_line_share": -2.0})
        == "Shoppers with low share of returned line"
    )


def test_twins_get_different_names():
    twin = CohortFacts(
        {"monetary_amount": 0.9, "mean_order_lines": 0.5, "mean_order_units": 0.5}, {"MEAT": (0.3, 1.5)}
    )
    names = [name.text for name in name_cohorts([twin] * 8, **LIMITS)]
    assert names[:2] == ["Big-spending meat shoppers", "Big-basket meat shoppers"]
    assert len(set(names)) == 8


def test_a_name_is_kept_for_as_long_as_it_is_true():
    meat = CohortFacts({"monetary_amount": 0.9}, {"MEAT": (0.3, 1.5), "FUEL": (0.2, 1.4)})
    assert [name.text for name in name_cohorts([meat], **LIMITS)] == ["Big-spending meat shoppers"]
    kept = name_cohorts([meat, meat], [None, "Big-spending meat shoppers"], **LIMITS)
    assert [name.text for name in kept] == ["Big-spending fuel shoppers", "Big-spending meat shoppers"]
    # No more true: nobody of them buys much fuel now.
    plain = CohortFacts({"monetary_amount": 0.9}, {"MEAT": (0.3, 1.5)})
    changed = name_cohorts([plain], ["Big-spending fuel shoppers"], **LIMITS)
    assert [name.text for name in changed] == ["Big-spending meat shoppers"]


def test_a_number_that_wavers_about_a_limit_renames_nobody():
    def next_name(before: str | None, z: float, lift: float = 1.0) -> str:
        facts = CohortFacts({"monetary_amount": z}, {"MEAT": (0.3, lift)})
        return name_cohorts([facts], [before], **LIMITS)[0].text

    # 0.3 standard deviations are needed for the claim, and half of it to keep it.
    assert next_name(None, 0.2) == "Typical shoppers"
    assert next_name("Big-spending shoppers", 0.2) == "Big-spending shoppers"
    assert next_name("Big-spending shoppers", 0.14) == "Typical shoppers"
    # Who was typical is so up to 0.45.
    assert next_name("Typical shoppers", 0.44) == "Typical shoppers"
    assert next_name("Typical shoppers", 0.46) == "Big-spending shoppers"
    # A lift of 1.25 is needed, and 1.125 kept.
    assert next_name("Big-spending meat shoppers", 0.4, 1.13) == "Big-spending meat shoppers"
    assert next_name("Big-spending meat shoppers", 0.4, 1.12) == "Big-spending shoppers"


FEATURES = sorted({feature for trait in TRAITS for feature in trait.features} | {"page_view_count", "x"})
FACTS = st.builds(
    CohortFacts,
    st.dictionaries(st.sampled_from(FEATURES), st.floats(-3, 3)),
    st.dictionaries(
        st.sampled_from(["MEAT", "FUEL", "Damen Schuhe", "蔬菜", "MISC SALES TRAN", " "]),
        st.tuples(st.floats(0, 1), st.floats(0, 9)),
    ),
)


@given(st.lists(FACTS, max_size=15))
def test_names_are_unique_and_every_claim_is_true(facts):
    names = name_cohorts(facts, **LIMITS)
    texts = [name.text for name in names]
    assert len(set(texts)) == len(facts)
    assert NOT_YET_BUYING not in texts
    for name, cohort in zip(names, facts, strict=True):
        assert name.text.strip() == name.text
        for trait in name.traits:
            assert trait.word.lower() in name.text.lower()
            known = [cohort.z_scores[feature] for feature in trait.features if feature in cohort.z_scores]
            assert known
            assert all(trait.sign * z >= 0.3 for z in known)
        if name.department is not None:
            share, lift = cohort.departments[name.department]
            assert share >= 0.02
            assert lift >= 1.25
        if name.feature is not None:
            feature, sign = name.feature
            assert sign * cohort.z_scores[feature] >= 0.3


def test_no_family_says_two_opposite_things():
    z_scores = {feature: 1.0 for feature in FEATURES}
    families = [trait.family for trait in true_traits(z_scores, 0.3)]
    assert len(families) == len(set(families))


def test_labels():
    assert feature_label("monetary_amount") == "total spend"
    assert feature_label("saturday_order_share") == "share of orders on Saturdays"
    assert feature_label("morning_order_share") == "share of orders: morning"
    assert feature_label("basket_margin_amount") == "basket margin"
    assert group_label("DRUG GM") == "drugstore and general merchandise"
    assert (
        short_group_label("DRUG GM") == short_group_label("Drugstore and general merchandise") == "drugstore"
    )
    assert group_label("FRZN MEAT/MEAT DINNERS") == "frozen meat/meat dinners"
    assert group_label("  Damen   Schuhe ") == "damen schuhe"
    assert group_label("PRODUCE") == "produce"
