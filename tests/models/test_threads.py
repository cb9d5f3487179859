import importlib.util
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from subtrait.errors import MissingExtra
from subtrait.models.threads import on_threads, set_threads


def of_a_new_thread():
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(torch.get_num_threads).result()


def test_torch_takes_as_many_threads_as_it_is_told(threads):
    set_threads(torch.get_num_threads() + 1)
    assert torch.get_num_threads() == of_a_new_thread() == 2


def test_inside_it_takes_so_many_and_outside_as_before_also_after_a_failure(threads):
    threads(2)
    with on_threads(3):
        assert torch.get_num_threads() == of_a_new_thread() == 3
    assert torch.get_num_threads() == of_a_new_thread() == 2
    with pytest.raises(ValueError, match="inside"), on_threads(3):
        raise ValueError("inside")
    assert torch.get_num_threads() == of_a_new_thread() == 2


def test_without_torch_the_error_says_how_to_install_it(monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "torch" else find(name))
    with pytest.raises(MissingExtra, match=r"pip install"):
        set_threads(1)
    with pytest.raises(MissingExtra, match=r"pip install"), on_threads(1):
        pass
