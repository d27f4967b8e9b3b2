"""What a notebook's last cell prints: seconds, peak memory, device and precision."""

import re
import resource
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from nbcode.cost import Cost
from nbcode.device import Compute, choose


@pytest.fixture
def clock(monkeypatch):
    """A clock that shows what the test sets."""
    shown = SimpleNamespace(now=100.0)
    monkeypatch.setattr(time, "perf_counter", lambda: shown.now)
    return shown


def used(monkeypatch, peak):
    """Let the system report a peak, in its own unit."""
    monkeypatch.setattr(resource, "getrusage", lambda who: SimpleNamespace(ru_maxrss=peak))


def test_the_seconds_count_from_the_start(clock):
    cost = Cost(choose("cpu", "fp32"))
    assert cost.seconds() == 0
    clock.now += 12.34
    assert cost.seconds() == pytest.approx(12.34)
    assert str(cost).startswith("12.3 s, ")
    clock.now += 1
    assert cost.seconds() == pytest.approx(13.34)


@pytest.mark.parametrize(("system", "peak"), [("linux", 1234 * 2**10), ("darwin", 1234 * 2**20)])
def test_memory_is_shown_in_mebibytes_whatever_the_systems_unit(monkeypatch, clock, system, peak):
    used(monkeypatch, peak)
    monkeypatch.setattr(sys, "platform", system)
    assert str(Cost(choose("cpu", "bf16"))) == "0.0 s, peak memory 1,234 MiB, on cpu in bf16"


def test_a_system_that_does_not_tell_is_unknown(monkeypatch, clock):
    monkeypatch.setattr(sys, "platform", "win32")
    assert str(Cost(choose("cpu", "fp32"))) == "0.0 s, peak memory unknown, on cpu in fp32"


def test_on_a_gpu_the_memory_is_the_gpus(monkeypatch, clock):
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda device: 3 * 2**30)
    compute = Compute(torch.device("cuda"), torch.float16, "played")
    assert str(Cost(compute)) == "0.0 s, peak memory 3,072 MiB, on cuda in fp16"


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak is compared with Linux's own account of it")
def test_the_peak_is_the_one_that_linux_accounts_for():
    held = torch.ones(2**24)  # 64 MiB, so that the peak is surely above it
    accounted = int(re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[1]) / 1024
    shown = float(re.search(r"memory ([\d,]+) MiB", str(Cost(choose("cpu"))))[1].replace(",", ""))
    assert held.element_size() * held.numel() / 2**20 < shown
    assert shown > 0.95 * accounted
    assert shown < 50 * accounted  # a wrong unit is off by 1024
