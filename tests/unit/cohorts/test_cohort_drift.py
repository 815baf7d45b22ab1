"""Drift: by hand, by its laws, and by shops of which it is known whether they drift."""

from math import log, sqrt

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load, save

from python_ml.cohorts.drift import (
    DRIFT_SCHEMA,
    MIN_KNOWN,
    POINTS,
    Reference,
    distance_by_chance,
    fit_reference,
    measure_drift,
    stability_by_chance,
    stability_terms,
)
from python_ml.config import CohortConfig
from python_ml.errors import SettingError

CONFIG = CohortConfig()
SCALE = st.sampled_from([1e-3, 0.5, 1.0, 7.0, 1e4])


def one_cohort(users: int) -> np.ndarray:
    return np.zeros(users, dtype=int)


def drift_of(before: list[float] | np.ndarray, now: list[float] | np.ndarray, **limits: float) -> dict:
    """The row of one feature, "visits"."""
    before_N1, now_N1 = (np.array(values, dtype=float)[:, None] for values in (before, now))
    reference = fit_reference(before_N1, one_cohort(len(before_N1)), 1)
    found = measure_drift(
        reference, now_N1, one_cohort(len(now_N1)), ["visits"], ["c1"], CohortConfig(**limits)
    )
    return found.row(0, named=True)


def cohort_drift(before: list[int], now: list[int], **limits: float) -> list[dict]:
    """The rows of cohorts with these sizes, and no feature."""
    labels = [np.repeat(np.arange(len(sizes)), sizes) for sizes in (before, now)]
    empty = [np.zeros((len(each), 0)) for each in labels]
    reference = fit_reference(empty[0], labels[0], len(before))
    ids = [f"c{number}" for number in range(len(before))]
    return measure_drift(reference, empty[1], labels[1], [], ids, CohortConfig(**limits)).to_dicts()


def index(expected: list[float], actual: list[float], users: tuple[int, int] = (1000, 1000)) -> float:
    return stability_terms(np.array(expected), np.array(actual), *users).sum()


def test_index_by_hand():
    assert index([0.5, 0.5], [0.25, 0.75]) == pytest.approx(0.25 * log(2.0) + 0.25 * log(1.5))
    expected = (0.1 - 0.2) * log(0.1 / 0.2) + 0.0 + (0.6 - 0.5) * log(0.6 / 0.5)
    assert index([0.2, 0.3, 0.5], [0.1, 0.3, 0.6]) == pytest.approx(expected)


def test_an_empty_bin_counts_as_half_a_user():
    # Half of 100 users is 0.005, half of 50 is 0.01; nobody was or is in the last bin.
    expected = (0.9 - 1.0) * log(0.9) + (0.1 - 0.005) * log(0.1 / 0.005)
    assert index([1.0, 0.0, 0.0], [0.9, 0.1, 0.0], (100, 50)) == pytest.approx(expected)
    expected = (1.0 - 0.9) * log(1.0 / 0.9) + (0.01 - 0.1) * log(0.01 / 0.1)
    assert index([0.9, 0.1, 0.0], [1.0, 0.0, 0.0], (100, 50)) == pytest.approx(expected)


USERS_BY_BIN = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=1, max_size=8).filter(
    lambda pairs: all(sum(side) for side in zip(*pairs, strict=True))
)


@given(USERS_BY_BIN)
def test_index_is_the_same_both_ways_and_never_negative(pairs):
    before, now = (np.array(side, dtype=float) for side in zip(*pairs, strict=True))
    sizes = int(before.sum()), int(now.sum())
    one_way = stability_terms(before / sizes[0], now / sizes[1], *sizes)
    other_way = stability_terms(now / sizes[1], before / sizes[0], *reversed(sizes))
    np.testing.assert_allclose(one_way, other_way, rtol=1e-12, atol=1e-15)
    assert (one_way >= 0.0).all()
    assert not stability_terms(before / sizes[0], before / sizes[0], sizes[0], sizes[0]).any()


