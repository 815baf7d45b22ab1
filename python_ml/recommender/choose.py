"""Settings chosen on the validation window, models compared on the test window.

Nothing is ever chosen on test: by the time it is looked at, every setting and every challenger is fixed. All
that the test window may do is to keep a challenger out, see `gate`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import MappingProxyType

import torch

from python_ml.config import RecommenderConfig
from python_ml.recommender.data import TextVectors
from python_ml.recommender.diversify import candidate_count
from python_ml.recommender.feasibility import Feasibility
from python_ml.recommender.gate import pass_gate
from python_ml.recommender.item_attributes import ItemAttributes
from python_ml.recommender.judge import Judge, Ranked, Scorer
from python_ml.recommender.models import (
    BLENDED,
    HEARD,
    Settings,
    blend_grid,
    grid,
    second_stage_settings,
    two_tower_settings,
)
from python_ml.recommender.sequence.train_sequence import SequenceTrainSettings
from python_ml.recommender.split import SplitData
from python_ml.recommender.train import TrainHistory
from python_ml.recommender.watch import UNWATCHED, Watch
from python_ml.recommender.workshop import Workshop

CRITERION_CUTOFF = 10


@dataclass(frozen=True, slots=True)
class Comparison:
    """What was chosen and how it did, for the lists that could be judged and the models that competed.

    Args:
        settings: chosen settings by model and list.
        champions: model by list, the best validation NDCG@10 (equals go to the simpler model), unless that is
            worse on test than the one in force.
        champion_reasons: why, by list.
        ranked: lists by split ("validation", "test"), model and list.
        data: the two splits by name.
        history: training records on the data before validation, by model that is trained.
        grids: validation NDCG@10 of all settings, by model: (settings, {list: value}).
    """

    settings: dict[str, dict[str, Settings]]
    champions: dict[str, str]
    champion_reasons: dict[str, str]
    ranked: dict[str, dict[str, dict[str, Ranked]]]
    data: dict[str, SplitData]
    history: dict[str, TrainHistory]
    grids: dict[str, list[tuple[Settings, dict[str, float]]]]


def compare_models(
    feasibility: Feasibility,
    texts: TextVectors,
    attributes: ItemAttributes,
    config: RecommenderConfig,
    *,
    seed: int,
    device: torch.device,
    in_force: Mapping[str, str] = MappingProxyType({}),
    progress: Callable[[int, int], None] | None = None,
    checkpoints: Path | None = None,
    watch: Watch = UNWATCHED,
) -> Comparison:
    """Choose on the first split, report on the second.

    Args:
        feasibility: the history, cut into validation and test, with at least one list that can be judged, and
            the models that compete.
        texts: text vectors of the catalogue.
        attributes: of its items.
        config: grids and sizes.
        seed: of every random choice.
        device: where the torch recommender runs.
        in_force: the champions of the run before, by list.
        progress: called with (done, total), a model on validation or one of its lists on test at a time.
        checkpoints: folder of trainings that were interrupted, a folder for each split; they must be of the
            same arguments.
        watch: who is told how trainings get on.
    """
    data, lists, models = feasibility.data, feasibility.lists, feasibility.models
    test = data["test"]
    tick = _counter(progress, (1 + len(lists)) * len(models))
    common = {"seed": seed, "device": device, "watch": watch}
    folders = {name: checkpoints and checkpoints / name for name in data}
    workshop = Workshop(
        data["validation"].past,
        data["validation"].cut,
        texts,
        attributes,
        config,
        checkpoints=folders["validation"],
        **common,
    )
    chooser = _Chooser(feasibility, config, workshop)
    del workshop
    for name in models:
        chooser.choose(name)
        tick()
    workshop = Workshop(test.past, test.cut, texts, attributes, config, checkpoints=folders["test"], **common)
    for settings in chooser.settings.get("second_stage", {}).values():
        # What it learns from for the test split is the validation window, whose models are at hand.
        window = test.past.between(chooser.workshop.now, test.cut)
        workshop.take_ranker(settings, chooser.workshop.learn_ranker(settings, window))
    del chooser.workshop  # large, and the test split brings its own
    judge = Judge(test, config.block_users)
    tested: dict[str, dict[str, Ranked]] = {name: {} for name in models}
    for list_name in lists:
        for name in models:
            model = workshop.fit(chooser.settings[name][list_name])
            tested[name] |= judge.rank(model, chooser.depth, [list_name])
            tick()
    ranked = {"validation": chooser.ranked, "test": tested}
    champions, reasons = {}, {}
    for of in lists:
        best = max(models, key=lambda name, of=of: ranked["validation"][name][of].ndcg(CRITERION_CUTOFF))
        on_test = {name: by_list[of] for name, by_list in tested.items()}
        champions[of], reasons[of] = pass_gate(best, in_force.get(of), on_test, CRITERION_CUTOFF, seed)
    return Comparison(chooser.settings, champions, reasons, ranked, data, chooser.history, chooser.tried)


class _Chooser:
    """Chooses settings on the validation split."""

    def __init__(self, feasibility: Feasibility, config: RecommenderConfig, workshop: Workshop) -> None:
        data = feasibility.data["validation"]
        self.config = config
        self.lists = feasibility.lists
        self.window_days = feasibility.windows.days
        self.judge = Judge(data, config.block_users)
        self.workshop = workshop
        self.depth = max(*config.cutoffs, CRITERION_CUTOFF, candidate_count(config))
        self.history: dict[str, TrainHistory] = {}
        self.settings: dict[str, dict[str, Settings]] = {}
        self.ranked: dict[str, dict[str, Ranked]] = {}
        self.tried: dict[str, list[tuple[Settings, dict[str, float]]]] = {}

    def choose(self, name: str) -> None:
        """Take the best settings of a model for each list, the first of equals."""
        self.settings[name], self.ranked[name], self.tried[name] = {}, {}, []
        best: dict[str, float] = {}
        for settings, lists in self._candidates(name):
            ranked = self.judge.rank(self.workshop.fit(settings), self.depth, lists)
            values = {of: lists.ndcg(CRITERION_CUTOFF) for of, lists in ranked.items()}
            self.tried[name].append((settings, values))
            for list_name, value in values.items():
                if list_name not in best or value > best[list_name]:
                    best[list_name] = value
                    self.settings[name][list_name] = settings
                    self.ranked[name][list_name] = ranked[list_name]

    def _candidates(self, name: str) -> Iterator[tuple[Settings, Sequence[str]]]:
        if name == "two_tower":
            self._train_two_tower()
        if name == "transformer":
            yield self._train_transformer(), self.lists
            return
        if name in BLENDED:
            for list_name in self.lists:
                parts = [self.settings[part][list_name] for part in BLENDED[name]]
                for settings in blend_grid(name, parts, self.config):
                    yield settings, [list_name]
            return
        if name == "second_stage":
            for list_name in self.lists:
                yield self._second_stage(list_name), [list_name]
            return
        for settings in grid(name, self.config, self.window_days):
            if name == "two_tower":
                settings = replace(
                    settings, train=replace(settings.train, stop_after=self.history[name].best_epoch)
                )
            yield settings, self.lists

    def _second_stage(self, list_name: str) -> Settings:
        """The only settings there are: those chosen for its parts, the best of which leads."""
        parts = {name: self.settings[name][list_name] for name in HEARD if name in self.settings}
        leader = max(parts, key=lambda name: self.ranked[name][list_name].ndcg(CRITERION_CUTOFF))
        return second_stage_settings(parts, leader, list_name, self.config, self.window_days)

    def _train_two_tower(self) -> None:
        trained = self.workshop.two_tower(
            two_tower_settings(self.config, 1.0, self.window_days),
            judge=self._early_ndcg,
            judge_every=self.config.judge_every,
            patience=self.config.patience,
        )
        self.history["two_tower"] = trained.history

    def _train_transformer(self) -> SequenceTrainSettings:
        """Trained until the lists get no better; returns the settings that stop there."""
        settings = SequenceTrainSettings.of(self.config)
        # Not a method: other processes may be sent it, without the workshop.
        judge = partial(_ndcg, self.judge, self.lists[-1])
        progress = self.workshop.transformer(settings, judge=judge).progress
        judged = dict(enumerate(progress.quality, start=1))
        self.history["transformer"] = TrainHistory(progress.loss, judged)
        return replace(settings, epochs=progress.best_epoch)

    def _early_ndcg(self, model) -> float:
        # The towers matter for new items alone, so discover decides where it can; the weight in the middle of
        # the grid stands for all.
        weights = sorted(self.config.personal_weights)
        return _ndcg(self.judge, self.lists[-1], model.with_weight(weights[len(weights) // 2]))


def _ndcg(judge: Judge, list_name: str, model: Scorer) -> float:
    return judge.rank(model, CRITERION_CUTOFF, [list_name])[list_name].ndcg(CRITERION_CUTOFF)


def _counter(progress: Callable[[int, int], None] | None, total: int) -> Callable[[], None]:
    done = 0

    def tick() -> None:
        nonlocal done
        done += 1
        if progress:
            progress(done, total)

    return tick
