"""Devices: what is found, what is refused, and which precision is native."""

from types import SimpleNamespace

import pytest
import torch

from python_ml import device
from python_ml.errors import DeviceError


@pytest.fixture
def two_gpus(monkeypatch):
    """A machine with two CUDA devices and no MPS, as far as `device` can tell."""
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)


@pytest.fixture
def no_accelerator(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)


@pytest.mark.usefixtures("two_gpus")
def test_auto_prefers_the_first_gpu():
    assert device.available_devices() == ["cuda:0", "cuda:1", "cpu"]
    assert device.resolve_device("auto") == torch.device("cuda:0")
    assert device.resolve_device("cuda") == torch.device("cuda:0")
    assert device.resolve_device("cuda:1") == torch.device("cuda:1")


def test_auto_takes_mps_before_the_processor(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert device.resolve_device("auto") == torch.device("mps")


@pytest.mark.usefixtures("no_accelerator")
def test_auto_falls_back_to_the_processor():
    assert device.resolve_device("auto") == torch.device("cpu")


@pytest.mark.usefixtures("no_accelerator")
@pytest.mark.parametrize("asked", ["cuda", "cuda:0", "mps", "gpu", "", "cpu:1"])
def test_a_device_that_is_not_there_is_refused_with_what_is(asked):
    with pytest.raises(DeviceError, match='use "auto", or one of: cpu') as caught:
        device.resolve_device(asked)
    assert repr(asked) in str(caught.value)


@pytest.mark.parametrize(
    ("capabilities", "expected"),
    [
        ({"avx2": True, "avx512_f": True, "avx512_bf16": False}, torch.float32),
        ({"avx512_bf16": True}, torch.bfloat16),
        ({"amx_bf16": True}, torch.bfloat16),
        ({"amx_tile": True}, torch.float32),
        ({"neon": True, "bf16": True}, torch.float32),
        ({"sve_bf16": True}, torch.bfloat16),
    ],
)
def test_processor_precision_follows_its_instructions(monkeypatch, capabilities, expected):
    monkeypatch.setattr(torch, "cpu", SimpleNamespace(get_capabilities=lambda: capabilities))
    assert device.inference_dtype(torch.device("cpu")) is expected


def test_a_torch_that_cannot_tell_means_float32(monkeypatch):
    monkeypatch.setattr(torch, "cpu", SimpleNamespace())
    assert device.inference_dtype(torch.device("cpu")) is torch.float32


def test_mps_stays_at_float32():
    assert device.inference_dtype(torch.device("mps")) is torch.float32