def test_a_feature_by_hand():
    """A quarter of the users stopped: 100 coins become 25 ones and 75 zeros."""
    row = drift_of([0.0, 1.0] * 50, [1.0] * 25 + [0.0] * 75)
    assert row["population_stability_index"] == pytest.approx(0.25 * log(1.5) + 0.25 * log(2.0))
    # A quarter of the users by 1, of a standard deviation of 1 / 2, on a grid of 101 points.
    assert row["wasserstein_distance"] == pytest.approx(0.5, abs=1 / 101)
    assert (row["reference_value"], row["current_value"]) == (0.5, 0.0)


def test_a_shift_is_told_in_standard_deviations():
    # Mean 5, variance (16 + 16) / 2: moved by 1, a quarter of a standard deviation.
    row = drift_of([1.0, 9.0] * 50, [2.0, 10.0] * 50)
    assert row["wasserstein_distance"] == pytest.approx(1 / 4)


def test_the_same_users_have_not_drifted():
    rng = np.random.default_rng(0)
    values_NF = np.column_stack([rng.normal(size=300), rng.poisson(1.0, 300), np.full(300, np.nan)])
    values_NF[:40, 0] = np.nan
    labels_N = rng.integers(3, size=300)
    found = measure_drift(
        fit_reference(values_NF, labels_N, 3), values_NF, labels_N, [*"abc"], [*"xyz"], CONFIG
    )
    assert found["population_stability_index"].to_list() == [0.0] * 6
    assert found["wasserstein_distance"].to_list() == [0.0, 0.0, None, None, None, None]
    assert found["reference_value"].equals(found["current_value"].alias("reference_value"), null_equal=True)
    assert (found["is_drifted"].any(), found["reason"].null_count()) == (False, 6)


def test_rows_are_features_then_cohorts_in_the_order_given():
    values_NF, labels_N = np.arange(20.0).reshape(10, 2), np.array([0, 1] * 5)
    reference = fit_reference(values_NF, labels_N, 2)
    found = measure_drift(reference, values_NF, labels_N, ["z", "a"], ["c7", "c2"], CONFIG)
    assert dict(found.schema) == DRIFT_SCHEMA
    assert found.select("subject_type", "subject_name").rows() == [
        ("feature", "z"),
        ("feature", "a"),
        ("cohort", "c7"),
        ("cohort", "c2"),
    ]
    for names, ids in ((["z"], ["c7", "c2"]), (["z", "a"], ["c7", "c2", "c3"])):
        with pytest.raises(ValueError, match="zip"):
            measure_drift(reference, values_NF, labels_N, names, ids, CONFIG)


def test_without_users_there_is_nothing_to_compare():
    reference = fit_reference(np.ones((40, 1)), one_cohort(40), 1)
    found = measure_drift(reference, np.zeros((0, 1)), one_cohort(0), ["visits"], ["c1"], CONFIG)
    assert (found.height, dict(found.schema)) == (0, DRIFT_SCHEMA)


@pytest.mark.parametrize(
    "values_NF",
    [
        np.column_stack([np.arange(50.0), np.repeat([0.0, 3.5], 25), np.full(50, np.nan)]),
        np.full((50, 2), np.nan),
        np.zeros((50, 0)),
    ],
)
def test_a_reference_comes_back_from_the_file_as_it_was(values_NF: np.ndarray):
    reference = fit_reference(values_NF, np.repeat([0, 1], 25), 2)
    kept = load(save(reference.arrays() | {"centres": np.ones(3)}))
    assert {name for name in kept if name != "centres"} == {name for name in kept if "reference." in name}
    back = Reference.from_arrays(kept)
    for name, array in reference.arrays().items():
        np.testing.assert_array_equal(back.arrays()[name], array, strict=True)


