"""k-means for tens of millions of users, on a processor or an accelerator; needs numpy and torch alone.

Lloyd's algorithm: users are compared with centres by blocks, one matrix product a block, and the sums of a
cluster change by the users who changed cluster, not by everybody. Sums have one order on one machine (no
atomic additions), so the same seed gives the same bits there.

Where no start is given, restarts are made on a uniform sample of users, and the best goes on with everybody,
as in Bradley and Fayyad, "Refining initial points for k-means clustering", 1998.

Bounds that spare users a look (Hamerly, "Making k-means even faster", 2010, with one gap a user) were tried
and lost: knowing the second nearest centre doubles the price of a look, and on 64 dimensions a quarter to all
of the users had to be looked at in each of the first fifty passes.

Shapes: N users, S dimensions, C clusters, T trials of a seed, B users of a block, M users who move. Memory
beyond the points: 16 bytes a user, 16 more for each who moves, and a few blocks of B x (C + 2 S) numbers.
Points of another type than float32 are copied to it, and points are copied to an accelerator, once.
"""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from python_ml.errors import ModelError

SAMPLE_USERS, SAMPLE_ITERATIONS = 2**17, 100
CPU_BLOCK, ACCELERATOR_BLOCK = 2**11, 2**18
# Error of a squared distance, as a share of the squares it is the difference of: some eight float32 steps.
ROUNDING = 1e-6


@dataclass(frozen=True, slots=True)
class KMeansFit:
    """A fitted k-means.

    Args:
        centres: float64 (C, S).
        labels: int64 (N,), position of the nearest centre of each user.
        inertia: sum of squared distances to the nearest centre.
        iterations: passes over all users (mini-batch: batches) before the centres were taken.
    """

    centres: np.ndarray
    labels: np.ndarray
    inertia: float
    iterations: int


def fit_kmeans(
    points_NS: np.ndarray | torch.Tensor,
    count: int,
    *,
    device: torch.device,
    seed: int,
    restarts: int = 1,
    max_iterations: int = 100,
    tolerance: float = 1e-4,
    init: np.ndarray | None = None,
    block: int | None = None,
) -> KMeansFit:
    """Lloyd's k-means from greedy k-means++, on all users.

    Args:
        points_NS: finite numbers, read as float32.
        count: C.
        device: where it is computed.
        seed: of the sample and of k-means++.
        restarts: starts, the best of which is kept; of more than SAMPLE_USERS users, so many try them.
        max_iterations: passes over all users, at most; the sample is passed SAMPLE_ITERATIONS times if that
            is more.
        tolerance: it is over when the squared movements of the centres sum to at most this share of the mean
            variance of a dimension (as in scikit-learn), or nobody changes cluster.
        init: (C, S), where the centres start; there is one start then, and no sample.
        block: B; None takes what suits the device.

    Returns:
        Centres, labels and inertia. A cluster that loses all its users gets one that is far from its centre.

    Raises:
        ModelError: a number is missing or infinite, or fewer users differ than there are clusters.

    Source: Lloyd, "Least squares quantization in PCM", 1982, and what stands at the head of this file.
    """
    users = _Users.place(points_NS, device, block)
    _check(users, count, init)
    least = tolerance * users.variance
    if init is not None:
        return _lloyd(users, _inside(users, init), max_iterations, least)
    generator = np.random.default_rng(seed)
    sample = users.sample(SAMPLE_USERS, generator)
    starts = [_seed(sample, count, generator) for _ in range(restarts)]
    passes = max_iterations if sample is users else max(max_iterations, SAMPLE_ITERATIONS)
    fits = [_lloyd(sample, start_CS, passes, least) for start_CS in starts]
    best = min(fits, key=lambda fit: fit.inertia)
    if sample is users:
        return best
    return _lloyd(users, _inside(users, best.centres), max_iterations, least)


