"""A causal transformer over packed histories: every position says what its user takes next.

All dense layers work on the T real positions alone. Attention is laid out as (B, L) for its own two products
only, with whatever lies outside a user's own past masked. What two positions of a history mean to each
other depends on how many items lie between them and, where days are known, on the days between them; a
position as such has no vector, so nothing ties a habit to a place in the history.

An item's vector is its own plus those of its attributes (brand, category ...), which it shares with other
items: few items of a catalogue are bought often enough to say by themselves what they are like.

Networks that differ in their first weights alone err differently where there is little to learn from, which
is most of a catalogue: several are trained together, and the mean of their logits is the model.

Shapes: B histories, L length of the longest, T items of all of them, D dimensions, H heads, E = D / H.

Source: Kang and McAuley, "Self-attentive sequential recommendation", 2018; SwiGLU: Shazeer, "GLU variants
improve transformer", 2020; the bias by time: Zhai et al., "Actions speak louder than words" (HSTU), 2024;
several networks: Lakshminarayanan et al., "Simple and scalable predictive uncertainty estimation using deep
ensembles", 2017.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from python_ml.recommender.item_attributes import AttributeVectors, ItemAttributes
from python_ml.recommender.sequence.sequences import Sequences

GAP_BUCKETS = 20  # powers of two: same day, up to 1 day, 2, 4 ... 2**18
INITIAL_DEVIATION = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class TransformerSettings:
    """Size of the network. What `RecommenderConfig` sets has no default here.

    Args:
        dimension: D, a multiple of `heads`.
        heads: attention heads.
        blocks: layers of attention and feed-forward.
        length: latest items of a history that are read.
        dropout: share of activations that is dropped in training.
        expansion: width of the feed-forward layer as a multiple of D.
    """

    dimension: int
    heads: int
    blocks: int
    length: int
    dropout: float
    expansion: int = 2


@dataclass(frozen=True, slots=True)
class PackedBatch:
    """Histories on a device.

    Args:
        item: (T,) int64.
        row: (T,) int64, whose item it is.
        place: (T,) int64, place in that history from 0.
        day: (T,) float32, days since the history's first item; None where unknown.
        count: B.
        longest: L.
    """

    item: torch.Tensor
    row: torch.Tensor
    place: torch.Tensor
    day: torch.Tensor | None
    count: int
    longest: int

    @classmethod
    def of(cls, histories: Sequences, device: torch.device) -> "PackedBatch":
        """Move histories, already cut to the network's length, to a device."""
        user = histories.user
        place = np.arange(len(histories.item)) - histories.offset[user]
        day = None
        if histories.has_days:
            since = histories.day - histories.day[histories.offset[user]]
            day = torch.from_numpy(since.astype(np.float32)).to(device)
        item, row, place = (torch.from_numpy(part).to(device) for part in (histories.item, user, place))
        return cls(item, row, place, day, len(histories), int(histories.size.max(initial=0)))

    def padded(self, value_TX: torch.Tensor) -> torch.Tensor:
        """(B, L, ...) with zeros where a history has no item."""
        laid_out = value_TX.new_zeros(self.count, self.longest, *value_TX.shape[1:])
        return laid_out.index_put((self.row, self.place), value_TX)

    def packed(self, value_BLX: torch.Tensor) -> torch.Tensor:
        """(T, ...), the inverse of `padded`."""
        return value_BLX[self.row, self.place]


class ItemVectors(nn.Module):
    """A vector for every item: its own plus that of its attributes.

    Args:
        n_items: size of the catalogue.
        dimension: D.
        attributes: of the items; None where nothing is known.
    """

    def __init__(self, n_items: int, dimension: int, attributes: ItemAttributes | None) -> None:
        super().__init__()
        self.own = nn.Embedding(n_items, dimension)
        self.attribute = AttributeVectors.of(attributes, dimension)

    def forward(self, item: torch.Tensor) -> torch.Tensor:
        """(M, D) vectors of items (M,)."""
        vector_MD = self.own(item)
        return vector_MD if self.attribute is None else vector_MD + self.attribute(item)

    def all(self) -> torch.Tensor:
        """(n_items, D) vectors of the whole catalogue."""
        own_ID = self.own.weight
        return own_ID if self.attribute is None else own_ID + self.attribute(slice(None))