def test_a_value_most_share_has_a_bin_of_its_own():
    """8 of 10 have 0, the others 5 and 9: below 0, 0, up to 5, up to 9, 9 or more, unknown."""
    before = [0.0] * 80 + [5.0] * 10 + [9.0] * 10
    reference = fit_reference(np.array(before)[:, None], one_cohort(100), 1)
    assert reference.edges.tolist() == [[0.0, 0.0, 5.0]]
    assert reference.shares.tolist() == [[0.0, 0.8, 0.0, 0.2, 0.0]]
    row = drift_of(before, [0.0] * 50 + [5.0] * 40 + [9.0] * 10)
    assert row["population_stability_index"] == pytest.approx(
        (0.5 - 0.8) * log(0.5 / 0.8) + (0.5 - 0.2) * log(0.5 / 0.2)
    )
    assert "users with 5 or more from 20.0% to 50.0%" in row["reason"]


def test_a_tenth_and_no_more_is_not_a_tie():
    values_N = np.repeat(np.arange(10.0), 10)
    reference = fit_reference(values_N[:, None], one_cohort(100), 1)
    assert reference.edges.tolist() == [[float(value) for value in range(9)]]
    # Each edge opens the bin of its own value; nobody is below the first, 8 and 9 share the last.
    np.testing.assert_allclose(reference.shares, [[0.0] + [0.1] * 8 + [0.2, 0.0]])


def test_few_users_are_no_ties():
    reference = fit_reference(np.array([[1.0], [2.0], [2.0]]), one_cohort(3), 1)
    assert reference.edges.tolist() == [[1.0, 2.0, 2.0]]


def test_a_feature_that_did_not_vary():
    same = drift_of([0.3] * 100, [0.1 + 0.2] * 100)
    assert (same["population_stability_index"], same["wasserstein_distance"]) == (0.0, None)
    # 1 / 200 is half a user of 100.
    for value, words in ((0.2, "less than 0.3"), (0.4, "more than 0.3")):
        row = drift_of([0.3] * 100, [0.3] * 50 + [value] * 50)
        expected = (0.5 - 1.0) * log(0.5) + (0.5 - 0.005) * log(0.5 / 0.005)
        assert row["population_stability_index"] == pytest.approx(expected)
        assert (row["wasserstein_distance"], row["is_drifted"]) == (None, True)
        assert f"users with {words} from 0.0% to 50.0%" in row["reason"]


def test_what_becomes_unknown_has_drifted_and_what_becomes_known_too():
    unknown, known = [float("nan")] * 100, [1.0, 2.0] * 50
    lost, found = drift_of(known, unknown), drift_of(unknown, known)
    assert (lost["reference_value"], lost["current_value"], lost["wasserstein_distance"]) == (1.5, None, None)
    assert (found["reference_value"], found["current_value"], found["is_drifted"]) == (None, 1.5, True)
    assert lost["reason"].startswith(
        "visits: median from 1.5 to unknown, users with nothing known from 0.0% to 100.0%; population"
    )
    assert "median from unknown to 1.5" in found["reason"]
    nothing = drift_of(unknown, unknown)
    assert (nothing["population_stability_index"], nothing["reason"]) == (0.0, None)


def test_of_few_known_values_no_distance_is_told():
    def distance(known: int) -> float | None:
        values = [float(value) for value in range(known)] + [float("nan")] * 60
        return drift_of(values, [value + 5.0 for value in values])["wasserstein_distance"]

    assert distance(MIN_KNOWN - 1) is None
    assert distance(MIN_KNOWN) is not None


def test_values_beyond_all_that_were_seen():
    before = np.arange(1000.0)
    row = drift_of(before, before + 10_000.0)
    # All in the last of ten bins, the last of which held 900 to 999: nine empty ones of a tenth each.
    expected = 9 * (0.0005 - 0.1) * log(0.0005 / 0.1) + (1.0 - 0.1) * log(1.0 / 0.1)
    assert row["population_stability_index"] == pytest.approx(expected, rel=0.01)
    assert row["wasserstein_distance"] == pytest.approx(10_000.0 / before.std())
    assert (row["is_drifted"], row["current_value"]) == (True, pytest.approx(10_499.5))
    # Of one absurd value the index sees one user, the distance nothing.
    before[-1] = 1e12
    absurd = drift_of(np.arange(1000.0), before)
    assert (absurd["population_stability_index"], absurd["wasserstein_distance"]) == (0.0, 0.0)