def fit_minibatch_kmeans(
    points_NS: np.ndarray | torch.Tensor,
    count: int,
    *,
    device: torch.device,
    seed: int,
    batch: int = 4096,
    steps: int = 500,
    init: np.ndarray | None = None,
    block: int | None = None,
) -> KMeansFit:
    """k-means from random batches: rougher than `fit_kmeans`, but most users are read once, at the end.

    A centre is the mean of all users it was given so far, each at the time the nearest. A centre that is
    never given one stays where it started.

    Args:
        points_NS, count, device, init, block: as for `fit_kmeans`.
        seed: of the sample, of k-means++ and of the batches.
        batch: users in a batch, drawn with replacement.
        steps: batches.

    Raises:
        ModelError: as for `fit_kmeans`.

    Source: Sculley, "Web-scale k-means clustering", 2010; a whole batch is averaged at once, as scikit-learn
    does.
    """
    users = _Users.place(points_NS, device, block)
    _check(users, count, init)
    generator = np.random.default_rng(seed)
    if init is None:
        centres_CS = _seed(users.sample(SAMPLE_USERS, generator), count, generator)
    else:
        centres_CS = _inside(users, init)
    seen_C = torch.zeros(count, dtype=torch.float64)
    for _ in range(steps):
        rows_BS = users.take(generator.integers(len(users), size=batch))
        labels_B = _Centres.of(centres_CS, users).nearest(rows_BS)
        nowhere_B = torch.full_like(labels_B, count)
        sums_CS = torch.zeros(count + 1, centres_CS.shape[1], dtype=torch.float64)
        _move(sums_CS, rows_BS, nowhere_B, labels_B)
        given_C = torch.bincount(labels_B, minlength=count).cpu()
        seen_C += given_C
        step_CS = sums_CS[:count] - given_C[:, None] * centres_CS
        centres_CS = centres_CS + step_CS / seen_C.clamp(min=1.0)[:, None]
    return _finish(users, centres_CS, steps)


