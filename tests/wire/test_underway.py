from __future__ import annotations

import threading
from contextlib import suppress

from candid.wire.underway import Underway


def test_waiting_ends_when_the_last_call_does():
    underway, begun, go = Underway(), threading.Barrier(4), threading.Event()

    def call(account: str) -> None:
        with underway(account):
            begun.wait(10)
            go.wait(10)

    threads = [threading.Thread(target=call, args=(account,)) for account in ("a", "a", "b")]
    for thread in threads:
        thread.start()
    begun.wait(10)
    assert underway.wait("c", seconds=0)
    assert not underway.wait("a", seconds=0.05)
    threading.Timer(0.05, go.set).start()
    assert underway.wait("a", seconds=10)
    for thread in threads:
        thread.join()
    assert underway.wait("b", seconds=10)


def test_a_call_that_raises_is_under_way_no_more():
    underway = Underway()
    with suppress(ValueError), underway("a"):
        raise ValueError
    assert underway.wait("a", seconds=0)
