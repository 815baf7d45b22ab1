"""Feature tables and chosen models in; lists, similar items, audiences and lists of sessions out."""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import TypeVar

import numpy as np
import polars as pl

from python_ml.config import RecommenderConfig
from python_ml.device import resolve_device
from python_ml.errors import ModelError
from python_ml.recommender.als import AlsSettings
from python_ml.recommender.frames import read_inputs
from python_ml.recommender.judge import LISTS
from python_ml.recommender.models import Settings, grid, settings_from
from python_ml.recommender.publish import Publisher, audience_frame, session_frame, similar_frame
from python_ml.recommender.read_rules import RuleTables, read_rules
from python_ml.recommender.second_stage.ranker import Ranker
from python_ml.recommender.second_stage.second_stage import SecondStageSettings
from python_ml.recommender.sequence.sequential_knn import SequentialKnnSettings
from python_ml.recommender.sequence.train_sequence import SequenceTrainSettings
from python_ml.recommender.sequence.transformer_knn import TransformerKnnSettings
from python_ml.recommender.split import day_of
from python_ml.recommender.two_tower_recommender import TwoTowerRecommender, TwoTowerSettings
from python_ml.recommender.watch import UNWATCHED, Watch
from python_ml.recommender.workshop import Workshop
from python_ml.tables import check_columns, check_key

_RANKER = "second_stage"
_ALS = "als"
_Kind = TypeVar("_Kind")


class Recommender:
    """Fits each list's champion on everything before `as_of`; writes lists, similar items and audiences.

    Args:
        interactions, user_features, item_features, item_texts: the feature tables of these names.
        text_embeddings: `ml.text_embeddings` of one embedding model.
        user_cohorts: `ml.user_cohorts`, for the best-sellers of users without history.
        model_evaluations: `ml.model_evaluations`: champions and their settings.
        config: lengths, and which places are drawn by lot.
        diversity_tradeoff: `ml.diversity_tradeoff`: how much the items of a list should differ; None leaves
            lists in the order of their scores.
        as_of: nothing on or after this date is seen.
        device: "auto", "cpu", "cuda", ...
        seed: of every random choice.
        trained: the `weights` of a recommender with the same arguments, so that nothing need be trained
            again; None trains.
        checkpoints: folder of the trainings that were interrupted, of a recommender with the same arguments.
        watch: who is told how trainings get on.

    Raises:
        ContractError: a table breaks what is relied on.
        ModelError: there is no champion, or no weight was chosen for a list.
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
        diversity_tradeoff: pl.DataFrame | None = None,
        *,
        as_of: date,
        device: str,
        seed: int,
        trained: Mapping[str, np.ndarray] | None = None,
        checkpoints: Path | None = None,
        watch: Watch = UNWATCHED,
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
            self._inputs.interactions,
            day_of(as_of),
            self._inputs.texts,
            self._inputs.attributes,
            config,
            seed=seed,
            device=where,
            checkpoints=checkpoints,
            watch=watch,
        )
        self._champions = {name: read_champion(model_evaluations, name) for name in LISTS}
        self._weights = {name: read_weight(diversity_tradeoff, name) for name in LISTS}
        self._tower_settings = _tower_settings(model_evaluations)
        self._session_settings = _session_settings(model_evaluations, config)
        self._transformer_settings = _transformer_settings(
            [settings for _, settings in self._champions.values()]
        )
        if trained is not None and self._tower_settings:
            self._workshop.restore_two_tower(self._tower_settings, trained)
            for name, settings in self._written_by(SecondStageSettings).items():
                self._workshop.take_ranker(settings, Ranker.restore(_of_list(trained, _RANKER, name), where))
        if trained is not None and self._transformer_settings:
            self._workshop.restore_transformer(self._transformer_settings, trained)
        if trained is not None:
            for name, settings in self._written_by(AlsSettings).items():
                self._workshop.restore_als(settings, _of_list(trained, _ALS, name))

    def lists(
        self, rules: RuleTables, progress: Callable[[int, int], None] | None = None
    ) -> Iterator[pl.DataFrame]:
        """`ml.recommendations` without model_version and as_of_date: lists of every user, in parts.

        Where nobody has bought or looked at anything there is nothing to count, and the lists are empty.

        Args:
            rules: business rules.
            progress: called with (lists done, lists).

        Returns:
            Frames of some users each, see `Publisher.publish`; at least one, which may have no rows.

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
            self._weights,
            as_of=self.as_of,
            list_count=len(LISTS),
            progress=progress,
        )
        parts = (part for name in LISTS for part in publisher.publish(name, *self._champions[name]))
        return parts if len(inputs.interactions) else (part.clear() for part in parts)

    def similar_items(self) -> pl.DataFrame:
        """`ml.similar_items` without model_version and as_of_date; business rules do not touch it."""
        return similar_frame(self._inputs, self._towers(), self.config, as_of=self.as_of)

    def item_audiences(
        self,
        audience_items_chosen: pl.DataFrame,
        contactable_users: pl.DataFrame,
        progress: Callable[[int, int], None] | None = None,
    ) -> pl.DataFrame:
        """`ml.item_audiences` without model_version and as_of_date, by the champion of `discover`.

        Args:
            audience_items_chosen, contactable_users: the feature tables of these names.
            progress: called with (users scored, users).

        Raises:
            ContractError: a column is missing, an id is unknown or occurs twice.
        """
        check_columns("audience_items_chosen", audience_items_chosen, ("item_id", "chosen_as"))
        check_key("audience_items_chosen", audience_items_chosen, "item_id")
        check_columns("contactable_users", contactable_users, ("user_id",))
        check_key("contactable_users", contactable_users, "user_id")
        return audience_frame(
            self._inputs,
            self._workshop,
            self._champions["discover"],
            audience_items_chosen,
            contactable_users,
            self.config,
            progress,
        )

    def session_lists(self, acts: pl.DataFrame, rules: RuleTables) -> pl.DataFrame:
        """`ml.session_recommendations` without model_version and as_of_date; the rules of `discover` hold.

        Where no user has bought or looked at anything there is nothing to go by, and no list.

        Args:
            acts: the feature table `anonymous_session_acts`.
            rules: business rules.

        Raises:
            ContractError: a column is missing, an id is unknown, or a table of rules breaks what is relied
                on.
        """
        check_columns("anonymous_session_acts", acts, ("session_id", "item_id", "occurred_at"))
        of_list = read_rules(rules, self._inputs, "discover", now=self._workshop.now)
        frame = session_frame(
            self._inputs, self._workshop, self._session_settings, acts, of_list, self.config
        )
        return frame if len(self._inputs.interactions) else frame.clear()

    def weights(self) -> dict[str, np.ndarray]:
        """Arrays by name: the towers, what else was trained for a list that it writes, and the item ids.

        The ids are UTF-8, one a line, in the order of the arrays.
        """
        ids = "\n".join(self._inputs.item_ids.to_list())
        trained = [
            self._workshop.fit(settings)
            for settings in (self._tower_settings, self._transformer_settings)
            if settings
        ]
        arrays = {name: array for model in trained for name, array in model.arrays().items()}
        rankers = {
            f"{_RANKER}.{name}.{part}": array
            for name, settings in self._written_by(SecondStageSettings).items()
            for part, array in self._workshop.ranker(settings).arrays().items()
        }
        factors = {
            f"{_ALS}.{name}.{part}": array
            for name, settings in self._written_by(AlsSettings).items()
            for part, array in self._workshop.als(settings).arrays().items()
        }
        return arrays | rankers | factors | {"item_ids": np.frombuffer(ids.encode(), dtype=np.uint8)}

    def _written_by(self, kind: type[_Kind]) -> dict[str, _Kind]:
        """The settings of one kind of model, by list that it writes."""
        return {
            name: settings for name, (_, settings) in self._champions.items() if isinstance(settings, kind)
        }

    def _towers(self) -> TwoTowerRecommender | None:
        """What similar items come from, whoever the champions are; none where no list could be evaluated."""
        return self._workshop.fit(self._tower_settings) if self._tower_settings else None