def assign_to_centres(
    points_NS: np.ndarray | torch.Tensor,
    centres_CS: np.ndarray,
    *,
    device: torch.device,
    block: int | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Nearest centre of each user.

    Args:
        points_NS: finite numbers, read as float32.
        centres_CS: at least one.
        device: where it is computed.
        block: B; None takes what suits the device.

    Returns:
        Position of the centre, int64 (N,), on a processor the first on a tie; Euclidean distance to it,
        float64 (N,). Of two centres whose squared distances differ by less than ROUNDING times the squares of
        the user and the centre, either may be taken.
    """
    users = _Users.place(points_NS, device, block)
    labels_N, squares_N = _assign(users, _inside(users, centres_CS))
    return labels_N.cpu().numpy(), squares_N.cpu().double().sqrt().numpy()


@dataclass(frozen=True, slots=True)
class _Users:
    """Points on a device, read by blocks, and shifted where they lie far from the origin.

    Squared distances are differences of squares: far from the origin they would drown in rounding.

    Args:
        points: (N, S) float32.
        offset: (S,) float64 on the CPU, subtracted from every point that is read.
        offset_here: the same on the device, None where nothing is subtracted.
        variance: mean variance of a dimension.
        block: users read at once.
    """

    points: torch.Tensor
    offset: torch.Tensor
    offset_here: torch.Tensor | None
    variance: float
    block: int

    @classmethod
    def place(cls, points_NS: np.ndarray | torch.Tensor, device: torch.device, block: int | None) -> "_Users":
        points = _as_tensor(points_NS).to(device=device, dtype=torch.float32)
        block = block or (CPU_BLOCK if points.device.type == "cpu" else ACCELERATOR_BLOCK)
        rows = points.split(block)
        mean_S = sum(part.sum(0).cpu().double() for part in rows) / max(len(points), 1)
        mean_here_S = mean_S.float().to(points.device)
        squares_S = sum((part - mean_here_S).square().sum(0).cpu().double() for part in rows)
        variance_S = squares_S / max(len(points), 1)
        # A copy of each block costs a sixth of a pass: worth it only where it makes the numbers smaller.
        is_far = bool(mean_S.square().sum() > variance_S.sum())
        return cls(
            points=points,
            offset=mean_S if is_far else torch.zeros_like(mean_S),
            offset_here=mean_here_S if is_far else None,
            variance=float(variance_S.mean()) if variance_S.numel() else 0.0,
            block=block,
        )

    def __len__(self) -> int:
        return len(self.points)

    def blocks(self) -> Iterator[tuple[slice, torch.Tensor]]:
        """Everybody, in order: which users, and their points (B, S)."""
        for start in range(0, len(self), self.block):
            where = slice(start, min(start + self.block, len(self)))
            yield where, self.take(where)

    def take(self, which: slice | torch.Tensor | np.ndarray) -> torch.Tensor:
        """Points of some users, in the frame centres are kept in."""
        if isinstance(which, np.ndarray):
            which = torch.from_numpy(which).to(self.points.device)
        rows = self.points[which] if isinstance(which, slice) else self.points.index_select(0, which)
        return rows if self.offset_here is None else rows - self.offset_here

    def sample(self, count: int, generator: np.random.Generator) -> "_Users":
        """A uniform sample without replacement; everybody where there are no more than that."""
        if len(self) <= count:
            return self
        chosen = np.sort(generator.choice(len(self), count, replace=False, shuffle=False))
        points = self.points.index_select(0, torch.from_numpy(chosen).to(self.points.device))
        return _Users(points, self.offset, self.offset_here, self.variance, self.block)


def _as_tensor(points_NS: np.ndarray | torch.Tensor) -> torch.Tensor:
    if isinstance(points_NS, torch.Tensor):
        return points_NS
    with warnings.catch_warnings():
        # Columns of a data frame are often read-only; nothing here writes to them.
        warnings.filterwarnings("ignore", message=".*not writable")
        return torch.from_numpy(np.ascontiguousarray(points_NS))


def _inside(users: _Users, centres_CS: np.ndarray) -> torch.Tensor:
    """Centres as they are kept: float64 on the CPU, shifted as the users are."""
    return torch.tensor(centres_CS, dtype=torch.float64) - users.offset


def _check(users: _Users, count: int, init: np.ndarray | None) -> None:
    shape = tuple(users.points.shape)
    assert init is None or init.shape == (count, shape[1]), "one start for every cluster"
    if not np.isfinite(users.variance):
        raise ModelError(
            "a number is missing, infinite or too large for float32",
            where=f"points of {shape[0]:,} users",
            remedy="fill what is unknown and scale the columns before clustering",
        )
    if len(users) < count:
        raise _too_few(f"{len(users):,} users", count)


def _too_few(what: str, count: int) -> ModelError:
    return ModelError(
        f"{what} cannot form {count:,} clusters",
        where="the points to cluster",
        remedy="ask for fewer clusters, or give more users who differ",
    )


@dataclass(frozen=True, slots=True)
class _State:
    """Where everybody is; changed in place.

    Args:
        labels: (N,) int64 on the device; C is nowhere.
        sums: (C + 1, S) float64 on the CPU, of the users of each cluster; the last row means nothing.
        sizes: (C,) int64 on the CPU.
    """

    labels: torch.Tensor
    sums: torch.Tensor
    sizes: torch.Tensor


def _lloyd(users: _Users, centres_CS: torch.Tensor, max_iterations: int, least: float) -> KMeansFit:
    """Iterate from these centres until their squared movements sum to `least`, or nobody moves."""
    count = len(centres_CS)
    state = _State(
        labels=torch.full((len(users),), count, device=users.points.device),
        sums=torch.zeros(count + 1, centres_CS.shape[1], dtype=torch.float64),
        sizes=torch.zeros(count, dtype=torch.int64),
    )
    iterations = 0
    while iterations < max_iterations:
        iterations += 1
        if not _reassign(users, state, centres_CS):
            break
        _refill_empty(users, state, centres_CS)
        before_CS, centres_CS = centres_CS, state.sums[:count] / state.sizes[:, None]
        if float((centres_CS - before_CS).square().sum()) <= least:
            break
    return _finish(users, centres_CS, iterations)


def _reassign(users: _Users, state: _State, centres_CS: torch.Tensor) -> int:
    """Give everybody the nearest centre; how many moved."""
    after_N = torch.empty_like(state.labels)
    centres = _Centres.of(centres_CS, users)
    for where, rows_BS in users.blocks():
        after_N[where] = centres.nearest(rows_BS)
    moved_M = (after_N != state.labels).nonzero().squeeze(1)
    _change(users, state, moved_M, after_N[moved_M])
    return len(moved_M)


def _change(users: _Users, state: _State, moved_M: torch.Tensor, after_M: torch.Tensor) -> None:
    """These users leave their cluster for another."""
    before_M = state.labels[moved_M]
    for start in range(0, len(moved_M), users.block):
        part = slice(start, start + users.block)
        _move(state.sums, users.take(moved_M[part]), before_M[part], after_M[part])
    width = len(state.sums)
    change_C = torch.bincount(after_M, minlength=width) - torch.bincount(before_M, minlength=width)
    state.sizes.add_(change_C[:-1].cpu())
    state.labels[moved_M] = after_M


def _move(
    sums_CS: torch.Tensor, rows_AS: torch.Tensor, before_A: torch.Tensor, after_A: torch.Tensor
) -> None:
    """Take the points from the sums of one cluster to those of another, always in the same order."""
    if rows_AS.device.type == "cpu":
        wide_AS = rows_AS.double()
        sums_CS.index_add_(0, after_A, wide_AS)
        sums_CS.index_add_(0, before_A, wide_AS, alpha=-1.0)
        return
    # index_add_ on a GPU adds in whatever order threads come; a product with +1 and -1 does not.
    signs_AC = torch.zeros(len(rows_AS), len(sums_CS), device=rows_AS.device)
    signs_AC.scatter_(1, after_A[:, None], 1.0).scatter_(1, before_A[:, None], -1.0)
    sums_CS += (signs_AC.T @ rows_AS).cpu().double()


def _refill_empty(users: _Users, state: _State, centres_CS: torch.Tensor) -> None:
    """Give every empty cluster one user, of those far from their centre, so that its centre moves there.

    Raises:
        ModelError: everybody is at a centre already: fewer users differ than there are clusters.
    """
    empty = (state.sizes == 0).nonzero().squeeze(1).tolist()
    if not empty:
        return
    centres = _Centres.of(centres_CS, users)
    squares_N = torch.cat([centres.squares_to(rows, state.labels[where]) for where, rows in users.blocks()])
    # A cluster's only user stays: there is at most one such for each cluster.
    farthest = squares_N.topk(min(len(empty) + len(centres_CS), len(users))).indices
    for user in farthest.split(1):
        if not empty or float(squares_N[user]) <= 0.0:
            break
        if state.sizes[int(state.labels[user])] > 1:
            _change(users, state, user, torch.tensor([empty.pop(0)], device=user.device))
    if empty:
        raise _too_few(f"{len(centres_CS) - len(empty):,} kinds of users", len(centres_CS))


def _finish(users: _Users, centres_CS: torch.Tensor, iterations: int) -> KMeansFit:
    labels_N, squares_N = _assign(users, centres_CS)
    return KMeansFit(
        centres=(centres_CS + users.offset).numpy(),
        labels=labels_N.cpu().numpy(),
        inertia=sum(float(part.double().sum()) for part in squares_N.cpu().split(users.block)),
        iterations=iterations,
    )


def _assign(users: _Users, centres_CS: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Nearest centre, (N,) int64, and squared distance to it, (N,) float32."""
    centres = _Centres.of(centres_CS, users)
    labels_N = torch.empty(len(users), dtype=torch.int64, device=users.points.device)
    squares_N = torch.empty(len(users), device=users.points.device)
    for where, rows_BS in users.blocks():
        labels_N[where] = centres.nearest(rows_BS)
        squares_N[where] = centres.squares_to(rows_BS, labels_N[where])
    return labels_N, squares_N


@dataclass(frozen=True, slots=True)
class _Centres:
    """Centres as a pass over the users needs them, on the device.

    Args:
        rows: (C, S) float32.
        doubled: (S, C) float32, -2 times them.
        squares: (C,) float32, their squared lengths.
        error: ROUNDING of the longest square.
    """

    rows: torch.Tensor
    doubled: torch.Tensor
    squares: torch.Tensor
    error: float

    @classmethod
    def of(cls, centres_CS: torch.Tensor, users: _Users) -> "_Centres":
        rows = centres_CS.float().to(users.points.device)  # in this order: not every device has float64
        squares = rows.square().sum(1)
        return cls(rows, (-2.0 * rows).T.contiguous(), squares, ROUNDING * float(squares.max()))

    def scores(self, rows_BS: torch.Tensor) -> torch.Tensor:
        """(B, C) squared distances less the user's own square, which no comparison needs."""
        return torch.addmm(self.squares, rows_BS, self.doubled)

    def nearest(self, rows_BS: torch.Tensor) -> torch.Tensor:
        """(B,) int64, position of the nearest centre."""
        return _first(self.scores(rows_BS))

    def squares_to(self, rows_BS: torch.Tensor, labels_B: torch.Tensor) -> torch.Tensor:
        """(B,) squared distances to the own centre, by differences: exact where both are equal."""
        return (rows_BS - self.rows.index_select(0, labels_B)).square().sum(1)


def _first(scores_BC: torch.Tensor) -> torch.Tensor:
    """(B,) int64, position of the smallest; on a CPU numpy finds it three times as fast as torch."""
    if scores_BC.device.type == "cpu":
        return torch.from_numpy(scores_BC.numpy().argmin(1))
    return scores_BC.argmin(1)


def _seed(users: _Users, count: int, generator: np.random.Generator) -> torch.Tensor:
    """Centres to start from, float64 (C, S): greedy k-means++.

    Each is the best of T = 2 + log(C) users, who are drawn with a chance proportional to the squared distance
    to the centres there are.

    Raises:
        ModelError: fewer users differ than there are clusters.

    Source: Arthur and Vassilvitskii, "k-means++", 2007; T as in scikit-learn.
    """
    trials = 2 + int(np.log(count))
    chosen = [int(generator.integers(len(users)))]
    nearest_N = _squares_from(users, chosen)[:, 0]
    while len(chosen) < count:
        chances_N = nearest_N.cpu().double().cumsum(0).numpy()
        if chances_N[-1] <= 0.0:
            return _seed_distinct(users, count, generator)
        drawn_T = np.searchsorted(chances_N, generator.random(trials) * chances_N[-1], side="right")
        drawn_T = np.minimum(drawn_T, len(users) - 1)  # a product may round up to the whole
        left_NT = torch.minimum(nearest_N[:, None], _squares_from(users, drawn_T.tolist()))
        best = int(left_NT.sum(0).argmin())
        chosen.append(int(drawn_T[best]))
        nearest_N = left_NT[:, best].clone()
    return users.take(np.array(chosen)).cpu().double()


def _squares_from(users: _Users, chosen: list[int]) -> torch.Tensor:
    """(N, T) squared distances from some users, 0 where they are no more than rounding."""
    centres = _Centres.of(users.take(np.array(chosen)).cpu().double(), users)
    parts = []
    for _, rows_BS in users.blocks():
        squares_B1 = rows_BS.square().sum(1, keepdim=True)
        part_BT = centres.scores(rows_BS) + squares_B1
        parts.append(part_BT.where(part_BT > ROUNDING * squares_B1 + centres.error, 0.0))
    return torch.cat(parts)


def _seed_distinct(users: _Users, count: int, generator: np.random.Generator) -> torch.Tensor:
    """Where all distances drown in rounding: users who differ at all, at random."""
    distinct_KS = np.unique(users.points.cpu().numpy(), axis=0)
    if len(distinct_KS) < count:
        raise _too_few(f"{len(distinct_KS):,} kinds of users", count)
    chosen_CS = generator.choice(distinct_KS, count, replace=False)
    return torch.from_numpy(chosen_CS).double() - users.offset
