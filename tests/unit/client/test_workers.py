"""Threads that come when they are needed."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from typing import Any

import pytest

from gamesession.client import workers
from gamesession.client.workers import Workers


def test_jobs_tell_their_outcome() -> None:
    pool = Workers()
    assert pool.submit(lambda: 7).result(60) == 7
    with pytest.raises(ZeroDivisionError):
        pool.submit(lambda: 1 // 0).result(60)


def test_those_that_hang_keep_no_others_from_running() -> None:
    pool, go_on = Workers(), threading.Event()
    hanging = [pool.submit(go_on.wait) for _ in range(workers.MOST_THREADS - 1)]
    assert [pool.submit(lambda: 1).result(60) for _ in range(100)] == [1] * 100
    go_on.set()
    assert all(each.result(60) for each in hanging)


def test_there_are_no_more_threads_than_that(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "MOST_THREADS", 2)
    pool, go_on = Workers(), threading.Event()
    names: set[int] = set()

    def work() -> None:
        go_on.wait()
        names.add(threading.get_ident())

    jobs = [pool.submit(work) for _ in range(20)]
    go_on.set()
    for job in jobs:
        job.result(60)
    assert len(names) <= 2


def test_threads_are_daemons_and_end_when_there_is_nothing_to_do() -> None:
    thread = Workers().submit(threading.current_thread).result(60)
    assert thread.daemon
    thread.join(60)
    assert not thread.is_alive()


def test_where_no_thread_can_be_started_the_caller_does_the_work(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As from Python 3.12 on at interpreter exit."""

    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't create new thread at interpreter shutdown")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    pool = Workers()
    done: list[Future[Any]] = [pool.submit(threading.get_ident) for _ in range(3)]
    assert [each.result(0) for each in done] == [threading.get_ident()] * 3
