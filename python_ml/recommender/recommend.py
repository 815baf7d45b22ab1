"""Feature tables and chosen models in, `ml.recommendations` and `ml.similar_items` out."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import polars as pl

from python_ml.config import RecommenderConfig
from python_ml.device import resolve_device
from python_ml.errors import ModelError
from python_ml.recommender.frames import read_inputs
from python_ml.recommender.judge import LISTS
from python_ml.recommender.models import Settings, settings_from
from python_ml.recommender.publish import Publisher, similar_frame
from python_ml.recommender.read_rules import RuleTables, read_rules
from python_ml.recommender.second_stage.ranker import Ranker
from python_ml.recommender.second_stage.second_stage import SecondStageSettings
from python_ml.recommender.sequence.train_sequence import SequenceTrainSettings
from python_ml.recommender.split import day_of
from python_ml.recommender.two_tower_recommender import TwoTowerRecommender, TwoTowerSettings
from python_ml.recommender.workshop import Workshop

_RANKER = "second_stage"


@dataclass(frozen=True, slots=True)
class RecommendationResult:
    """What is published.

    Args:
        recommendations: `ml.recommendations` without model_version and as_of_date.
        similar_items: `ml.similar_items`, likewise.
        weights: see `Recommender.weights`.
        device: what models were trained on.
    """

    recommendations: pl.DataFrame
    similar_items: pl.DataFrame
    weights: dict[str, np.ndarray]
    device: str


class Recommender:
    """Fits each list's champion on everything before `as_of`, and writes lists and similar items.

    Args:
        interactions, user_features, item_features, item_texts: the feature tables of these names.
        text_embeddings: `ml.text_embeddings` of one embedding model.
        user_cohorts: `ml.user_cohorts`, for the best-sellers of users without history.
        model_evaluations: `ml.model_evaluations`: champions and their settings.
        config: lengths.
        as_of: nothing on or after this date is seen.
        device: "auto", "cpu", "cuda", ...
        seed: of every random choice.
        trained: the `weights` of a recommender with the same arguments, so that its towers need not be
            trained again; None trains them.

    Raises:
        ContractError: a table breaks what is relied on.
        ModelError: there is no champion.
        DeviceError: the device is not there.
    """

    def __init__(
        self,
        interactions: pl.DataFrame,
        user_features: pl.DataFrame,
        item_features: pl.DataFrame,
        item_texts: pl.DataFrame,
        text_embeddings: pl.DataFrame,
        user_cohorts: pl.DataFrame,
        model_evaluations: pl.DataFrame,
        config: RecommenderConfig,
        *,
        as_of: date,
        device: str,
        seed: int,
        trained: Mapping[str, np.ndarray] | None = None,
    ) -> None:
        where = resolve_device(device)
        self.device = str(where)
        self.config = config
        self.as_of = as_of
        self._inputs = read_inputs(
            {
                "interactions": interactions,
                "user_features": user_features,
                "item_features": item_features,
                "item_texts": item_texts,
                "text_embeddings": text_embeddings,
                "user_cohorts": user_cohorts,
            },
            as_of=as_of,
        )
        self._workshop = Workshop(
            self._inputs.interactions, day_of(as_of), self._inputs.texts, config, seed=seed, device=where
        )
        self._champions = {name: read_champion(model_evaluations, name) for name in LISTS}
        self._tower_settings = _tower_settings(model_evaluations)
        if trained is not None and self._tower_settings:
            self._workshop.restore_two_tower(self._tower_settings, trained)
            for name, settings in self._second_stages().items():
                self._workshop.take_ranker(settings, Ranker.restore(_of_list(trained, name), where))

    def lists(self, rules: RuleTables, progress: Callable[[int, int], None] | None = None) -> pl.DataFrame:
        """`ml.recommendations` without model_version and as_of_date: lists of every user.

        Where nobody has bought or looked at anything there is nothing to count, and the lists are empty.

        Args:
            rules: business rules.
            progress: called with (lists done, lists).

        Raises:
            ContractError: a table of rules breaks what is relied on.
        """
        inputs, now = self._inputs, self._workshop.now
        by_list = {name: read_rules(rules, inputs, name, now=now) for name in LISTS}
        publisher = Publisher(
            inputs,
            self._workshop,
            self.config,
            by_list,
            as_of=self.as_of,
            list_count=len(LISTS),
            progress=progress,
        )
        frames = pl.concat([publisher.publish(name, *self._champions[name]) for name in LISTS])
        return frames if len(inputs.interactions) else frames.clear()

    def similar_items(self) -> pl.DataFrame:
        """`ml.similar_items` without model_version and as_of_date; business rules do not touch it."""
        return similar_frame(self._inputs, self._towers(), self.config, as_of=self.as_of)

    def weights(self) -> dict[str, np.ndarray]:
        """Arrays by name: the towers, what else was trained for a list that it writes, and the item ids.

        The ids are UTF-8, one a line, in the order of the arrays.
        """
        towers, ids = self._towers(), "\n".join(self._inputs.item_ids.to_list())
        return (
            (towers.arrays() if towers else {})
            | _transformer_arrays(self._workshop, [settings for _, settings in self._champions.values()])
            | {
                f"{_RANKER}.{name}.{part}": array
                for name, settings in self._second_stages().items()
                for part, array in self._workshop.ranker(settings).arrays().items()
            }
            | {"item_ids": np.frombuffer(ids.encode(), dtype=np.uint8)}
        )

    def _second_stages(self) -> dict[str, SecondStageSettings]:
        """The settings of the second stage, by list that it writes."""
        return {
            name: settings
            for name, (_, settings) in self._champions.items()
            if isinstance(settings, SecondStageSettings)
        }

    def _towers(self) -> TwoTowerRecommender | None:
        """What similar items come from, whoever the champions are; none where no list could be evaluated."""
        return self._workshop.fit(self._tower_settings) if self._tower_settings else None


def recommend_items(
    *tables: pl.DataFrame,
    rules: RuleTables,
    progress: Callable[[int, int], None] | None = None,
    **arguments: Any,
) -> RecommendationResult:
    """Everything a `Recommender` of these arguments writes.

    Args:
        tables, arguments: of `Recommender`.
        rules, progress: of `Recommender.lists`.
    """
    recommender = Recommender(*tables, **arguments)
    return RecommendationResult(
        recommendations=recommender.lists(rules, progress),
        similar_items=recommender.similar_items(),
        weights=recommender.weights(),
        device=recommender.device,
    )


def _tower_settings(model_evaluations: pl.DataFrame) -> TwoTowerSettings | None:
    evaluated = model_evaluations.filter(model_name="two_tower")["list_name"]
    lists = [name for name in LISTS if (evaluated == name).any()]
    # The last is discover, if it could be evaluated: similar items are for finding new ones.
    return read_settings(model_evaluations, "two_tower", lists[-1]) if lists else None


def _of_list(trained: Mapping[str, np.ndarray], list_name: str) -> dict[str, np.ndarray]:
    """The arrays of the ranking network of a list."""
    prefix = f"{_RANKER}.{list_name}."
    return {name.removeprefix(prefix): array for name, array in trained.items() if name.startswith(prefix)}


def _transformer_arrays(workshop: Workshop, champions: list[Settings]) -> dict[str, np.ndarray]:
    """The weights of the transformer, where it writes a list."""
    settings = next((each for each in champions if isinstance(each, SequenceTrainSettings)), None)
    return {} if settings is None else workshop.transformer(settings).arrays()


def read_champion(model_evaluations: pl.DataFrame, list_name: str) -> tuple[str, Settings]:
    """Name and settings of the model that writes a list.

    Raises:
        ModelError: the evaluation names none, or several.
    """
    rows = model_evaluations.filter((pl.col("list_name") == list_name) & pl.col("is_champion"))
    names = rows["model_name"].unique().to_list()
    if len(names) != 1:
        raise ModelError(
            f"list {list_name!r} has {len(names)} champions",
            where="ml.model_evaluations",
            remedy="run the evaluation first",
        )
    return names[0], read_settings(model_evaluations, names[0], list_name)


def read_settings(model_evaluations: pl.DataFrame, model_name: str, list_name: str) -> Settings:
    """The settings a model was evaluated with on a list.

    Raises:
        ModelError: the evaluation has none, several, or some this code does not know.
    """
    configs = model_evaluations.filter(model_name=model_name, list_name=list_name)["model_config"].unique()
    if len(configs) != 1:
        raise ModelError(
            f"model {model_name!r} has {len(configs)} settings for list {list_name!r}",
            where="ml.model_evaluations",
            remedy="run the evaluation again",
        )
    return settings_from(model_name, json.loads(configs[0]))