def test_a_longer_tail_is_seen_by_the_distance_alone():
    """The tenth that spends most spends ten times as much; every bin holds who it held."""
    before = np.linspace(1.0, 2.0, 2000)
    now = np.where(before > 1.905, before * 10.0, before)
    row = drift_of(before, now)
    assert row["population_stability_index"] == 0.0
    assert row["is_drifted"] is True
    assert "stability" not in row["reason"]


@given(
    before=st.lists(st.integers(-20, 20), min_size=MIN_KNOWN, max_size=60),
    now=st.lists(st.integers(-20, 20), min_size=MIN_KNOWN, max_size=60),
    scale=SCALE,
    shift=st.integers(-50, 50),
)
def test_the_unit_of_a_feature_does_not_matter(before, now, scale, shift):
    plain = drift_of(before, now)
    other = drift_of(
        [scale * (value + shift) for value in before], [scale * (value + shift) for value in now]
    )
    for measure in ("population_stability_index", "wasserstein_distance"):
        assert (other[measure] is None) == (plain[measure] is None)
        assert (other[measure] or 0.0) == pytest.approx(plain[measure] or 0.0, rel=1e-6, abs=1e-9)
    assert other["is_drifted"] == plain["is_drifted"]


def test_limits_are_those_of_the_settings():
    before, now = np.arange(1000.0), np.arange(1000.0) + 200.0
    plain = drift_of(before, now)
    psi, distance = plain["population_stability_index"], plain["wasserstein_distance"]
    for limits, is_drifted in (
        ({"drift_psi": psi * 1.01, "drift_wasserstein": distance * 1.01}, False),
        ({"drift_psi": psi * 0.99, "drift_wasserstein": distance * 1.01}, True),
        ({"drift_psi": psi * 1.01, "drift_wasserstein": distance * 0.99}, True),
    ):
        row = drift_of(before, now, **limits)
        assert row["is_drifted"] is is_drifted
        assert (row["reason"] is not None) is is_drifted


@pytest.mark.parametrize("name", ["drift_psi", "drift_wasserstein", "drift_cohort_psi"])
def test_a_limit_below_zero_is_refused(name: str):
    with pytest.raises(SettingError, match=name):
        CohortConfig(**{name: -0.1})


def test_the_limit_of_cohorts_is_that_of_the_settings():
    # An index of 0.196, see below.
    assert [row["is_drifted"] for row in cohort_drift([400, 1600], [800, 1200], drift_cohort_psi=0.2)] == [
        False,
        False,
    ]


def test_cohorts_by_hand():
    grown, shrunk = cohort_drift([400, 1600], [800, 1200])
    expected = (0.4 - 0.2) * log(0.4 / 0.2) + (0.6 - 0.8) * log(0.6 / 0.8)
    for row in (grown, shrunk):
        assert row["population_stability_index"] == pytest.approx(expected)
        assert row["wasserstein_distance"] is None
        assert row["is_drifted"] is True
    assert (grown["reference_value"], grown["current_value"]) == (0.2, 0.4)
    assert grown["reason"] == (
        "share of users from 20.0% to 40.0%; population stability index 0.196 is over 0.1"
    )


def test_a_cohort_nobody_is_in_any_more():
    gone, stays = cohort_drift([300, 700], [0, 1000])
    expected = (0.0005 - 0.3) * log(0.0005 / 0.3) + (1.0 - 0.7) * log(1.0 / 0.7)
    assert gone["population_stability_index"] == pytest.approx(expected)
    assert (gone["current_value"], stays["current_value"], gone["is_drifted"]) == (0.0, 1.0, True)


