"""The models that compete, by name, and the grids of settings validation chooses from."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import torch

from python_ml.config import RecommenderConfig
from python_ml.errors import ModelError
from python_ml.recommender.als import AlsSettings, is_installed
from python_ml.recommender.blend import BlendSettings
from python_ml.recommender.counting import CountingSettings
from python_ml.recommender.data import Interactions
from python_ml.recommender.ease import EaseSettings, too_large
from python_ml.recommender.item_knn import ItemKnnSettings
from python_ml.recommender.personal_frequency import PersonalFrequencySettings
from python_ml.recommender.popularity import PopularitySettings
from python_ml.recommender.repeat import RepeatSettings
from python_ml.recommender.second_stage.ranker import RankerSettings
from python_ml.recommender.second_stage.second_stage import SecondStageSettings, cannot_learn
from python_ml.recommender.sequence.blend_sequence import SequenceBlendSettings
from python_ml.recommender.sequence.sequential_knn import SequentialKnnSettings
from python_ml.recommender.sequence.train_sequence import SequenceTrainSettings
from python_ml.recommender.sequence.transformer import TransformerSettings
from python_ml.recommender.sequence.transformer_knn import TransformerKnnSettings
from python_ml.recommender.split import Windows
from python_ml.recommender.train import TrainSettings
from python_ml.recommender.two_tower_recommender import TwoTowerSettings

# From simple to costly: of equals, the first wins. A blend comes after the models it is of, and the second
# stage, which ranks what the best of the others suggests, last. ALS is an extra: it is named, and competes,
# where its package is installed.
MODELS = (
    "popularity",
    "personal_frequency",
    "item_knn",
    "sequential_knn",
    "ease",
    *(("als",) if is_installed() else ()),
    "two_tower",
    "transformer",
    "transformer_knn",
    "two_tower_ease",
    "second_stage",
)
# The models a blend is of; it takes the settings that were chosen for them.
BLENDED = {"transformer_knn": ("sequential_knn", "transformer"), "two_tower_ease": ("two_tower", "ease")}
# Whose scores the second stage reads. Not item-kNN and the transformer: they cost most for each further cut;
# nor ALS, or what it is would depend on what is installed.
HEARD = ("popularity", "personal_frequency", "sequential_knn", "ease", "two_tower", "two_tower_ease")
# Writes a list that could not be judged; it competes with nobody.
FALLBACK = "counting"
Settings = (
    PopularitySettings
    | PersonalFrequencySettings
    | ItemKnnSettings
    | SequentialKnnSettings
    | EaseSettings
    | AlsSettings
    | TwoTowerSettings
    | SequenceTrainSettings
    | TransformerKnnSettings
    | BlendSettings
    | SecondStageSettings
    | CountingSettings
)


def left_out(
    interactions: Interactions, windows: Windows, config: RecommenderConfig, device: torch.device
) -> dict[str, str]:
    """By model that cannot compete in this shop or on this machine, why not.

    Args:
        interactions: all before the as-of date: what fits them fits every part of them.
        windows: how they are cut.
        config: the limits.
        device: where models are trained.
    """
    reasons = {}
    if reason := too_large(interactions, config):
        reasons |= {"ease": reason, "two_tower_ease": f"needs ease: {reason}"}
    if device.type not in config.transformer_devices:
        trained_on = " or ".join(config.transformer_devices)
        reason = f"trains on {trained_on} (transformer_devices), and this run is on {device.type}"
        reasons |= {"transformer": reason, "transformer_knn": f"needs transformer: {reason}"}
    if reason := cannot_learn(interactions, windows, config):
        reasons["second_stage"] = reason
    return reasons


def grid(name: str, config: RecommenderConfig, window_days: float) -> list[Settings]:
    """All settings of a model that validation chooses from; costly parts vary slowest.

    Not for blends and the second stage, which are made of others.

    Args:
        name: one of `MODELS`.
        config: the grids.
        window_days: length of a window of this history.
    """
    if name == "popularity":
        return [PopularitySettings(window_days=days) for days in config.popularity_window_days]
    if name == "personal_frequency":
        return [PersonalFrequencySettings(half_life_days=days) for days in config.frequency_half_life_days]
    if name == "item_knn":
        return [
            ItemKnnSettings(weighting=weighting, neighbours=neighbours, min_buyers=config.knn_min_buyers)
            for weighting in config.knn_weightings
            for neighbours in config.knn_neighbours
        ]
    if name == "sequential_knn":
        return [
            SequentialKnnSettings(
                length=config.sequence_length, window=config.sequence_window, gap_power=gap, decay=decay
            )
            for gap in config.sequence_gap_powers
            for decay in config.sequence_decays
        ]
    if name == "ease":
        return [
            EaseSettings(l2=l2, half_life_days=days)
            for days in config.ease_half_life_days
            for l2 in config.ease_l2
        ]
    if name == "als":
        return [
            AlsSettings(
                factors=factors, l2=l2, alpha=alpha, half_life_days=days, iterations=config.als_iterations
            )
            for factors in config.als_factors
            for days in config.als_half_life_days
            for alpha in config.als_alphas
            for l2 in config.als_l2
        ]
    if name == "transformer":
        return [SequenceTrainSettings.of(config)]
    return [two_tower_settings(config, weight, window_days) for weight in config.personal_weights]


def blend_grid(
    name: str, parts: Sequence[Settings], config: RecommenderConfig
) -> list[BlendSettings] | list[TransformerKnnSettings]:
    """The blends of models whose own settings are chosen.

    Args:
        name: one of `BLENDED`.
        parts: settings of the models it is of, in the order they have there.
        config: the grids.
    """
    first, second = parts
    if name == "two_tower_ease":
        return [
            BlendSettings(tower_weight=weight, two_tower=first, ease=second)
            for weight in config.blend_weights
        ]
    return [
        TransformerKnnSettings(
            blend=SequenceBlendSettings(knn_weight=weight, temperature=temperature),
            sequential_knn=first,
            transformer=second,
        )
        for weight in config.transformer_knn_weights
        for temperature in config.transformer_knn_temperatures
    ]


def two_tower_settings(
    config: RecommenderConfig, personal_weight: float, window_days: float
) -> TwoTowerSettings:
    """The settings of the torch recommender with one personal weight, for windows of one length."""
    return TwoTowerSettings(
        dimension=config.dimension,
        min_buyers=config.min_buyers,
        prior_window_days=config.prior_window_days,
        personal_weight=personal_weight,
        train=TrainSettings(
            objective=config.objective,
            epochs=config.epochs,
            epoch_users=config.epoch_users,
            stop_after=config.epochs,
            batch_users=config.batch_users,
            positives_per_user=config.positives_per_user,
            hidden_share=config.hidden_share,
            negatives=config.negatives,
            negative_power=config.negative_power,
            learning_rate=config.learning_rate,
            weight_decay=config.weight_decay,
        ),
        repeat=RepeatSettings(
            windows=config.repeat_windows,
            window_days=window_days,
            users=config.repeat_users,
            epochs=config.repeat_epochs,
            batch_pairs=config.repeat_batch_pairs,
            learning_rate=config.repeat_learning_rate,
        ),
    )


def second_stage_settings(
    parts: Mapping[str, Settings],
    leader: str,
    list_name: str,
    config: RecommenderConfig,
    window_days: float,
) -> SecondStageSettings:
    """The second stage over models whose own settings are chosen for a list."""
    return SecondStageSettings(
        parts=dict(parts),
        leader=leader,
        is_new_only=list_name == "discover",
        depth=config.second_stage_depth,
        windows=config.second_stage_windows,
        window_days=window_days,
        users=config.second_stage_users,
        ranker=RankerSettings(
            epochs=config.second_stage_epochs,
            batch_users=config.second_stage_batch_users,
            learning_rate=config.second_stage_learning_rate,
            weight_decay=config.second_stage_weight_decay,
        ),
    )


def settings_from(name: str, values: dict[str, Any]) -> Settings:
    """The inverse of `dataclasses.asdict` for a model's settings.

    Raises:
        ModelError: the model is unknown, or the values are not those of its settings.
    """
    kinds = {
        "popularity": PopularitySettings,
        "personal_frequency": PersonalFrequencySettings,
        "item_knn": ItemKnnSettings,
        "sequential_knn": SequentialKnnSettings,
        "ease": EaseSettings,
        "als": AlsSettings,
        "two_tower": _two_tower_from,
        "transformer": _transformer_from,
        "transformer_knn": _transformer_knn_from,
        "two_tower_ease": _blend_from,
        "second_stage": _second_stage_from,
        FALLBACK: CountingSettings,
    }
    try:
        return kinds[name](**values)
    except (KeyError, TypeError) as error:
        raise ModelError(
            f"no model {name!r} with the settings {values}",
            where="ml.model_evaluations.model_config",
            remedy="run the evaluation again with this version of the code",
        ) from error


def _two_tower_from(*, train: dict[str, Any], repeat: dict[str, Any], **values: Any) -> TwoTowerSettings:
    return TwoTowerSettings(train=TrainSettings(**train), repeat=RepeatSettings(**repeat), **values)


def _transformer_from(*, network: dict[str, Any], **values: Any) -> SequenceTrainSettings:
    return SequenceTrainSettings(network=TransformerSettings(**network), **values)


def _transformer_knn_from(
    *, blend: dict[str, Any], sequential_knn: dict[str, Any], transformer: dict[str, Any]
) -> TransformerKnnSettings:
    return TransformerKnnSettings(
        blend=SequenceBlendSettings(**blend),
        sequential_knn=SequentialKnnSettings(**sequential_knn),
        transformer=_transformer_from(**transformer),
    )


def _blend_from(*, tower_weight: float, two_tower: dict[str, Any], ease: dict[str, Any]) -> BlendSettings:
    return BlendSettings(
        tower_weight=tower_weight, two_tower=_two_tower_from(**two_tower), ease=EaseSettings(**ease)
    )


def _second_stage_from(
    *, parts: dict[str, dict[str, Any]], ranker: dict[str, Any], **values: Any
) -> SecondStageSettings:
    read = {name: settings_from(name, part) for name, part in parts.items()}
    return SecondStageSettings(parts=read, ranker=RankerSettings(**ranker), **values)


def settings_values(settings: Settings) -> dict[str, Any]:
    """Settings as nested dictionaries, for JSON."""
    return asdict(settings)
