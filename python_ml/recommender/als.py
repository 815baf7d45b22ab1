"""Implicit ALS: vectors of users and items whose products come near 1 for what was bought and 0 for the rest.

How sure that is goes with how much was bought: confidence 1 + alpha r, r = log(1 + decayed count), and 1 for
what was not bought. The item vectors are fitted by the package `implicit`, an extra (`pip install -e
'.[als]'`); a user's vector is the ridge solution against them, worked out here from the user's history. So a
model that was saved is item vectors alone, and is used without the package.

Source: Hu, Koren and Volinsky, "Collaborative filtering for implicit feedback datasets", 2008 (eq. 4, and
eq. 7 for the contributions).

Shapes: B users of a block, H items of a history, D dimensions.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from scipy import sparse

from python_ml.errors import ModelError
from python_ml.extras import version_of
from python_ml.recommender.data import Interactions
from python_ml.recommender.judge import Explainer

PACKAGE = "implicit"
BLOCK_USERS = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class AlsSettings:
    """Settings of one implicit ALS.

    Args:
        factors: D.
        l2: ridge penalty on every vector.
        alpha: how much surer a purchase makes; 0 = not at all.
        half_life_days: a purchase this old counts half; 0 = all count alike.
        iterations: times that users' and items' vectors are solved for in turn.
    """

    factors: int
    l2: float
    alpha: float
    half_life_days: float
    iterations: int


@dataclass(frozen=True, slots=True)
class Als:
    """A fitted implicit ALS.

    Args:
        extra: (n_users, n_items) CSR float32, confidence beyond 1.
        user_factors: (n_users, D) float32, zero without history.
        item_factors: (n_items, D) float32, zero for what nobody had.
        l2: the ridge penalty.
    """

    extra: sparse.csr_matrix
    user_factors: torch.Tensor
    item_factors: torch.Tensor
    l2: float

    @classmethod
    def fit(
        cls, past: Interactions, settings: AlsSettings, *, now: float, seed: int, device: torch.device
    ) -> "Als":
        """Factorise the interactions before `now`; the work is done on the processor.

        Args:
            past: interactions before `now`.
            settings: see there.
            now: days since 1970-01-01.
            seed: of the vectors it starts from.
            device: where to score.

        Raises:
            ModelError: `implicit` is not installed.
        """
        extra = extra_confidence(past, settings, now=now)
        return cls._with_users(extra, _factorise(extra, settings, seed), settings, device)

    @classmethod
    def restore(
        cls,
        past: Interactions,
        settings: AlsSettings,
        arrays: Mapping[str, np.ndarray],
        *,
        now: float,
        device: torch.device,
    ) -> "Als":
        """The model that `fit` made of the same interactions and settings, without fitting.

        Args:
            arrays: what `arrays` gave.
            past, settings, now, device: as in `fit`.
        """
        extra = extra_confidence(past, settings, now=now)
        return cls._with_users(extra, arrays["item_factors"].copy(), settings, device)

    @classmethod
    def _with_users(
        cls, extra: sparse.csr_matrix, item_factors: np.ndarray, settings: AlsSettings, device: torch.device
    ) -> "Als":
        user_factors = fold_in(extra, item_factors, settings.l2)
        on_device = (torch.from_numpy(factors).to(device) for factors in (user_factors, item_factors))
        return cls(extra, *on_device, settings.l2)

    def score(self, users: np.ndarray, out: torch.Tensor | None = None) -> torch.Tensor:
        """(B, n_items) float32 on the model's device, about 1 for what is sure to be liked.

        Args:
            users: (B,) int64.
            out: (at least B, n_items) float32 to write into, whose first rows are then what is returned.
        """
        own = self.user_factors[torch.from_numpy(users).to(self.user_factors.device)]
        return torch.mm(own, self.item_factors.T, out=None if out is None else out[: len(users)])

    def buffer(self, users: int) -> torch.Tensor:
        """What `score` may write the scores of so many users into, block after block."""
        return self.item_factors.new_empty(users, len(self.item_factors))

    def explainer(self) -> Explainer:
        """Splits scores over the history: y_i' A^-1 y_h c_h, A being what is solved for the user."""
        factors = self.item_factors.cpu().numpy()
        everybody = _everybody(factors, self.l2)

        def contributions(user: int, items: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            row = self.extra[user]
            history = row.indices.astype(np.int64)
            own_HD = factors[history]
            system = everybody + (own_HD.T * row.data) @ own_HD
            weight = own_HD @ np.linalg.solve(system, factors[items].T.astype(np.float64))
            weight *= 1.0 + row.data[:, None]
            weight[history[:, None] == items[None, :]] = 0.0
            return history, weight.astype(np.float32)

        return contributions

    def arrays(self) -> dict[str, np.ndarray]:
        """What `restore` needs beside history and settings, for saving."""
        return {"item_factors": self.item_factors.cpu().numpy()}


def is_installed() -> bool:
    """Whether there is the package that fits it."""
    return version_of(PACKAGE) is not None


def extra_confidence(past: Interactions, settings: AlsSettings, *, now: float) -> sparse.csr_matrix:
    """(n_users, n_items) CSR float32, alpha log(1 + decayed count)."""
    extra = past.matrix(now=now, half_life_days=settings.half_life_days)
    extra.data = settings.alpha * np.log1p(extra.data)
    return extra.astype(np.float32)


def fold_in(extra: sparse.csr_matrix, item_factors: np.ndarray, l2: float) -> np.ndarray:
    """The vectors of users with these histories: (Y'Y + Y'(C - I)Y + l2 I)^-1 Y'C p, in float64.

    Args:
        extra: (n_users, n_items) CSR, the diagonals of C - I, with an entry wherever p is 1.
        item_factors: Y, (n_items, D) float32.
        l2: above 0.

    Returns:
        (n_users, D) float32, zero without history.
    """
    everybody = _everybody(item_factors, l2)
    found = np.zeros((extra.shape[0], item_factors.shape[1]), dtype=np.float32)
    known = np.flatnonzero(np.diff(extra.indptr) > 0)
    for block in np.split(known, range(BLOCK_USERS, len(known), BLOCK_USERS)):
        system = np.tile(everybody, (len(block), 1, 1))
        wanted = np.empty((len(block), len(everybody)))
        for place, user in enumerate(block):
            own = slice(extra.indptr[user], extra.indptr[user + 1])
            own_HD, weight = item_factors[extra.indices[own]].astype(np.float64), extra.data[own]
            system[place] += (own_HD.T * weight) @ own_HD
            wanted[place] = (1.0 + weight) @ own_HD
        found[block] = np.linalg.solve(system, wanted[:, :, None])[:, :, 0]
    return found


def _everybody(item_factors: np.ndarray, l2: float) -> np.ndarray:
    """(D, D) float64, Y'Y + l2 I: the part of the system that all users share."""
    factors = item_factors.astype(np.float64)
    return factors.T @ factors + l2 * np.eye(factors.shape[1])


def _factorise(extra: sparse.csr_matrix, settings: AlsSettings, seed: int) -> np.ndarray:
    """(n_items, D) float32 by the package, in whose matrices an entry is the whole confidence."""
    if not is_installed():
        raise ModelError(
            f"the model als is fitted by the package {PACKAGE}, which is not installed",
            where="ml.model_evaluations",
            remedy="install it (.venv/bin/pip install -c constraints.txt -e '.[als]'), or run the evaluation"
            " again without it",
        )
    from implicit.cpu.als import AlternatingLeastSquares
    from threadpoolctl import threadpool_limits

    confidence = extra.copy()
    confidence.data += 1.0
    # The package shares users among threads of its own, and warns of those of BLAS beside them.
    with threadpool_limits(limits=1, user_api="blas"):
        model = AlternatingLeastSquares(
            factors=settings.factors,
            regularization=settings.l2,
            iterations=settings.iterations,
            random_state=seed,
        )
        model.fit(confidence, show_progress=False)
    return model.item_factors
