"""Which device computes, and in which precision it does so natively.

Nothing here changes global state: the caller passes the answer on.
"""

import torch

from python_ml.errors import DeviceError

# Instruction sets that multiply bfloat16 in hardware and that torch's kernels use: x86 servers, and Arm
# servers with SVE. Elsewhere bfloat16 is emulated and slower than float32.
_NATIVE_BF16_INSTRUCTIONS = ("amx_bf16", "avx512_bf16", "sve_bf16")


def available_devices() -> list[str]:
    """Devices this process can use, fastest first.

    Returns:
        Names such as ["cuda:0", "cuda:1", "cpu"]; always ends with "cpu".
    """
    names = [f"cuda:{index}" for index in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        names.append("mps")
    return [*names, "cpu"]


def resolve_device(asked: str) -> torch.device:
    """Turn a setting into a device that is really there.

    Args:
        asked: "auto" (CUDA before MPS before CPU), "cpu", "mps", "cuda" or "cuda:<index>".

    Returns:
        The device; "cuda" becomes "cuda:0".

    Raises:
        DeviceError: the device is unknown or not on this machine.
    """
    available = available_devices()
    if asked == "auto":
        return torch.device(available[0])
    wanted = "cuda:0" if asked == "cuda" else asked
    if wanted not in available:
        raise DeviceError(
            f"device {asked!r} is not available",
            where="setting `device`",
            remedy=f'use "auto", or one of: {", ".join(available)}',
        )
    return torch.device(wanted)


def inference_dtype(device: torch.device) -> torch.dtype:
    """Precision to run a trained encoder in.

    Args:
        device: where it will run.

    Returns:
        bfloat16 where the device computes it natively, else float32. MPS stays at float32: its support
        depends on chip and system version, and nothing reports it.
    """
    if device.type == "cuda":
        with torch.cuda.device(device):
            native = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        native = device.type == "cpu" and _cpu_has_native_bf16()
    return torch.bfloat16 if native else torch.float32


def _cpu_has_native_bf16() -> bool:
    """Whether the processor itself, not torch's fallback kernels, multiplies bfloat16."""
    if not hasattr(torch.cpu, "get_capabilities"):
        return False  # a torch too old to tell
    capabilities = torch.cpu.get_capabilities()
    return any(capabilities.get(name, False) for name in _NATIVE_BF16_INSTRUCTIONS)
