"""k-means by blocks: what scikit-learn finds, by the laws of k-means, and examples worked by hand."""

import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hypothesis_numpy
from sklearn.cluster import KMeans, kmeans_plusplus

from python_ml.cohorts import kmeans
from python_ml.cohorts.kmeans import KMeansFit, assign_to_centres, fit_kmeans, fit_minibatch_kmeans
from python_ml.errors import ModelError

CPU = torch.device("cpu")
# Whole numbers: float32 squares and sums of them are exact, so the nearest centre is beyond doubt.
GRID = st.integers(-20, 20).map(float)


def groups(users: int = 900, dimensions: int = 5, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Float32 points of six groups that touch, and the group of each."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(6, size=users)
    centres = 2.0 * rng.normal(size=(6, dimensions))
    return (centres[truth] + rng.normal(size=(users, dimensions))).astype(np.float32), truth


def fit(points_NS: np.ndarray, count: int, **options) -> KMeansFit:
    return fit_kmeans(points_NS, count, **({"device": CPU, "seed": 0} | options))


def grids(rows: int) -> st.SearchStrategy[np.ndarray]:
    return hypothesis_numpy.arrays(np.float32, st.tuples(st.integers(1, rows), st.just(3)), elements=GRID)


# --- Against scikit-learn


@pytest.mark.parametrize("iterations", [1, 3, 100])
@pytest.mark.parametrize("shift", [0.0, 1000.0])
def test_the_same_start_ends_where_scikit_learn_ends(iterations: int, shift: float):
    points_NS, _ = groups()
    points_NS = points_NS + np.float32(shift)
    options = {"n_init": 1, "algorithm": "lloyd", "max_iter": iterations}
    theirs = KMeans(6, init=points_NS[:6].astype(np.float64), **options).fit(points_NS.astype(np.float64))
    ours = fit(points_NS, 6, init=points_NS[:6], max_iterations=iterations)
    np.testing.assert_allclose(ours.centres, theirs.cluster_centers_, atol=2e-5 * (1.0 + shift / 100.0))
    np.testing.assert_allclose(ours.inertia, theirs.inertia_, rtol=1e-5)
    assert ours.labels.tolist() == theirs.labels_.tolist()
    assert ours.iterations == theirs.n_iter_


def test_seeds_are_as_good_as_those_of_scikit_learn():
    """Over 40 draws greedy k-means++ costs no more than theirs, and random users cost far more."""
    points_NS, _ = groups(seed=3)

    def cost(centres_CS: np.ndarray) -> float:
        return float(np.square(assign_to_centres(points_NS, centres_CS, device=CPU)[1]).sum())

    ours = [cost(fit(points_NS, 6, seed=seed, max_iterations=0).centres) for seed in range(40)]
    theirs = [cost(kmeans_plusplus(points_NS, 6, random_state=seed)[0]) for seed in range(40)]
    rng = np.random.default_rng(0)
    random = [cost(rng.choice(points_NS, 6, replace=False)) for _ in range(40)]
    assert np.mean(ours) < 1.05 * np.mean(theirs)
    assert np.mean(ours) < 0.8 * np.mean(random)


# --- Laws


@given(points_NS=grids(30), centres_CS=grids(6), block=st.integers(1, 40))
def test_everybody_gets_the_nearest_centre(points_NS: np.ndarray, centres_CS: np.ndarray, block: int):
    labels_N, distances_N = assign_to_centres(points_NS, centres_CS, device=CPU, block=block)
    all_NC = np.linalg.norm(points_NS[:, None].astype(np.float64) - centres_CS, axis=2)
    np.testing.assert_allclose(distances_N, all_NC.min(axis=1), rtol=1e-6, atol=1e-5)
    own_N = all_NC[np.arange(len(points_NS)), labels_N]
    np.testing.assert_allclose(own_N, all_NC.min(axis=1), rtol=1e-5, atol=1e-5)


@given(points_NS=grids(40), count=st.integers(1, 4), seed=st.integers(0, 99))
def test_a_centre_is_the_mean_of_its_users_and_the_nearest_to_them(
    points_NS: np.ndarray, count: int, seed: int
):
    if len(np.unique(points_NS, axis=0)) < count:
        with pytest.raises(ModelError, match="cannot form"):
            fit(points_NS, count, seed=seed)
        return
    found = fit(points_NS, count, seed=seed, tolerance=0.0)
    for label in range(count):
        np.testing.assert_allclose(found.centres[label], points_NS[found.labels == label].mean(0), atol=1e-4)
    squares_NC = np.square(points_NS[:, None] - found.centres).sum(axis=2)
    np.testing.assert_allclose(found.inertia, squares_NC.min(axis=1).sum(), rtol=1e-5, atol=1e-3)


def test_inertia_never_rises():
    points_NS, _ = groups()
    inertias = [
        fit(points_NS, 8, init=points_NS[:8], max_iterations=passes, tolerance=0.0).inertia
        for passes in range(15)
    ]
    assert all(after <= before for before, after in pairwise(inertias))
    assert inertias[-1] < 0.9 * inertias[0]


@pytest.mark.parametrize("block", [1, 7, 64, 10_000])
def test_the_size_of_blocks_changes_nothing(block: int):
    points_NS, _ = groups()
    whole, parts = (fit(points_NS, 6, init=points_NS[:6], block=size) for size in (None, block))
    np.testing.assert_allclose(parts.centres, whole.centres, rtol=1e-9, atol=1e-9)
    assert parts.labels.tolist() == whole.labels.tolist()
    assert parts.iterations == whole.iterations


def test_the_order_of_users_changes_nothing():
    points_NS, _ = groups()
    order = np.random.default_rng(1).permutation(len(points_NS))
    straight, mixed = (fit(rows, 6, init=points_NS[:6]) for rows in (points_NS, points_NS[order]))
    np.testing.assert_allclose(mixed.centres, straight.centres, rtol=1e-9, atol=1e-9)
    assert mixed.labels.tolist() == straight.labels[order].tolist()


@pytest.mark.parametrize("fitted_by", [fit_kmeans, fit_minibatch_kmeans])
def test_the_same_seed_gives_the_same_bits(fitted_by, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(kmeans, "SAMPLE_USERS", 500)  # so that a sample is drawn too
    points_NS, _ = groups()
    first, second, other = (fitted_by(points_NS, 6, device=CPU, seed=seed) for seed in (4, 4, 5))
    assert first.centres.tobytes() == second.centres.tobytes()
    assert first.labels.tobytes() == second.labels.tobytes()
    assert first.inertia == second.inertia
    assert other.centres.tobytes() != first.centres.tobytes()


# --- By hand


def test_a_cluster_without_users_gets_the_farthest_one():
    """On a line: 0, 1 and 10 are nearest to the centre 0; 100 is nobody's. So 10 leaves for the second
    centre, the centres are (0 + 1) / 2 and 10, and nothing moves after that: inertia 0.25 + 0.25.
    """
    points_NS = np.array([[0.0], [1.0], [10.0]], dtype=np.float32)
    found = fit(points_NS, 2, init=np.array([[0.0], [100.0]]))
    assert found.centres.tolist() == [[0.5], [10.0]]
    assert found.labels.tolist() == [0, 0, 1]
    assert found.inertia == 0.25 + 0.25
    assert found.iterations == 2


def test_the_only_user_of_a_cluster_is_not_taken_from_it():
    """Nearest: 0, 1, 2 to the centre 1; 60 to 40; nobody to 500. 60 is farthest (20), but alone; of the
    others 0 and 2 are farthest (1), and one of them goes.
    """
    points_NS = np.array([[0.0], [1.0], [2.0], [60.0]], dtype=np.float32)
    found = fit(points_NS, 3, init=np.array([[1.0], [40.0], [500.0]]), max_iterations=1)
    assert found.centres[1].tolist() == [60.0]
    assert found.centres[2, 0] in (0.0, 2.0)


def test_restarts_keep_the_best():
    points_NS, _ = groups(seed=5)
    generator = np.random.default_rng(0)
    users = kmeans._Users.place(points_NS, CPU, None)
    starts = [kmeans._seed(users, 9, generator).numpy() + users.offset.numpy() for _ in range(4)]
    inertias = [fit(points_NS, 9, init=start_CS).inertia for start_CS in starts]
    np.testing.assert_allclose(fit(points_NS, 9, restarts=4).inertia, min(inertias), rtol=1e-6)
    assert min(inertias) < inertias[0]


def test_a_sample_starts_and_everybody_finishes(monkeypatch: pytest.MonkeyPatch):
    points_NS, _ = groups(users=3000)
    whole = fit(points_NS, 6, restarts=5)
    monkeypatch.setattr(kmeans, "SAMPLE_USERS", 400)
    started = fit(points_NS, 6, restarts=5)
    assert len(started.labels) == 3000
    np.testing.assert_allclose(started.inertia, whole.inertia, rtol=0.01)
    one_pass = fit(points_NS, 6, restarts=5, max_iterations=1)
    assert one_pass.iterations == 1
    np.testing.assert_allclose(one_pass.inertia, whole.inertia, rtol=0.02)


def test_mini_batches_come_close():
    points_NS, _ = groups(users=3000)
    whole = fit(points_NS, 6, init=points_NS[:6])
    rough = fit_minibatch_kmeans(points_NS, 6, device=CPU, seed=0, batch=256, steps=200, init=points_NS[:6])
    assert rough.iterations == 200
    assert whole.inertia <= rough.inertia < 1.05 * whole.inertia


def test_batches_by_hand():
    """Users at 0 and 8 only: whatever is drawn, the centres near them are their means, and the third, whom
    nobody is near, stays.
    """
    points_NS = np.array([[0.0], [8.0], [8.0]], dtype=np.float32)
    start_CS = np.array([[1.0], [7.0], [99.0]])
    found = fit_minibatch_kmeans(points_NS, 3, device=CPU, seed=1, batch=50, steps=2, init=start_CS)
    np.testing.assert_allclose(found.centres, [[0.0], [8.0], [99.0]], atol=1e-5)
    assert found.labels.tolist() == [0, 1, 1]


@pytest.mark.parametrize("kind", [np.float64, np.float32])
def test_points_may_be_read_only_and_of_any_float(kind):
    points_NS, _ = groups()
    given_NS = points_NS.astype(kind)
    given_NS.flags.writeable = False
    assert fit(given_NS, 6).labels.tolist() == fit(torch.from_numpy(points_NS), 6).labels.tolist()


# --- What cannot be clustered


@pytest.mark.parametrize(
    ("points_NS", "said"),
    [
        (np.zeros((0, 2)), "0 users cannot form 3 clusters"),
        (np.eye(2), "2 users cannot form 3 clusters"),
        (np.repeat(np.eye(2), 9, axis=0), "2 kinds of users cannot form 3 clusters"),
        (np.full((5, 2), 0.1), "1 kinds of users cannot form 3 clusters"),
        (np.array([[0.0], [1.0], [np.nan], [2.0]]), "a number is missing, infinite"),
        (np.array([[0.0], [1.0], [np.inf], [2.0]]), "a number is missing, infinite"),
    ],
)
@pytest.mark.parametrize("fitted_by", [fit_kmeans, fit_minibatch_kmeans])
def test_what_cannot_be_clustered_is_said(fitted_by, points_NS: np.ndarray, said: str):
    with pytest.raises(ModelError, match=said):
        fitted_by(points_NS, 3, device=CPU, seed=0)


def test_too_few_kinds_of_users_are_said_with_a_start_too():
    points_NS = np.repeat(np.eye(2), 9, axis=0)
    with pytest.raises(ModelError, match="2 kinds of users cannot form 3 clusters"):
        fit(points_NS, 3, init=np.array([[0.0, 1.0], [1.0, 0.0], [5.0, 5.0]]))


def test_users_who_differ_by_less_than_rounding_still_start_apart():
    points_NS = np.array([[1.0], [1.0 + 2**-20], [-1.0]], dtype=np.float32).repeat(4, axis=0)
    found = fit(points_NS, 3)
    assert len(np.unique(found.centres)) == 3


def test_it_imports_without_frames_or_warehouse():
    names = ("polars", "duckdb", "dbt", "dagster", "sklearn")
    code = f"import sys; sys.modules.update(dict.fromkeys({names})); import python_ml.cohorts.kmeans"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_gpu_finds_what_the_processor_finds():
    points_NS, _ = groups(users=20_000)
    here, there, again = (
        fit(points_NS, 6, init=points_NS[:6], device=torch.device(name)) for name in ("cpu", "cuda", "cuda")
    )
    np.testing.assert_allclose(there.centres, here.centres, atol=1e-4)
    np.testing.assert_allclose(there.inertia, here.inertia, rtol=1e-5)
    assert there.centres.tobytes() == again.centres.tobytes()
