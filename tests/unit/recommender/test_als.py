"""Implicit ALS: users' vectors against a ridge solve worked by hand, and against the package that fits it."""

import json
from dataclasses import replace
from math import log

import numpy as np
import polars as pl
import pytest
import torch
from recommender_shop import AS_OF, BUYERS, recommend_items, rule_tables, shop_tables
from scipy import sparse

from python_ml import extras
from python_ml.config import RecommenderConfig
from python_ml.errors import ModelError, SettingError
from python_ml.recommender import als, ranking
from python_ml.recommender.als import Als, AlsSettings, extra_confidence, fold_in, is_installed
from python_ml.recommender.arrange import Arrangement
from python_ml.recommender.models import MODELS, grid, settings_from, settings_values
from python_ml.recommender.serve import serve

CPU = torch.device("cpu")
SETTINGS = AlsSettings(factors=2, l2=0.5, alpha=3.0, half_life_days=0.0, iterations=5)
needs_package = pytest.mark.skipif(not is_installed(), reason="needs the extra: pip install -e '.[als]'")
# Two items as unit vectors and one along the diagonal.
FACTORS = np.array([[1, 0], [0, 1], [1, 1]], np.float32)


def test_confidence_is_one_and_alpha_times_the_logarithm_of_decayed_counts(toy):
    # User 0 bought item 0 twice, 10 days ago and now.
    plain = extra_confidence(toy, SETTINGS, now=100.0)
    decayed = extra_confidence(toy, replace(SETTINGS, half_life_days=10.0), now=100.0)
    assert plain[0, 0] == pytest.approx(3 * log(1 + 2))
    assert decayed[0, 0] == pytest.approx(3 * log(1 + 1.5))


def test_a_user_is_the_ridge_solution_worked_by_hand():
    """Y'Y = [[2, 1], [1, 2]]; l2 = 1. The user has items 0 (confidence 1 + 2) and 2 (confidence 1 + 1).

    Y'(C - I)Y = 2 [[1, 0], [0, 0]] + 1 [[1, 1], [1, 1]] = [[3, 1], [1, 1]]; with Y'Y + I it is
    A = [[6, 2], [2, 4]].
    Y'Cp = 3 (1, 0) + 2 (1, 1) = (5, 2). det A = 20, A^-1 = [[4, -2], [-2, 6]] / 20: x = (16, 2) / 20.
    """
    extra = sparse.csr_matrix(np.array([[2, 0, 1], [0, 0, 0]], np.float32))
    users = fold_in(extra, FACTORS, 1.0)
    assert users == pytest.approx(np.array([[0.8, 0.1], [0.0, 0.0]]))
    model = Als(extra, torch.from_numpy(users), torch.from_numpy(FACTORS), 1.0)
    assert model.score(np.array([1, 0])).numpy() == pytest.approx(np.array([[0, 0, 0], [0.8, 0.1, 0.9]]))
    # Of item 1, y_1' A^-1 = (-2, 6) / 20: item 0 adds -2 / 20 x 3, item 2 adds 4 / 20 x 2.
    history, weight = model.explainer()(0, np.array([1, 2]))
    assert history.tolist() == [0, 2]
    assert weight[:, 0] == pytest.approx([-0.3, 0.4])
    assert weight[1, 1] == 0.0  # an item does not explain itself


def test_users_are_the_same_in_blocks_of_any_size(monkeypatch):
    draw = np.random.default_rng(0)
    extra = sparse.random(50, 20, 0.2, "csr", np.float32, random_state=1)
    factors = draw.standard_normal((20, 4), dtype=np.float32)
    whole = fold_in(extra, factors, 0.3)
    monkeypatch.setattr(als, "BLOCK_USERS", 7)
    assert fold_in(extra, factors, 0.3) == pytest.approx(whole)
    # And the dense formula as it is printed.
    for user in range(50):
        sure = np.diag(1.0 + extra[user].toarray()[0])
        wanted = (extra[user].toarray()[0] > 0).astype(float)
        solved = np.linalg.solve(factors.T @ sure @ factors + 0.3 * np.eye(4), factors.T @ sure @ wanted)
        assert whole[user] == pytest.approx(solved, abs=1e-5)


@pytest.mark.parametrize("block_users", [5, 100])
@pytest.mark.parametrize("list_name", ["for_you", "discover"])
def test_lists_are_those_of_a_full_sort(list_name, block_users, monkeypatch):
    """Whole numbers, so that products are exact and many tie: of equals, the lower item comes first."""
    monkeypatch.setattr(ranking, "GROUP", 4)
    draw = np.random.default_rng(0)
    users, items = (draw.integers(-2, 3, (count, 3)).astype(np.float32) for count in (37, 61))
    owned = sparse.random(37, 61, 0.3, "csr", np.float32, random_state=1)
    model = Als(owned, torch.from_numpy(users), torch.from_numpy(items), 1.0)
    asked = np.arange(36, 2, -1)
    plan = Arrangement(length=6)
    everything = np.ones(61, bool)
    lists = serve(model, asked, owned, everything, list_name=list_name, plan=plan, block_users=block_users)
    scores = (users @ items.T)[asked]
    if list_name == "discover":
        scores[owned[asked].toarray() > 0] = -np.inf
    expected = np.argsort(-scores, axis=1, kind="stable")[:, :6]
    assert lists.items.tolist() == expected.tolist()
    assert lists.scores.tolist() == np.take_along_axis(scores, expected, 1).tolist()


