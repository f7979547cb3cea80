"""Who comes first leads; who is interrupted leaves nobody waiting."""

from __future__ import annotations

import threading
import time

import pytest

from candid.recording.gathering import Gathering, Ticket

PATIENCE = 20


class Work:
    """Settles batches; a batch that has the name "wait" in it is held up until it is let go."""

    def __init__(self):
        self.batches, self.go, self.inside = [], threading.Event(), threading.Event()
        self.gathering = Gathering(self, lambda: RuntimeError("broken off"))

    def __call__(self, batch):
        self.batches.append([ticket.name for ticket in batch])
        if any(ticket.name == "wait" for ticket in batch):
            self.inside.set()
            assert self.go.wait(PATIENCE)
        for ticket in batch:
            if ticket.name == "interrupt":
                raise KeyboardInterrupt
            ticket.settle(ValueError(ticket.name) if ticket.name == "bad" else None)

    def hand_in(self, name, results=None):
        ticket = Named(name)
        try:
            self.gathering.hand_in(ticket)
            outcome = "done"
        except BaseException as error:
            outcome = repr(error)
            if results is None:
                raise
        if results is not None:
            results[name] = outcome
        return ticket


class Named(Ticket):
    __slots__ = ("name",)

    def __init__(self, name):
        super().__init__()
        self.name = name


def threads(work, names, results):
    started = []
    for name in names:
        thread = threading.Thread(target=work.hand_in, args=(name, results), daemon=True)
        thread.start()
        started.append(thread)
        queued(work, len(started))
    return started


def queued(work, count):
    until = time.monotonic() + PATIENCE
    while len(work.gathering._waiting) < count and time.monotonic() < until:
        time.sleep(0.001)


def busy(work, results):
    """A thread that leads and is held up."""
    thread = threading.Thread(target=work.hand_in, args=("wait", results), daemon=True)
    thread.start()
    assert work.inside.wait(PATIENCE)
    return thread


def test_a_lone_caller_waits_for_nobody():
    work = Work()
    work.hand_in("a")
    work.hand_in("b")
    assert work.batches == [["a"], ["b"]]


def test_what_comes_meanwhile_is_the_next_batch_in_order():
    work, results = Work(), {}
    first = busy(work, results)
    others = threads(work, ["a", "b", "c"], results)
    work.go.set()
    for thread in (first, *others):
        thread.join(PATIENCE)
    assert work.batches == [["wait"], ["a", "b", "c"]]
    assert set(results.values()) == {"done"}


def test_each_caller_gets_its_own_error():
    work, results = Work(), {}
    first = busy(work, results)
    others = threads(work, ["a", "bad", "c"], results)
    work.go.set()
    for thread in (first, *others):
        thread.join(PATIENCE)
    assert results == {"wait": "done", "a": "done", "bad": "ValueError('bad')", "c": "done"}


def test_who_leads_is_interrupted_and_the_others_are_told():
    work, results = Work(), {}
    first = busy(work, results)
    others = threads(work, ["a", "interrupt", "c"], results)
    work.go.set()
    for thread in (first, *others):
        thread.join(PATIENCE)
    # "a" leads, as it came first, so the interrupt is its own.
    assert results["a"] == "KeyboardInterrupt()"
    assert results["c"] == results["interrupt"] == "RuntimeError('broken off')"
    work.hand_in("next")  # nobody believes that somebody leads


@pytest.mark.parametrize("which", [0, 1, 2])
def test_who_waits_is_interrupted_and_nobody_waits_for_it(which):
    work, results = Work(), {}
    first = busy(work, results)

    class Interrupted:
        """In the place of a lock: an interrupt comes while its caller waits."""

        def __init__(self):
            self.released = threading.Event()

        def acquire(self):
            raise KeyboardInterrupt

        def release(self):
            self.released.set()

    names = ["a", "b", "c"]
    others = threads(work, names[:which], results)
    ticket = Named("gone")
    ticket.called = Interrupted()
    with pytest.raises(KeyboardInterrupt):
        work.gathering.hand_in(ticket)
    others += threads(work, names[which:], results)
    work.go.set()
    for thread in (first, *others):
        thread.join(PATIENCE)
        assert not thread.is_alive()
    assert work.batches == [["wait"], names]


def test_an_heir_that_is_interrupted_passes_the_lead_on():
    work, results = Work(), {}
    first = busy(work, results)
    ticket, called, gone = Named("gone"), threading.Event(), threading.Event()

    class Late:
        """The interrupt comes just after the lead was passed to this caller."""

        def acquire(self):
            assert called.wait(PATIENCE)
            raise KeyboardInterrupt

        def release(self):
            called.set()

    ticket.called = Late()

    def hand_in():
        try:
            work.gathering.hand_in(ticket)
        except KeyboardInterrupt:
            gone.set()

    heir = threading.Thread(target=hand_in, daemon=True)
    heir.start()
    queued(work, 1)
    other = threading.Thread(target=work.hand_in, args=("b", results), daemon=True)
    other.start()
    queued(work, 2)
    work.go.set()
    for thread in (first, heir, other):
        thread.join(PATIENCE)
        assert not thread.is_alive()
    assert gone.is_set()
    assert work.batches == [["wait"], ["b"]]


def test_many_threads_are_all_served_once():
    count, seen = 64, []
    gathering = Gathering(lambda batch: [seen.append(t) or t.settle() for t in batch], RuntimeError)

    def come():
        for _ in range(50):
            gathering.hand_in(Ticket())

    started = [threading.Thread(target=come) for _ in range(count)]
    for thread in started:
        thread.start()
    for thread in started:
        thread.join(PATIENCE)
    assert len(seen) == len({id(ticket) for ticket in seen}) == 50 * count


def test_the_first_word_on_a_ticket_holds():
    ticket = Ticket()
    ticket.settle()
    ticket.settle(ValueError())
    assert ticket.error is None
