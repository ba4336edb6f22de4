"""Whether the API server answers, and since when again."""

from __future__ import annotations

import pytest

from gamesession.kube.contact import Contact


class Clock:
    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def contact(clock: Clock) -> Contact:
    return Contact(clock)


def test_there_is_none_before_the_first_answer(contact: Contact, clock: Clock) -> None:
    clock.seconds += 10
    assert contact.lost
    assert contact.seconds() == 0


def test_it_stands_since_the_first_answer(contact: Contact, clock: Clock) -> None:
    contact.succeeded()
    clock.seconds += 10
    contact.succeeded()
    assert contact.seconds() == 10


def test_one_request_without_an_answer_ends_it(contact: Contact, clock: Clock) -> None:
    contact.succeeded()
    clock.seconds += 10
    contact.failed()
    clock.seconds += 10
    assert contact.lost
    assert contact.seconds() == 0


def test_regained_it_begins_anew(contact: Contact, clock: Clock) -> None:
    contact.succeeded()
    clock.seconds += 10
    contact.failed()
    contact.succeeded()
    clock.seconds += 3
    assert contact.seconds() == 3


def test_who_wants_to_know_is_told_each_time_it_is_regained(contact: Contact) -> None:
    told: list[float] = []
    contact.on_regained = lambda: told.append(contact.seconds())
    for _ in range(2):
        contact.failed()
        contact.succeeded()
        contact.succeeded()
    assert told == [0, 0]