def _tower_settings(model_evaluations: pl.DataFrame) -> TwoTowerSettings | None:
    evaluated = model_evaluations.filter(model_name="two_tower")["list_name"]
    lists = [name for name in LISTS if (evaluated == name).any()]
    # The last is discover, if it could be evaluated: similar items are for finding new ones.
    return read_settings(model_evaluations, "two_tower", lists[-1]) if lists else None


def _session_settings(model_evaluations: pl.DataFrame, config: RecommenderConfig) -> SequentialKnnSettings:
    """Those validation chose for items new to a user; the first of the grid where no list could be judged."""
    evaluated = model_evaluations.filter(model_name="sequential_knn")["list_name"]
    lists = [name for name in LISTS if (evaluated == name).any()]
    if not lists:
        return grid("sequential_knn", config, config.window_days)[0]
    return read_settings(model_evaluations, "sequential_knn", lists[-1])


def _transformer_settings(champions: list[Settings]) -> SequenceTrainSettings | None:
    """Those of the transformer, where it, or its blend, writes a list; an evaluation trains but one."""
    for settings in champions:
        if isinstance(settings, SequenceTrainSettings):
            return settings
        if isinstance(settings, TransformerKnnSettings):
            return settings.transformer
    return None


def _of_list(trained: Mapping[str, np.ndarray], model: str, list_name: str) -> dict[str, np.ndarray]:
    """The arrays of the ranking network, or of the ALS, of a list."""
    prefix = f"{model}.{list_name}."
    return {name.removeprefix(prefix): array for name, array in trained.items() if name.startswith(prefix)}


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


def read_weight(diversity_tradeoff: pl.DataFrame | None, list_name: str) -> float:
    """How much the items of a list should differ; 0 where nothing was tried.

    Raises:
        ModelError: the evaluation chose none, or several.
    """
    if diversity_tradeoff is None:
        return 0.0
    rows = diversity_tradeoff.filter("is_chosen", list_name=list_name)
    weights = rows["diversity_weight"].unique().to_list()
    if len(weights) != 1:
        raise ModelError(
            f"{len(weights)} diversity weights are chosen for list {list_name!r}",
            where="ml.diversity_tradeoff",
            remedy="run the evaluation first",
        )
    return weights[0]


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
