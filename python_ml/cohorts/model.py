"""What is kept of a fit: later users are put into the same cohorts, until it is time to fit anew."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np

from python_ml.cohorts.buyers import BuyerArrays
from python_ml.cohorts.cluster import Placement, place_users
from python_ml.cohorts.drift import Reference
from python_ml.cohorts.partition import Partition
from python_ml.cohorts.space import Space
from python_ml.cohorts.trial import Trial
from python_ml.config import CohortConfig

FORMAT = 6  # of the arrays; files of another one are passed over
_FACTS = "facts"
_FACT_NAMES = (
    "fitted_with",
    "embedding_model",
    "method",
    "feature_names",
    "spend_categories",
    "interest_categories",
    "cohort_ids",
    "user_count",
    "selection",
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CohortModel:
    """A fit that was published.

    Args:
        fitted_on: as-of date of the users it was fitted on.
        fitted_with: changes when settings or code do.
        embedding_model: whose vectors users' tastes are means of; None if there were none.
        method: by which the cohorts were found.
        feature_names: F behaviour features.
        spend_categories: G categories of what users bought.
        interest_categories: I categories of what users looked at; none where that was not known.
        cohort_ids: C ids, in the order of the partition.
        user_count: users it was fitted on.
        selection: rows of cohort_selection: every method and number of cohorts that was tried.
        space: where users are compared.
        partition: that puts a user there into a cohort.
        reference: what is kept of those users, to say later how far others are from them.
        trial: where every candidate put them, to say at the next fit what it was worth.
    """

    fitted_on: date
    fitted_with: str
    embedding_model: str | None
    method: str
    feature_names: list[str]
    spend_categories: list[str]
    interest_categories: list[str]
    cohort_ids: list[str]
    user_count: int
    selection: list[dict[str, Any]]
    space: Space
    partition: Partition
    reference: Reference
    trial: Trial

    def why_not_place(self, buyers: BuyerArrays, embedding_model: str | None) -> str | None:
        """Why it can say nothing of users like these; None if it can."""
        missing = [name for name in self.feature_names if name not in buyers.feature_names]
        if missing:
            return f"users no longer have the feature {missing[0]}"
        if self.space.blocks["text"].mean.shape != buyers.tastes.shape[1:]:
            return "texts are weighed in or left out now"
        if buyers.tastes.shape[1] and self.embedding_model != embedding_model:
            return "texts are read by another encoder"
        if bool(self.interest_categories) != bool(buyers.interest_categories):
            return "what users look at is weighed in or left out now"
        return None

    def place(self, buyers: BuyerArrays) -> Placement:
        """Put users into the cohorts as they were fitted; what was not there then does not count."""
        return place_users(self.space, self.partition, self.as_fitted(buyers))

    def as_fitted(self, buyers: BuyerArrays) -> BuyerArrays:
        """The same users, told by the features and categories of the fit."""
        return replace(
            buyers,
            feature_names=self.feature_names,
            values=buyers.values[:, [buyers.feature_names.index(name) for name in self.feature_names]],
            spend_categories=self.spend_categories,
            spend=_columns_of(self.spend_categories, buyers.spend_categories, buyers.spend),
            interest_categories=self.interest_categories,
            interest_roots=_columns_of(
                self.interest_categories, buyers.interest_categories, buyers.interest_roots
            ),
        )

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything as arrays, which is what safetensors holds; what is no number is JSON in bytes."""
        facts = {name: getattr(self, name) for name in _FACT_NAMES} | self.trial.facts()
        facts |= {"format": FORMAT, "fitted_on": self.fitted_on.isoformat()}
        text = np.frombuffer(json.dumps(facts, ensure_ascii=False).encode(), dtype=np.uint8)
        arrays = {_FACTS: text} | self.partition.arrays()
        arrays |= self.space.arrays() | self.reference.arrays() | self.trial.arrays()
        return {name: np.ascontiguousarray(values) for name, values in arrays.items()}

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> "CohortModel | None":
        """The inverse of `arrays`; None of arrays of another format."""
        facts = json.loads(arrays[_FACTS].tobytes().decode()) if _FACTS in arrays else {}
        if facts.pop("format", None) != FORMAT:
            return None
        fitted_on = date.fromisoformat(facts.pop("fitted_on"))
        return cls(
            **{name: facts[name] for name in _FACT_NAMES},
            fitted_on=fitted_on,
            space=Space.from_arrays(arrays, facts["feature_names"]),
            partition=Partition.from_arrays(arrays),
            reference=Reference.from_arrays(arrays),
            trial=Trial.of(arrays, facts),
        )


def _columns_of(then: list[str], now: list[str], values: np.ndarray) -> np.ndarray:
    """The columns of then, out of those of now; zeros where one is gone, NaN where all are."""
    column_of = {name: column for column, name in enumerate(now)}
    table = np.full((len(values), len(then)), 0.0 if now else np.nan)
    for column, name in enumerate(then):
        if name in column_of:
            table[:, column] = values[:, column_of[name]]
    return table


def model_in_force(kept: Iterable[dict[str, np.ndarray]], day: date) -> CohortModel | None:
    """The last model fitted on a day or before: a run for an earlier day must not use what came later.

    Args:
        kept: arrays of models, the newest file first.
        day: the as-of date.
    """
    models = [CohortModel.from_arrays(arrays) for arrays in kept]
    earlier = [model for model in models if model is not None and model.fitted_on <= day]
    return max(earlier, key=lambda model: model.fitted_on, default=None)


def reason_to_fit(
    model: CohortModel | None,
    buyers: BuyerArrays,
    embedding_model: str | None,
    day: date,
    fitted_with: str,
    config: CohortConfig,
) -> str | None:
    """Why cohorts must be found anew on a day; None while those of the model are good.

    Args:
        model: in force.
        buyers: users who have ordered.
        embedding_model: whose vectors their tastes are means of.
        day: the as-of date.
        fitted_with: of settings and code as they are now.
        config: refit_days, refit_growth.
    """
    if model is None:
        return "no fit yet"
    unable = model.why_not_place(buyers, embedding_model)
    if unable is not None:
        return unable
    if model.fitted_with != fitted_with:
        return "settings or code changed"
    age, users = (day - model.fitted_on).days, len(buyers.user_ids)
    if age >= config.refit_days:
        return f"the last fit is {age} days old"
    if users >= config.refit_growth * model.user_count:
        return f"{users:,} users have ordered, {model.user_count:,} at the last fit"
    return None
