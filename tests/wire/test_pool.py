from __future__ import annotations

import asyncio
import threading

import pytest

from candid.wire import Refusal
from candid.wire.pool import Pool


def test_more_calls_at_once_than_workers_and_queue(make_app, loop, wire):
    running, release = threading.Semaphore(0), threading.Event()

    def wait(account, request, notes):
        running.release()
        assert release.wait(20)
        return {}

    app = make_app(handlers={"CreateCollection": wait}, workers=2, queue=1)
    sent = wire.signed("CreateCollection", {"CollectionId": "a"})

    async def run():
        waiting = [asyncio.create_task(wire.ask_async(app, sent)) for _ in range(3)]
        await asyncio.to_thread(lambda: [running.acquire() for _ in range(2)])
        metrics = (await wire.ask_async(app, wire.Sent("GET", "/metrics"))).body.decode()
        refused = await wire.ask_async(app, sent)
        release.set()
        return metrics, refused, await asyncio.gather(*waiting)

    metrics, refused, answered = loop.run_until_complete(run())
    assert "candid_requests_in_flight 2" in metrics
    assert "candid_requests_waiting 1" in metrics
    assert (refused.status, refused.error) == (400, "ThrottlingException")
    assert [reply.status for reply in answered] == [200, 200, 200]


def test_a_call_whose_client_gave_up_keeps_its_place_until_it_is_done(loop):
    release, started = threading.Event(), threading.Event()

    def wait():
        started.set()
        assert release.wait(20)

    async def run():
        pool = Pool(workers=1, queue=0)
        call = asyncio.create_task(pool.run(wait))
        await asyncio.to_thread(started.wait)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert pool.in_flight == 1
        with pytest.raises(Refusal, match="Too many calls"):
            await pool.run(wait)
        release.set()
        await pool.close()
        await asyncio.sleep(0)
        assert (pool.in_flight, pool.waiting) == (0, 0)

    loop.run_until_complete(run())


def test_what_a_call_raises_is_raised_where_it_is_awaited(loop):
    async def run():
        pool = Pool(workers=1, queue=0)
        with pytest.raises(ZeroDivisionError):
            await pool.run(lambda: 1 // 0)
        await asyncio.sleep(0.01)
        assert await pool.run(lambda: 5) == 5
        await pool.close()

    loop.run_until_complete(run())
