"""Waiting longer after each failure."""

from __future__ import annotations

import pytest

from gamesession.kube.backoff import Backoff


def test_delays_double_up_to_the_longest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("random.uniform", lambda low, high: high)
    backoff = Backoff(1, 5)
    assert [backoff.delay() for _ in range(5)] == [1, 2, 4, 5, 5]
    backoff.reset()
    assert backoff.delay() == 1


def test_each_is_cut_by_up_to_a_half_so_that_many_do_not_return_as_one() -> None:
    delays = {Backoff(8, 8).delay() for _ in range(100)}
    assert len(delays) > 1
    assert all(4 <= each <= 8 for each in delays)
