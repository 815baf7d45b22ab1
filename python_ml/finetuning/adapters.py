"""LoRA and AdaLoRA adapters on an encoder: added, counted, taken out as arrays."""

from typing import Any

import numpy as np
import torch
from peft import AdaLoraConfig, LoraConfig, PeftModel, get_peft_model, get_peft_model_state_dict
from transformers import PreTrainedModel

from python_ml.config import FineTuningConfig


def add_adapter(model: PreTrainedModel, config: FineTuningConfig, total_steps: int, seed: int) -> PeftModel:
    """Freeze a model and add small trainable matrices to its linear layers.

    Args:
        model: the encoder, float32.
        config: which method, which rank, which layers.
        total_steps: steps of training; AdaLoRA spreads its cuts of rank over them.
        seed: of the matrices' first values.

    Source:
        Hu et al. 2022, LoRA; Zhang et al. 2023, AdaLoRA, whose budget falls from 1.5 x rank to rank between
        the first fifth and the last third of the steps.
    """
    common = {
        "target_modules": list(config.target_modules),
        "layers_to_transform": _top_layers(model, config.top_layers),
        "exclude_modules": r".*pooler.*",  # no vector comes from there, so nothing would teach it
        "lora_alpha": config.alpha,
    }
    if config.method == "lora":
        adapter = LoraConfig(r=config.rank, **common)
    else:
        adapter = AdaLoraConfig(
            init_r=round(1.5 * config.rank),
            target_r=config.rank,
            tinit=total_steps // 5,
            tfinal=total_steps // 3,
            deltaT=max(total_steps // 50, 1),
            total_step=total_steps,
            **common,
        )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return get_peft_model(model, adapter)


def _top_layers(model: PreTrainedModel, count: int | None) -> list[int] | None:
    if count is None:
        return None
    layers = model.config.num_hidden_layers
    return list(range(max(layers - count, 0), layers))


def orthogonality(model: PeftModel) -> torch.Tensor:
    """How far AdaLoRA's singular vectors are from orthogonal, the mean over its matrices.

    Source:
        Zhang et al. 2023, AdaLoRA, equation 4: ||P^T P - I|| and ||Q Q^T - I||, Frobenius norms.
    """
    distances = []
    for name, parameter in model.named_parameters():
        if "lora_A" in name or "lora_B" in name:
            rows = parameter if "lora_A" in name else parameter.T
            distances.append((rows @ rows.T - torch.eye(len(rows), device=rows.device)).norm())
    return torch.stack(distances).mean()


def count_trainable(model: torch.nn.Module) -> int:
    """Number of values that training changes."""
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)


def adapter_arrays(model: PeftModel) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """What a folder that `load_model` reads must hold.

    Returns:
        The tensors of adapter_model.safetensors, and the content of adapter_config.json.
    """
    tensors = get_peft_model_state_dict(model)
    arrays = {name: tensor.detach().float().cpu().numpy() for name, tensor in tensors.items()}
    settings = model.peft_config["default"].to_dict()
    return arrays, {name: _plain(value) for name, value in settings.items()}


def _plain(value: Any) -> Any:
    """JSON knows no sets and no enumerations."""
    if isinstance(value, set):
        return sorted(value)
    return getattr(value, "value", value)
