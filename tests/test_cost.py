"""What a notebook's last cell prints: seconds, peak memory, device and precision."""

import re
import resource
import sys
import time
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


def test_the_peak_covers_what_this_process_holds():
    held = torch.ones(2**26)  # 256 MiB
    shown = float(re.search(r"memory ([\d,]+) MiB", str(Cost(choose("cpu"))))[1].replace(",", ""))
    assert held.sum() == 2**26
    assert 256 < shown < 64 * 1024  # a wrong unit is off by 1024
