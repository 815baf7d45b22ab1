"""Fits models on the purchases before one cut, sharing what their settings have in common."""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from python_ml.config import RecommenderConfig
from python_ml.recommender.als import Als, AlsSettings
from python_ml.recommender.blend import Blend, BlendSettings
from python_ml.recommender.counting import Counting, CountingSettings
from python_ml.recommender.data import Interactions, TextVectors
from python_ml.recommender.ease import Ease, EaseSettings, Gram
from python_ml.recommender.item_attributes import ItemAttributes
from python_ml.recommender.item_knn import ItemKnn, ItemKnnSettings, neighbour_matrix
from python_ml.recommender.judge import Scorer
from python_ml.recommender.models import Settings
from python_ml.recommender.personal_frequency import PersonalFrequency, PersonalFrequencySettings
from python_ml.recommender.popularity import Popularity, PopularitySettings
from python_ml.recommender.second_stage.features import Knowledge
from python_ml.recommender.second_stage.ranker import Lesson, Ranker
from python_ml.recommender.second_stage.second_stage import SecondStage, SecondStageSettings, draw_lesson
from python_ml.recommender.sequence.sequences import Sequences
from python_ml.recommender.sequence.sequential_knn import SequentialKnn, SequentialKnnSettings
from python_ml.recommender.sequence.sequential_recommender import SequentialRecommender, histories_of
from python_ml.recommender.sequence.train_sequence import SequenceTrainSettings
from python_ml.recommender.sequence.transformer_knn import TransformerKnn, TransformerKnnSettings
from python_ml.recommender.sequence.transformer_recommender import TransformerRecommender
from python_ml.recommender.two_tower_recommender import TwoTowerRecommender, TwoTowerSettings
from python_ml.recommender.watch import UNWATCHED, Watch


