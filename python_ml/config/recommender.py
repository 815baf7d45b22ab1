"""Settings: which recommenders compete, and how."""

from dataclasses import dataclass

from python_ml.config.checks import check_grid, check_names, check_range
from python_ml.errors import SettingError

DEVICES = ("cpu", "cuda", "mps")  # as torch names them


@dataclass(frozen=True, slots=True, kw_only=True)
class RecommenderConfig:
    """How interactions become recommendations. A tuple is a grid: its best value is chosen on validation.

    Args:
        window_days: length of the validation and of the test window, and the horizon of every probability; a
            history of less than four such windows is cut into shorter ones.
        min_judged_users: a list is judged where this many users have something to be found in each window.
        max_judged_users: of more users than this a random sample is judged, always among the whole catalogue.
        cutoffs: list lengths the metrics are reported at.
        list_length: recommendations for each user and list.
        diversity_weights: how much the items of a list should differ, against their scores: 0 = not at all,
            1 = nothing else counts. Not the best is chosen but the largest that costs no more than
        max_diversity_cost: share of the validation NDCG@10 that it may cost, interval and all.
        diversity_candidates: best items of a user that are put in another order.
        exploration_slots: last places of a list that are drawn by lot, with known odds; 0 = none.
        exploration_pool: next best items they are drawn from; a purchase there counts as many times.
        similar_length: similar items for each item.
        audience_length: users for each item that an audience is looked for.
        session_length: items for each session of a browser nobody is known behind.
        block_users: users scored at once; bounds memory.
        popularity_window_days: how far back best-sellers are counted.
        frequency_half_life_days: personal frequency: a purchase this old counts half; 0 = all count alike.
        knn_weightings: item-kNN: "cosine", "bm25", or both.
        knn_neighbours: item-kNN: neighbours kept for an item.
        knn_min_buyers: item-kNN: items with fewer buyers have no neighbours.
        sequence_length: sequential kNN: latest interactions of a user that are read.
        sequence_window: sequential kNN: interactions between two items of a user that still count together.
        sequence_gap_powers: sequential kNN: how fast they count less with what lies between; 0 = not at all.
        sequence_decays: sequential kNN: weight of an interaction relative to the one after it.
        ease_l2: EASE: ridge penalties.
        ease_half_life_days: EASE: a purchase this old counts half; 0 = all count alike.
        ease_max_side: EASE: the users or the items with interactions, whichever are fewer; with more, it does
            not compete. 8,000 take 40 s and 1.5 GB for each of `ease_l2` on two cores, beside what is kept.
        ease_max_bytes: EASE: nor with more than this in the matrix it keeps, 4 x that side x items.
        als_factors: ALS: sizes of user and item vectors.
        als_l2: ALS: ridge penalties.
        als_alphas: ALS: how much surer a purchase makes that the user likes the item.
        als_half_life_days: ALS: a purchase this old counts half; 0 = all count alike.
        als_iterations: ALS: times that users' and items' vectors are solved for in turn.
        dimension: towers: size of user and item vectors.
        min_buyers: towers: items with fewer buyers live off their text alone.
        prior_window_days: towers: how far back the popularity they add to is counted.
        personal_weights: towers: how much they count against popularity.
        blend_weights: blend of towers and EASE: weight of the towers.
        second_stage_depth: second stage: how many items the best of the other models suggests to a user.
        second_stage_min_users: second stage: users who must have something to be found in the window it
            learns from; with fewer it does not compete.
        second_stage_max_scores: second stage: nor where users x items with interactions are more than this,
            for it scores all of them with all the other models again.
        second_stage_windows: second stage: number of past windows it learns from.
        second_stage_users: second stage: users it learns from in each of them, at most.
        second_stage_epochs, second_stage_batch_users, second_stage_learning_rate, second_stage_weight_decay:
            second stage: training of its network.
        objective: towers: "sampled_softmax" or "binary_cross_entropy".
        epochs: towers: passes over the users, at most.
        epoch_users: towers: of more users than this a pass is over a sample, another one each time.
        judge_every: towers: passes between two looks at the validation window.
        patience: towers: looks without improvement after which training stops.
        batch_users, positives_per_user: towers: users in a step, and hidden items of each that count.
        hidden_share: towers: share of a user's items hidden and to be predicted from the rest.
        negatives: towers: draws of negatives in a step.
        negative_power: towers: negatives are drawn by popularity to this power.
        learning_rate, weight_decay: towers: of AdamW; only the items' own vectors decay.
        transformer_devices: transformer: devices it is trained on, "cuda", "cpu" ...; elsewhere it does not
            compete: on two cores it takes longer than all others together.
        transformer_dimension, transformer_heads, transformer_blocks: transformer: size of its vectors, a
            multiple of its attention heads, and layers.
        transformer_members: transformer: networks that are trained together, whose logits are averaged.
        transformer_length: transformer: latest interactions of a user that are read.
        transformer_dropout: transformer: share of activations dropped in training.
        transformer_epochs: transformer: passes over the users, at most.
        transformer_patience: transformer: passes without improvement on the validation window after which
            training stops.
        transformer_batch_users, transformer_negatives: transformer: users and draws of negatives in a step.
        transformer_learning_rate: transformer: of AdamW.
        transformer_workers: transformer: processes that share the users of each step, each on a CUDA device
            of its own; 1 = the run itself trains. Steps stay what they are, so more pay off with large ones.
        transformer_knn_weights: blend of sequential kNN and transformer: weight of the kNN.
        transformer_knn_temperatures: blend of the two: what the transformer's logits are divided by; the
            higher, the more items count beside its favourite.
        repeat_windows: repeat network: number of past windows it learns from.
        repeat_users: repeat network: of more users than this a sample teaches it.
        repeat_epochs, repeat_batch_pairs, repeat_learning_rate: repeat network: its training.
        best_seller_days: how far back the best-sellers of users without history are counted.
        min_cohort_buyers: cohorts with fewer buyers have no best-sellers of their own.
        similar_sold_days: only items sold within this many days are offered as similar.
    """

    window_days: int = 28
    min_judged_users: int = 20
    max_judged_users: int = 20_000
    cutoffs: tuple[int, ...] = (5, 10, 20, 50)
    list_length: int = 20
    diversity_weights: tuple[float, ...] = (0.0, 0.1, 0.2, 0.3)
    max_diversity_cost: float = 0.01
    diversity_candidates: int = 50
    exploration_slots: int = 0
    exploration_pool: int = 30
    similar_length: int = 10
    audience_length: int = 500
    session_length: int = 10
    block_users: int = 64
    popularity_window_days: tuple[int, ...] = (28, 56, 91)
    frequency_half_life_days: tuple[float, ...] = (30.0, 60.0, 120.0)
    knn_weightings: tuple[str, ...] = ("cosine", "bm25")
    knn_neighbours: tuple[int, ...] = (100, 200)
    knn_min_buyers: int = 5
    sequence_length: int = 300
    sequence_window: int = 20
    sequence_gap_powers: tuple[float, ...] = (0.0, 0.5)
    sequence_decays: tuple[float, ...] = (0.9, 1.0)
    ease_l2: tuple[float, ...] = (50.0, 200.0)
    ease_half_life_days: tuple[float, ...] = (0.0, 90.0)
    ease_max_side: int = 8_000
    ease_max_bytes: int = 2_000_000_000
    als_factors: tuple[int, ...] = (64,)
    als_l2: tuple[float, ...] = (1.0, 30.0)
    als_alphas: tuple[float, ...] = (3.0, 30.0)
    als_half_life_days: tuple[float, ...] = (0.0, 90.0)
    als_iterations: int = 15
    dimension: int = 64
    min_buyers: int = 5
    prior_window_days: int = 56
    personal_weights: tuple[float, ...] = (0.2, 0.35, 0.5)
    blend_weights: tuple[float, ...] = (0.3, 0.5, 0.7)
    second_stage_depth: int = 100
    second_stage_min_users: int = 100
    second_stage_max_scores: int = 500_000_000
    second_stage_windows: int = 2
    second_stage_users: int = 2_000
    second_stage_epochs: int = 4
    second_stage_batch_users: int = 16
    second_stage_learning_rate: float = 0.002
    second_stage_weight_decay: float = 0.01
    objective: str = "sampled_softmax"
    epochs: int = 20
    epoch_users: int = 200_000
    judge_every: int = 5
    patience: int = 2
    batch_users: int = 128
    positives_per_user: int = 64
    hidden_share: float = 0.5
    negatives: int = 2048
    negative_power: float = 0.75
    learning_rate: float = 0.005
    weight_decay: float = 0.0
    transformer_devices: tuple[str, ...] = ("cuda",)
    transformer_dimension: int = 128
    transformer_heads: int = 2
    transformer_blocks: int = 1
    transformer_members: int = 3
    transformer_length: int = 50
    transformer_dropout: float = 0.5
    transformer_epochs: int = 50
    transformer_patience: int = 5
    transformer_batch_users: int = 128
    transformer_negatives: int = 1024
    transformer_learning_rate: float = 0.002
    transformer_workers: int = 1
    transformer_knn_weights: tuple[float, ...] = (0.3, 0.5, 0.7)
    transformer_knn_temperatures: tuple[float, ...] = (2.0, 4.0, 8.0)
    repeat_windows: int = 3
    repeat_users: int = 200_000
    repeat_epochs: int = 2
    repeat_batch_pairs: int = 8192
    repeat_learning_rate: float = 0.006
    best_seller_days: int = 56
    min_cohort_buyers: int = 20
    similar_sold_days: int = 182

    def __post_init__(self) -> None:
        counts = ("window_days", "min_judged_users", "max_judged_users", "list_length",
                  "diversity_candidates", "exploration_pool", "similar_length",
                  "audience_length", "block_users", "knn_min_buyers", "sequence_length",
                  "sequence_window", "ease_max_side", "dimension", "min_buyers",
                  "prior_window_days", "second_stage_depth", "second_stage_min_users",
                  "second_stage_windows", "second_stage_users", "second_stage_epochs",
                  "second_stage_batch_users", "judge_every", "patience", "epoch_users",
                  "batch_users", "positives_per_user", "negatives", "transformer_dimension",
                  "transformer_heads", "transformer_blocks", "transformer_members", "transformer_length",
                  "als_iterations", "transformer_epochs", "transformer_patience",
                  "transformer_batch_users", "transformer_negatives", "repeat_windows",
                  "repeat_users", "repeat_batch_pairs", "best_seller_days",
                  "min_cohort_buyers", "similar_sold_days", "transformer_workers",
                  "session_length")  # fmt: skip
        check_range("recommender", self, counts, 1, 1e9)
        check_range("recommender", self, ("ease_max_bytes", "second_stage_max_scores"), 1, 1e15)
        check_range("recommender", self, ("epochs",), 1, 1e6)
        check_range("recommender", self, ("repeat_epochs",), 0, 1e6)
        check_range("recommender", self, ("hidden_share", "negative_power", "transformer_dropout"), 0.0, 1.0)
        rates = ("learning_rate", "repeat_learning_rate", "transformer_learning_rate",
                 "second_stage_learning_rate")  # fmt: skip
        check_range("recommender", self, rates, 1e-9, 1.0)
        check_range("recommender", self, ("weight_decay", "second_stage_weight_decay"), 0.0, 1e3)
        check_grid("recommender", self, ("cutoffs", "popularity_window_days", "knn_neighbours"), 1)
        check_grid("recommender", self, ("als_factors",), 1)
        half_lives = ("frequency_half_life_days", "ease_half_life_days", "als_half_life_days")
        check_grid("recommender", self, (*half_lives, "als_alphas"), 0)
        check_grid("recommender", self, ("sequence_gap_powers",), 0)
        check_grid("recommender", self, ("sequence_decays",), 1e-9, 1.0)
        check_grid("recommender", self, ("ease_l2", "als_l2"), 1e-9)
        check_grid("recommender", self, ("personal_weights", "blend_weights"), 0)
        check_grid("recommender", self, ("transformer_knn_weights",), 0.0, 1.0)
        check_grid("recommender", self, ("transformer_knn_temperatures",), 1e-9)
        check_grid("recommender", self, ("diversity_weights",), 0.0, 1.0)
        check_range("recommender", self, ("max_diversity_cost",), 0.0, 1.0)
        check_range(
            "recommender", self, ("exploration_slots",), 0, min(self.list_length, self.exploration_pool)
        )
        check_names("recommender", self, "knn_weightings", self.knn_weightings, ("cosine", "bm25"))
        check_names(
            "recommender", self, "objective", (self.objective,), ("sampled_softmax", "binary_cross_entropy")
        )
        check_names("recommender", self, "transformer_devices", self.transformer_devices, DEVICES)
        if self.max_judged_users < self.min_judged_users:
            raise SettingError(
                f"max_judged_users is {self.max_judged_users}",
                where="settings, [recommender]",
                remedy=f"use at least min_judged_users, which is {self.min_judged_users}",
            )
        if self.transformer_dimension % self.transformer_heads:
            raise SettingError(
                f"transformer_dimension is {self.transformer_dimension}",
                where="settings, [recommender]",
                remedy=f"use a multiple of transformer_heads, which is {self.transformer_heads}",
            )