def test_what_was_saved_is_enough_and_needs_no_package(toy, monkeypatch):
    monkeypatch.setattr(als, "is_installed", lambda: False)
    saved = {"item_factors": np.array([[1, 0], [0, 1], [1, 1], [0, 0]], np.float32)}
    model = Als.restore(toy, SETTINGS, saved, now=100.0, device=CPU)
    expected = fold_in(extra_confidence(toy, SETTINGS, now=100.0), saved["item_factors"], 0.5)
    assert model.score(np.arange(3)).numpy() == pytest.approx(expected @ saved["item_factors"].T)
    assert model.arrays()["item_factors"].tolist() == saved["item_factors"].tolist()
    with pytest.raises(ModelError, match="not installed") as error:
        Als.fit(toy, SETTINGS, now=100.0, seed=0, device=CPU)
    assert "'.[als]'" in str(error.value)


def test_it_competes_where_its_package_is_installed():
    assert ("als" in MODELS) == is_installed()
    assert extras.version_of("numpy") == np.__version__
    assert extras.version_of("no-such-package-anywhere") is None


def test_settings_reach_the_model_and_come_back():
    config = RecommenderConfig(
        als_factors=(8,), als_l2=(0.1, 0.2), als_alphas=(3.0,), als_half_life_days=(4.0,), als_iterations=5
    )
    both = grid("als", config, 28)
    assert both == [
        AlsSettings(factors=8, l2=l2, alpha=3.0, half_life_days=4.0, iterations=5) for l2 in (0.1, 0.2)
    ]
    assert settings_from("als", json.loads(json.dumps(settings_values(both[0])))) == both[0]
    for wrong in ({"als_l2": (0.0,)}, {"als_factors": (0,)}, {"als_alphas": (-1.0,)}, {"als_iterations": 0}):
        with pytest.raises(SettingError, match=next(iter(wrong))):
            RecommenderConfig(**wrong)


@needs_package
def test_the_package_solves_the_same_equation():
    from implicit.cpu.als import AlternatingLeastSquares

    extra = sparse.random(30, 20, 0.2, "csr", np.float32, random_state=1)
    confidence = extra.copy()
    confidence.data += 1
    theirs = AlternatingLeastSquares(factors=4, regularization=0.3, num_threads=1)
    theirs.item_factors = np.random.default_rng(0).standard_normal((20, 4), dtype=np.float32)
    users = theirs.recalculate_user(np.arange(30), confidence)
    assert fold_in(extra, theirs.item_factors, 0.3) == pytest.approx(users, abs=1e-4)


@needs_package
def test_fitting_again_gives_the_same_and_unsold_items_score_nothing(toy):
    once, again = (Als.fit(toy, SETTINGS, now=101.0, seed=0, device=CPU) for _ in range(2))
    scores = once.score(np.arange(3)).numpy()
    assert scores.tolist() == again.score(np.arange(3)).numpy().tolist()
    assert (scores[:, 3] == 0).all()
    assert scores[0, 0] > scores[0, 2]  # bought against not bought


@needs_package
def test_a_champion_is_saved_and_restored(small_config, monkeypatch):
    """Lists from the saved item vectors are those of the run that fitted them, without the package."""
    tables = shop_tables()
    settings = AlsSettings(factors=4, l2=1.0, alpha=3.0, half_life_days=0.0, iterations=3)
    champions = pl.DataFrame(
        {
            "list_name": ["for_you", "discover"],
            "model_name": "als",
            "is_champion": True,
            "model_config": json.dumps(settings_values(settings)),
        }
    )
    given = {**tables, "model_evaluations": champions, "rules": rule_tables(), "config": small_config}
    given |= {"as_of": AS_OF, "device": "cpu", "seed": 0}
    fitted = recommend_items(**given)
    names = {"item_ids", "als.for_you.item_factors", "als.discover.item_factors"}
    assert set(fitted.weights) == names
    monkeypatch.setattr(als, "is_installed", lambda: False)
    restored = recommend_items(**given, trained=fitted.weights)
    assert restored.recommendations.equals(fitted.recommendations)
    warm = fitted.recommendations.filter(pl.col("user_id").is_in(BUYERS))
    assert set(warm["candidate_source"]) == {"als"}


@needs_package
def test_fitted_items_solve_the_equation_of_their_buyers(toy):
    """At the fixed point each side solves for the vectors of the other, under one confidence."""
    model = Als.fit(toy, replace(SETTINGS, iterations=300), now=101.0, seed=0, device=CPU)
    items = fold_in(model.extra.T.tocsr(), model.user_factors.numpy(), SETTINGS.l2)
    assert model.item_factors.numpy() == pytest.approx(items, abs=0.01)
