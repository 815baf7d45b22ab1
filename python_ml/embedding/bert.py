"""BERT's forward pass over texts laid end to end, for processors.

The library's own pass works on a rectangle: texts of one batch padded to the longest, attention masked. Here
a batch is one list of tokens without padding, so that every matrix product is over real tokens alone;
attention goes over groups of texts of one length, which need no mask. Query, key and value are one product,
and the softmax is taken without subtracting the maximum, which the attention kernels of processors spend most
of their time on.

Shapes: T tokens of a batch, G texts of one length, L tokens in each, H heads of E dimensions, D = H x E.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from transformers import PreTrainedModel

# Model classes that are BERT, layer by layer. RoBERTa and its kin number positions from padding_idx + 1.
_FIRST_POSITION = {
    "BertModel": lambda embeddings: 0,
    "RobertaModel": lambda embeddings: embeddings.padding_idx + 1,
    "XLMRobertaModel": lambda embeddings: embeddings.padding_idx + 1,
    "CamembertModel": lambda embeddings: embeddings.padding_idx + 1,
}
# Sums of 2^score within these bounds lost nothing to overflow, and nothing that counts to underflow.
_SAFE_SUM = (2.0**-40, 2.0**120)


class _Linear:
    """A linear layer and what follows it, its weight laid out for the processor if torch has the means."""

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor) -> None:
        self.bias = bias
        # The layout and the fused product are what torch.compile uses on a processor; only bfloat16 gains,
        # and only processors that multiply it can.
        self.fused = weight.dtype is torch.bfloat16 and _has_fused_linear()
        self.weight = torch.ops.mkldnn._reorder_linear_weight(weight.contiguous()) if self.fused else weight

    def __call__(self, x_TD: torch.Tensor) -> torch.Tensor:
        if self.fused:
            return torch.ops.mkldnn._linear_pointwise(x_TD, self.weight, self.bias, "none", [], "none")
        return functional.linear(x_TD, self.weight, self.bias)

    def then_gelu(self, x_TD: torch.Tensor) -> torch.Tensor:
        if self.fused:
            return torch.ops.mkldnn._linear_pointwise(x_TD, self.weight, self.bias, "gelu", [], "none")
        return functional.gelu(functional.linear(x_TD, self.weight, self.bias))

    def plus(self, x_TD: torch.Tensor, other_TD: torch.Tensor) -> torch.Tensor:
        if self.fused:
            return torch.ops.mkldnn._linear_pointwise.binary(x_TD, other_TD, self.weight, self.bias, "add")
        return functional.linear(x_TD, self.weight, self.bias).add_(other_TD)


def _has_fused_linear() -> bool:
    return (
        torch.backends.mkldnn.is_available()
        and hasattr(torch.ops.mkldnn, "_linear_pointwise")
        and torch.ops.mkldnn._is_mkldnn_bf16_supported()
    )


@dataclass(frozen=True, slots=True)
class _Norm:
    weight: torch.Tensor
    bias: torch.Tensor
    epsilon: float

    @classmethod
    def of(cls, norm: nn.LayerNorm) -> "_Norm":
        return cls(norm.weight.detach(), norm.bias.detach(), norm.eps)

    def __call__(self, x_TD: torch.Tensor) -> torch.Tensor:
        return functional.layer_norm(x_TD, self.weight.shape, self.weight, self.bias, self.epsilon)


@dataclass(frozen=True, slots=True)
class _Layer:
    query_key_value: _Linear
    attention_out: _Linear
    attention_norm: _Norm
    up: _Linear
    down: _Linear
    norm: _Norm


class PackedBert:
    """A BERT-family model's weights, and its forward pass without padding.

    Args:
        model: a loaded model that `supports` accepts, on the CPU.

    Source:
        Devlin et al. 2019, BERT; Zeng et al. 2022, "Boosting distributed training performance of the unpadded
        BERT model", for packing texts end to end.
    """

    def __init__(self, model: PreTrainedModel) -> None:
        embeddings = model.embeddings
        self.heads = model.config.num_attention_heads
        self.first_position = _FIRST_POSITION[type(model).__name__](embeddings)
        self.words_VD = embeddings.word_embeddings.weight.detach()
        # Every token is of type 0 where a text is one sentence.
        token_type_D = embeddings.token_type_embeddings.weight.detach()[0]
        self.positions_PD = embeddings.position_embeddings.weight.detach() + token_type_D
        self.norm = _Norm.of(embeddings.LayerNorm)
        self.layers = [self._layer(layer) for layer in model.encoder.layer]

    @staticmethod
    def supports(model: PreTrainedModel) -> bool:
        """Whether the model is BERT as published: absolute positions, GELU, an encoder."""
        config = model.config
        return (
            type(model).__name__ in _FIRST_POSITION
            and config.hidden_act == "gelu"
            and getattr(config, "position_embedding_type", "absolute") == "absolute"
            and not getattr(config, "is_decoder", False)
        )

    def _layer(self, layer: nn.Module) -> _Layer:
        attention = layer.attention.self
        parts = (attention.query, attention.key, attention.value)
        weight_3DD = torch.stack([part.weight.detach() for part in parts])
        bias_3D = torch.stack([part.bias.detach() for part in parts])
        # 1 / sqrt(E), and powers of 2 for powers of e, are worked into the queries once.
        scale = math.log2(math.e) / math.sqrt(weight_3DD.shape[-1] // self.heads)
        scale_3 = torch.tensor([scale, 1.0, 1.0])
        weight_3DD = (weight_3DD.float() * scale_3[:, None, None]).to(weight_3DD.dtype)
        bias_3D = (bias_3D.float() * scale_3[:, None]).to(bias_3D.dtype)
        return _Layer(
            query_key_value=_Linear(weight_3DD.flatten(0, 1), bias_3D.flatten()),
            attention_out=_linear(layer.attention.output.dense),
            attention_norm=_Norm.of(layer.attention.output.LayerNorm),
            up=_linear(layer.intermediate.dense),
            down=_linear(layer.output.dense),
            norm=_Norm.of(layer.output.LayerNorm),
        )

    @torch.inference_mode()
    def last_hidden_states(self, token_ids: Sequence[Sequence[int]]) -> list[torch.Tensor]:
        """The last layer's vectors.

        Args:
            token_ids: the texts' tokens; texts of one length stand beside each other.

        Returns:
            For each run of texts of one length, in their order, a tensor (G, L, D) of the model's type.
        """
        runs = [(len(list(run)), length) for length, run in groupby(token_ids, key=len)]
        ids_T = torch.from_numpy(np.concatenate([np.asarray(ids, dtype=np.int64) for ids in token_ids]))
        positions_T = torch.cat([torch.arange(length).repeat(texts) for texts, length in runs])
        x_TD = self.norm(self.words_VD[ids_T] + self.positions_PD[positions_T + self.first_position])
        for layer in self.layers:
            attended_TD = self._attend(layer.query_key_value(x_TD), runs)
            x_TD = layer.attention_norm(layer.attention_out.plus(attended_TD, x_TD))
            x_TD = layer.norm(layer.down.plus(layer.up.then_gelu(x_TD), x_TD))
        parts = x_TD.split([texts * length for texts, length in runs])
        return [part.view(texts, length, -1) for part, (texts, length) in zip(parts, runs, strict=True)]

    def _attend(self, query_key_value: torch.Tensor, runs: list[tuple[int, int]]) -> torch.Tensor:
        width = query_key_value.shape[1] // 3
        attended_TD = query_key_value.new_empty(len(query_key_value), width)
        start = 0
        for texts, length in runs:
            here = slice(start, start + texts * length)
            heads = query_key_value[here].view(texts, length, 3, self.heads, width // self.heads)
            query, key, value = heads.permute(2, 0, 3, 1, 4).reshape(3, texts * self.heads, length, -1)
            out = attention(query, key, value).view(texts, self.heads, length, -1)
            attended_TD[here].view(texts, length, self.heads, -1).copy_(out.transpose(1, 2))
            start = here.stop
        return attended_TD


def attention(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    """Softmax attention whose scores are powers of two: softmax(q k^T ln 2) v.

    Dividing by the sum comes after the product with the values, where there is less to divide. The maximum,
    which softmax is usually shifted by, is needed only where a sum left the range of the type: then it is
    taken.

    Args:
        query, key, value: (texts x heads, L, E).

    Returns:
        (texts x heads, L, E).
    """
    weights = torch.bmm(query, key.transpose(1, 2)).exp2_()
    total = weights.sum(dim=-1, keepdim=True, dtype=torch.float32)
    lowest, highest = torch.aminmax(total)
    if not _SAFE_SUM[0] <= float(lowest) <= float(highest) <= _SAFE_SUM[1]:
        scores = torch.bmm(query, key.transpose(1, 2))
        weights = (scores - scores.amax(dim=-1, keepdim=True)).exp2_()
        total = weights.sum(dim=-1, keepdim=True, dtype=torch.float32)
    return torch.bmm(weights, value).div_(total)


def _linear(layer: nn.Linear) -> _Linear:
    return _Linear(layer.weight.detach(), layer.bias.detach())