def test_what_chance_explains_is_told_but_not_called_drift():
    # 12 of 30 instead of 6: the index is that of 800 of 2,000 instead of 400.
    few = cohort_drift([6, 24], [12, 18])[0]
    many = cohort_drift([400, 1600], [800, 1200])[0]
    assert few["population_stability_index"] == pytest.approx(many["population_stability_index"])
    assert (few["is_drifted"], many["is_drifted"]) == (False, True)
    assert "is over 0.1, but chance may bring about" in few["reason"]


def test_chance_by_hand():
    # The upper 5 % of chi-square: 3.841 with 1 degree of freedom, 16.919 with 9.
    assert stability_by_chance(2, 100, 50, 0.05) == pytest.approx((1 / 100 + 1 / 50) * 3.841, rel=1e-3)
    assert stability_by_chance(10, 100, 50, 0.05) == pytest.approx((1 / 100 + 1 / 50) * 16.919, rel=1e-3)
    assert stability_by_chance(1, 100, 50, 0.05) == 0.0
    # A coin: 0 up to the middle, then 1; the root of F (1 - F) is 1 / 2 over that whole step.
    coin = (POINTS > 0.5).astype(float)
    expected = sqrt(1 / 100 + 1 / 50) * (sqrt(2 / np.pi) / 2 + sqrt(2 * log(1 / 0.05)) / 2)
    assert distance_by_chance([coin, coin], [0.5, 0.5], [100, 50], 0.05) == pytest.approx(expected, rel=1e-3)
    # Of two samples the wider counts, whichever it is.
    for points, deviations in (([coin, 0.1 * coin], [0.5, 0.05]), ([0.1 * coin, coin], [0.05, 0.5])):
        assert distance_by_chance(points, deviations, [100, 50], 0.05) == pytest.approx(expected, rel=1e-3)


def shop(rng: np.random.Generator, users: int) -> tuple[np.ndarray, np.ndarray]:
    """Twelve features as shops have them, and cohorts from 40 % down to 5 %."""
    values = [
        rng.normal(size=users),
        rng.lognormal(0.0, 1.5, users),
        rng.standard_t(2, users),
        *(rng.poisson(mean, users) for mean in (0.2, 1.0, 20.0)),
        *(rng.gamma(1.0, 1.0, users) * (rng.random(users) < share) for share in (0.5, 0.2, 0.02)),
        *(np.where(rng.random(users) < share, rng.beta(0.3, 3.0, users), np.nan) for share in (0.9, 0.05)),
        np.ones(users),
    ]
    return np.column_stack(values), rng.choice(5, users, p=[0.4, 0.25, 0.2, 0.1, 0.05])


def shops_compared(now_of, users: int, runs: int) -> list[pl.DataFrame]:
    rng = np.random.default_rng(3)
    names, ids = [f"f{number}" for number in range(12)], [f"c{number}" for number in range(5)]
    found = []
    for _ in range(runs):
        reference = fit_reference(*shop(rng, users), 5)
        found.append(measure_drift(reference, *now_of(*shop(rng, users)), names, ids, CONFIG))
    return found


@pytest.mark.parametrize("users", [30, 200])
def test_two_samples_of_one_shop_are_seldom_called_drift(users: int):
    """Other users, the same shop: limits are passed, but an alarm is raised in about 1 run of 100."""
    found = shops_compared(lambda values_NF, labels_N: (values_NF, labels_N), users, runs=100)
    assert sum(each["is_drifted"].any() for each in found) <= 4
    assert sum(each["reason"].is_not_null().any() for each in found) >= 10


def test_a_shifted_feature_and_a_grown_cohort_are_found_and_no_other():
    def move(values_NF: np.ndarray, labels_N: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        values_NF[:, 0] += 1.0
        # A quarter of the others go into the cohort of 10 %, which then has a third of all users.
        goes = np.random.default_rng(1).random(len(labels_N)) < 0.25
        return values_NF, np.where(goes, 3, labels_N)

    for each in shops_compared(move, 3000, runs=5):
        assert each.filter("is_drifted")["subject_name"].to_list() == ["f0", "c3"]