class SequenceTransformer(nn.Module):
    """Item vectors in, vectors of what comes next out.

    Args:
        n_items: size of the catalogue.
        settings: size of the network.
        has_days: whether histories carry days.
        attributes: of the items; None where nothing is known.
        generator: makes the initial weights; on the CPU.
    """

    def __init__(
        self,
        n_items: int,
        settings: TransformerSettings,
        *,
        has_days: bool,
        attributes: ItemAttributes | None = None,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        self.settings = settings
        self.item = ItemVectors(n_items, settings.dimension, attributes)
        self.blocks = nn.ModuleList(_Block(settings, has_days) for _ in range(settings.blocks))
        self.norm = nn.LayerNorm(settings.dimension)
        self.dropout = nn.Dropout(settings.dropout)
        with torch.no_grad():
            for parameter in self.parameters():
                if parameter.ndim > 1:
                    parameter.normal_(std=INITIAL_DEVIATION, generator=generator)
            for block in self.blocks:
                block.start_neutral(generator)

    def forward(self, batch: PackedBatch) -> torch.Tensor:
        """(T, D), the next-item vector at every position; its dot product with an item vector is a logit."""
        # Vectors this short would drown in the first layer's output.
        hidden_TD = self.dropout(self.item(batch.item) * self.settings.dimension**0.5)
        for block in self.blocks:
            hidden_TD = block(hidden_TD, batch)
        return self.norm(hidden_TD)


class _Block(nn.Module):
    def __init__(self, settings: TransformerSettings, has_days: bool) -> None:
        super().__init__()
        size, wide = settings.dimension, settings.dimension * settings.expansion
        self.heads, self.drop = settings.heads, settings.dropout
        self.attention_norm, self.feed_norm = nn.LayerNorm(size), nn.LayerNorm(size)
        self.query_key_value = nn.Linear(size, 3 * size, bias=False)
        self.attention_out = nn.Linear(size, size, bias=False)
        self.gate_and_value = nn.Linear(size, 2 * wide, bias=False)
        self.feed_out = nn.Linear(wide, size, bias=False)
        self.distance_bias = nn.Parameter(torch.zeros(settings.heads, settings.length))
        self.gap_bias = nn.Parameter(torch.zeros(settings.heads, GAP_BUCKETS)) if has_days else None

    def start_neutral(self, generator: torch.Generator) -> None:
        """Maps keep the scale of what they are given; no distance means anything yet."""
        for layer in (self.query_key_value, self.attention_out, self.gate_and_value, self.feed_out):
            layer.weight.normal_(std=layer.in_features**-0.5, generator=generator)
        self.distance_bias.zero_()
        if self.gap_bias is not None:
            self.gap_bias.zero_()

    def forward(self, hidden_TD: torch.Tensor, batch: PackedBatch) -> torch.Tensor:
        hidden_TD = hidden_TD + self._dropped(self._attend(self.attention_norm(hidden_TD), batch))
        gate, value = self.gate_and_value(self.feed_norm(hidden_TD)).chunk(2, dim=-1)
        return hidden_TD + self._dropped(self.feed_out(functional.silu(gate) * value))

    def _attend(self, hidden_TD: torch.Tensor, batch: PackedBatch) -> torch.Tensor:
        heads_T3HE = self.query_key_value(hidden_TD).unflatten(-1, (3, self.heads, -1))
        query, key, value = batch.padded(heads_T3HE).permute(2, 0, 3, 1, 4)
        mixed_BHLE = functional.scaled_dot_product_attention(
            query, key, value, self._bias(batch).to(query.dtype), self.drop if self.training else 0.0
        )
        return self.attention_out(batch.packed(mixed_BHLE.transpose(1, 2)).flatten(1))

    def _bias(self, batch: PackedBatch) -> torch.Tensor:
        """(B or 1, H, L, L). Padding follows a history's end, so hiding what comes later hides it too."""
        place = torch.arange(batch.longest, device=batch.item.device)
        distance = place[:, None] - place
        bias = self.distance_bias[:, distance.clamp(min=0)][None]
        if self.gap_bias is not None:
            day_BL = batch.padded(batch.day)
            days_BLL = (day_BL[:, :, None] - day_BL[:, None]).clamp(min=0)
            bucket = torch.log2(days_BLL).clamp(min=-1).add(2).long().clamp(max=GAP_BUCKETS - 1)
            bucket = torch.where(days_BLL > 0, bucket, 0)
            bias = bias + self.gap_bias[:, bucket].transpose(0, 1)
        return bias.masked_fill(distance < 0, -torch.inf)

    def _dropped(self, value: torch.Tensor) -> torch.Tensor:
        return functional.dropout(value, self.drop, self.training)


class Ensemble(nn.Module):
    """Several networks of one size.

    Args:
        members: how many.

    The others are those of `SequenceTransformer`.
    """

    def __init__(
        self,
        n_items: int,
        settings: TransformerSettings,
        *,
        members: int,
        has_days: bool,
        attributes: ItemAttributes | None = None,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        self.settings = settings
        self.members = nn.ModuleList(
            SequenceTransformer(
                n_items, settings, has_days=has_days, attributes=attributes, generator=generator
            )
            for _ in range(members)
        )


class NextItemTransformer:
    """Trained networks as a model that scores.

    Args:
        network: in evaluation mode.
    """

    def __init__(self, network: Ensemble) -> None:
        self.network = network
        with torch.no_grad():
            self._items = [member.item.all() for member in network.members]

    @torch.no_grad()
    def score(self, histories: Sequences) -> torch.Tensor:
        """(B, n_items) float32 logits of what comes next, of each network or, if several, their mean; zeros
        for an empty history.
        """
        known = np.flatnonzero(histories.size > 0)
        logits = self._items[0].new_zeros(len(histories), len(self._items[0]))
        if len(known) == 0:
            return logits
        latest = histories.take(known).tail(self.network.settings.length)
        batch = PackedBatch.of(latest, logits.device)
        row, last = (torch.from_numpy(part) for part in (known, latest.offset[1:] - 1))
        for member, item_ID in zip(self.network.members, self._items, strict=True):
            last_BD = item_ID.new_zeros(len(histories), item_ID.shape[1])
            last_BD[row] = member(batch)[last]
            logits.addmm_(last_BD, item_ID.T, alpha=1 / len(self._items))
        return logits