class Workshop:
    """One cut, and what was already computed for it.

    Args:
        past: interactions before `now`.
        now: days since 1970-01-01.
        texts: text vectors of the catalogue.
        attributes: of the catalogue's items.
        config: for the widest grid of neighbours, and the users scored at once.
        seed: of every random choice.
        device: where torch models run.
        checkpoints: folder of the trainings that were interrupted; they must be of the same arguments.
        watch: who is told how trainings get on.
    """

    def __init__(
        self,
        past: Interactions,
        now: float,
        texts: TextVectors,
        attributes: ItemAttributes,
        config: RecommenderConfig,
        *,
        seed: int,
        device: torch.device,
        checkpoints: Path | None = None,
        watch: Watch = UNWATCHED,
    ) -> None:
        self.past = past
        self.now = now
        self.texts = texts
        self.attributes = attributes
        self.seed = seed
        self.device = device
        self.config = config
        self._widest = max(config.knn_neighbours)
        self._shelf: dict[str, tuple[Hashable, Any]] = {}
        self._checkpoints = checkpoints
        self._watch = watch
        self._restored: dict[TwoTowerSettings | SequenceTrainSettings | AlsSettings, Any] = {}
        self._rankers: list[tuple[SecondStageSettings, Ranker]] = []
        self._lessons: list[tuple[SecondStageSettings, Lesson]] = []

    def fit(self, settings: Settings) -> Scorer:
        """A model fitted on everything before the cut."""
        if isinstance(settings, PopularitySettings):
            return Popularity.fit(self.past, settings, now=self.now)
        if isinstance(settings, CountingSettings):
            return Counting.fit(self.past, settings, now=self.now)
        if isinstance(settings, PersonalFrequencySettings):
            return PersonalFrequency.fit(self.past, settings, now=self.now)
        if isinstance(settings, ItemKnnSettings):
            return self._fit_item_knn(settings)
        if isinstance(settings, SequentialKnnSettings):
            return self._fit_sequential_knn(settings)
        if isinstance(settings, EaseSettings):
            return self._keep("ease", settings, self._fit_ease)
        if isinstance(settings, AlsSettings):
            return self.als(settings)
        if isinstance(settings, TwoTowerSettings):
            return self.two_tower(settings)
        if isinstance(settings, SequenceTrainSettings):
            return self.transformer(settings)
        if isinstance(settings, TransformerKnnSettings):
            return self._fit_transformer_knn(settings)
        if isinstance(settings, SecondStageSettings):
            return self._fit_second_stage(settings)
        assert isinstance(settings, BlendSettings)
        return Blend(self.two_tower(settings.two_tower), self.fit(settings.ease), settings.tower_weight)

    def als(self, settings: AlsSettings) -> Als:
        """Implicit ALS.

        Raises:
            ModelError: it was not restored, and the package that fits it is not installed.
        """

        def fit(key: AlsSettings) -> Als:
            return Als.fit(self.past, key, now=self.now, seed=self.seed, device=self.device)

        return self._restored[settings] if settings in self._restored else self._keep("als", settings, fit)

    def restore_als(self, settings: AlsSettings, arrays: Mapping[str, np.ndarray]) -> None:
        """Take the ALS of these settings from what was fitted for the same cut before.

        Args:
            settings: see there.
            arrays: of `Als.arrays`.
        """
        self._restored[settings] = Als.restore(self.past, settings, arrays, now=self.now, device=self.device)

    def two_tower(self, settings: TwoTowerSettings, **judging: Any) -> TwoTowerRecommender:
        """The torch recommender; models that differ in their personal weight alone are trained once.

        Args:
            settings: see there.
            judging: `judge`, `judge_every`, `patience` of `TwoTowerRecommender.fit`. With a judge, the
                model is kept under the settings that stop at the epoch it chose.
        """

        def train(key: TwoTowerSettings) -> TwoTowerRecommender:
            return TwoTowerRecommender.fit(
                self.past,
                key,
                now=self.now,
                texts=self.texts,
                attributes=self.attributes,
                seed=self.seed,
                device=self.device,
                progress=self._watch.start("epochs of the towers"),
                **judging,
            )

        neutral = replace(settings, personal_weight=1.0)
        if neutral in self._restored:
            return self._restored[neutral].with_weight(settings.personal_weight)
        trained = self._keep("two_tower", neutral, train)
        if "judge" in judging:
            stopped = replace(neutral, train=replace(neutral.train, stop_after=trained.history.best_epoch))
            self._shelf["two_tower"] = (stopped, trained)
        return trained.with_weight(settings.personal_weight)

    def restore_two_tower(self, settings: TwoTowerSettings, arrays: Mapping[str, np.ndarray]) -> None:
        """Take the torch recommender of these settings from what was trained for the same cut before.

        Args:
            settings: see there.
            arrays: of `TwoTowerRecommender.arrays`.
        """
        neutral = replace(settings, personal_weight=1.0)
        self._restored[neutral] = TwoTowerRecommender.restore(
            self.past,
            neutral,
            arrays,
            now=self.now,
            texts=self.texts,
            attributes=self.attributes,
            device=self.device,
        )

    def transformer(
        self,
        settings: SequenceTrainSettings,
        judge: Callable[[TransformerRecommender], float] | None = None,
    ) -> TransformerRecommender:
        """The transformer; with a judge it is kept under the settings that stop at the epoch it chose."""

        def train(key: SequenceTrainSettings) -> TransformerRecommender:
            return TransformerRecommender.fit(
                self._histories(),
                key,
                seed=self.seed,
                device=self.device,
                attributes=self.attributes,
                judge=judge,
                checkpoint=self._checkpoints and self._checkpoints / "transformer.safetensors",
                watch=self._watch,
                workers=self.config.transformer_workers,
            )

        if settings in self._restored:
            return self._restored[settings]
        trained = self._keep("transformer", settings, train)
        if judge:
            stopped = replace(settings, epochs=trained.progress.best_epoch)
            self._shelf["transformer"] = (stopped, trained)
        return trained

    def restore_transformer(self, settings: SequenceTrainSettings, arrays: Mapping[str, np.ndarray]) -> None:
        """Take the transformer of these settings from what was trained for the same cut before.

        Args:
            settings: see there.
            arrays: of `TransformerRecommender.arrays`.
        """
        self._restored[settings] = TransformerRecommender.restore(
            self._histories(), settings, arrays, device=self.device, attributes=self.attributes
        )

    def _fit_transformer_knn(self, settings: TransformerKnnSettings) -> TransformerKnn:
        return TransformerKnn(
            self._fit_sequential_knn(settings.sequential_knn),
            self.transformer(settings.transformer),
            self._keep("owned", None, lambda _: self.past.pairs()),
            settings.blend,
        )

    def ranker(self, settings: SecondStageSettings) -> Ranker:
        """The ranking network for this cut: what it learns from happened in the windows before.

        Models are fitted on what lies before each window for it, so no label can reach a feature.
        """
        for known, ranker in self._rankers:
            if known == settings:
                return ranker
        before = self._before(settings.window_days)
        ranker = before.learn_ranker(settings, self.past.between(before.now, self.now))
        self.take_ranker(settings, ranker)
        return ranker

    def take_ranker(self, settings: SecondStageSettings, ranker: Ranker) -> None:
        """Use a ranking network that was trained elsewhere for this cut."""
        self._rankers.append((settings, ranker))

    def learn_ranker(self, settings: SecondStageSettings, window: Interactions) -> Ranker:
        """The ranking network for the cut at the end of the window that begins at this one.

        It learns from that window and from those before it, as many as the settings say and there are.
        """
        lessons, here = [self._lesson(settings, window)], self
        while len(lessons) < settings.windows:
            before = here._before(settings.window_days)
            if len(before.past) == 0:
                break
            lessons.append(before._lesson(settings, here.past.between(before.now, here.now)))
            here = before
        leader = list(settings.parts).index(settings.leader)
        lesson = Lesson.concatenate(lessons)
        return Ranker.fit(lesson, settings.ranker, leader=leader, seed=self.seed, device=self.device)

    def _lesson(self, settings: SecondStageSettings, window: Interactions) -> Lesson:
        # Kept: what validation learned from the window before it, the test split learns from as well.
        for known, lesson in self._lessons:
            if known == settings:
                return lesson
        lesson = draw_lesson(
            {name: self.fit(part) for name, part in settings.parts.items()},
            self._knowledge(settings),
            self.past,
            window,
            settings,
            seed=self.seed,
            block_users=self.config.block_users,
        )
        self._lessons.append((settings, lesson))
        return lesson

    def _before(self, days: float) -> "Workshop":
        return self._keep("before", self.now - days, self._at)

    def _fit_second_stage(self, settings: SecondStageSettings) -> SecondStage:
        ranker = self.ranker(settings)
        models = {name: self.fit(part) for name, part in settings.parts.items()}
        return SecondStage(models, self._knowledge(settings), ranker, settings)

    def _knowledge(self, settings: SecondStageSettings) -> Knowledge:
        return self._keep(
            "knowledge",
            settings.window_days,
            lambda days: Knowledge.of(self.past, self.now, self.texts, days),
        )

    def _at(self, start: float) -> "Workshop":
        return Workshop(
            self.past.before(start),
            start,
            self.texts,
            self.attributes,
            self.config,
            seed=self.seed,
            device=self.device,
        )

    def _fit_item_knn(self, settings: ItemKnnSettings) -> ItemKnn:
        widest = self._keep(
            "neighbours",
            replace(settings, neighbours=max(self._widest, settings.neighbours)),
            lambda key: neighbour_matrix(self.past, key),
        )
        return ItemKnn.fit(self.past, settings, now=self.now, widest=widest)

    def _fit_sequential_knn(self, settings: SequentialKnnSettings) -> SequentialRecommender:
        histories = self._histories()
        fitted = self._keep(
            "sequential_knn",
            replace(settings, decay=1.0),  # recency is of the question, not of what was counted
            lambda key: SequentialKnn.fit(histories, key),
        )
        return SequentialRecommender(histories, replace(fitted, decay=settings.decay))

    def _histories(self) -> Sequences:
        return self._keep("histories", None, lambda _: histories_of(self.past))

    def _fit_ease(self, settings: EaseSettings) -> Ease:
        gram = self._keep(
            "gram", settings.half_life_days, lambda days: Gram.of(self.past, days, now=self.now)
        )
        return Ease.fit(self.past, settings, now=self.now, gram=gram)

    def _keep(self, what: str, key: Hashable, make: Callable[[Any], Any]) -> Any:
        # One of a kind: they are large, and grids vary what they depend on slowest. The old one goes first.
        if what not in self._shelf or self._shelf[what][0] != key:
            self._shelf.pop(what, None)
            self._shelf[what] = (key, make(key))
        return self._shelf[what][1]
