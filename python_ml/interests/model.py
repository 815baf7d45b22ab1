"""What is kept of a run, so that interests, their ids and their names go on in the next one.

Shapes: K interests, V categories.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from python_ml.interests.select import SELECTION_SCHEMA

FORMAT = 1  # of the arrays; files of another one are passed over
_FACTS = "facts"
_FACT_NAMES = ("fitted_with", "interest_ids", "interest_names", "last_number", "categories")
_DAYS = ("held_out_from", "selected_on")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class InterestModel:
    """Interests with the ids and names they had on a day.

    Args:
        fitted_on: the as-of date.
        fitted_with: changes when settings or code do.
        interest_ids, interest_names: K each.
        last_number: the highest number an id ever had, in this and all runs before.
        categories: V names.
        selection: `SELECTION_SCHEMA`: how their number was chosen.
        strength: float64 (K, V), see `fit_interests`.
        popularity: float64 (V,), shares of all purchases.
    """

    fitted_on: date
    fitted_with: str
    interest_ids: list[str]
    interest_names: list[str]
    last_number: int
    categories: list[str]
    selection: pl.DataFrame
    strength: np.ndarray
    popularity: np.ndarray

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything as arrays, which is what safetensors holds; what is no number is JSON in bytes."""
        facts = {name: getattr(self, name) for name in _FACT_NAMES}
        rows = self.selection.with_columns(pl.col(*_DAYS).cast(pl.String)).to_dicts()
        facts |= {"format": FORMAT, "fitted_on": self.fitted_on.isoformat(), "selection": rows}
        text = json.dumps(facts, ensure_ascii=False).encode()
        return {
            _FACTS: np.frombuffer(text, dtype=np.uint8),
            "strength": np.ascontiguousarray(self.strength),
            "popularity": np.ascontiguousarray(self.popularity),
        }

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> "InterestModel | None":
        """The inverse of `arrays`; None of arrays of another format."""
        facts = json.loads(arrays[_FACTS].tobytes().decode()) if _FACTS in arrays else {}
        if facts.pop("format", None) != FORMAT:
            return None
        as_text = SELECTION_SCHEMA | dict.fromkeys(_DAYS, pl.String)
        rows = pl.DataFrame(facts.pop("selection"), as_text)
        return cls(
            **{name: facts[name] for name in _FACT_NAMES},
            fitted_on=date.fromisoformat(facts["fitted_on"]),
            selection=rows.with_columns(pl.col(*_DAYS).str.to_date()),
            strength=arrays["strength"],
            popularity=arrays["popularity"],
        )


@dataclass(frozen=True, slots=True)
class Kept:
    """Models of other runs, as far as a run for a day may know them.

    Args:
        same_or_before: the last one of that day or before, which lends ids and names.
        before: the last one of an earlier day, whose interests hold for a while. Not of that very day: a day
            that is run again shall give what it gave.
        last_number: the highest number any model ever gave, later ones included: none is given twice.
    """

    same_or_before: InterestModel | None = None
    before: InterestModel | None = None
    last_number: int = 0


def read_kept(kept: Iterable[dict[str, np.ndarray]], day: date) -> Kept:
    """What a run for a day may know: a run for an earlier day must not use what came later.

    Args:
        kept: arrays of models, the newest file first.
        day: the as-of date.
    """
    models = [model for model in map(InterestModel.from_arrays, kept) if model is not None]
    return Kept(
        same_or_before=_last(model for model in models if model.fitted_on <= day),
        before=_last(model for model in models if model.fitted_on < day),
        last_number=max((model.last_number for model in models), default=0),
    )


def _last(models: Iterable[InterestModel]) -> InterestModel | None:
    return max(models, key=lambda model: model.fitted_on, default=None)


def columns_of(categories: list[str], model: InterestModel, values: np.ndarray) -> np.ndarray:
    """Columns of the model's values for these categories, float64 (rows, categories); 0 for unknown ones."""
    column_of = {name: column for column, name in enumerate(model.categories)}
    table = np.zeros((len(values), len(categories)))
    for column, name in enumerate(categories):
        if name in column_of:
            table[:, column] = values[:, column_of[name]]
    return table
