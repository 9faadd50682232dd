"""Turns: of one identity, in all, in rotation; refused, withdrawn, given back whatever happens."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from api.admission import Admission, WorkLimits
from api.errors import TooManyRequestsError
from governance.governed_query.cancellation import Cancellation
from semantic.errors import EngineBusyError, QueryCancelledError
from tests.loops import run_coroutine
from tests.seeds import sample, seeded

LIMITS = WorkLimits(at_once=3, of_one=2, waiting_of_one=5, patience_seconds=5)


async def work(admission, identity, log, seconds=0.0, cancellation=None):
    async with admission.turn(identity, cancellation or Cancellation()):
        log.append(identity)
        await asyncio.sleep(seconds)


def test_another_identity_comes_before_what_one_has_waiting():
    async def scene():
        admission, log = Admission(LIMITS), []
        greedy = [asyncio.create_task(work(admission, "a", log, 0.05)) for _ in range(7)]
        await asyncio.sleep(0.01)
        assert log == ["a", "a"]  # a third turn is free, and not theirs
        await asyncio.create_task(work(admission, "b", log))
        assert log == ["a", "a", "b"]
        await asyncio.gather(*greedy)
        assert log.count("a") == 7 and not admission._running and not admission._waiting

    run_coroutine(scene())


def test_who_has_too_many_waiting_is_refused_in_words_and_nobody_else():
    async def scene():
        admission, log = Admission(LIMITS), []
        tasks = [asyncio.create_task(work(admission, "a", log, 0.05)) for _ in range(7)]
        await asyncio.sleep(0.01)
        with pytest.raises(TooManyRequestsError, match="5 of your requests wait") as refused:
            await work(admission, "a", log)
        assert refused.value.retry_after_seconds >= 1
        await work(admission, "b", log)
        await asyncio.gather(*tasks)

    run_coroutine(scene())


def test_no_turn_in_time_is_said_and_leaves_no_trace():
    async def scene():
        admission, log = Admission(WorkLimits(1, 1, 5, 0.05)), []
        long = asyncio.create_task(work(admission, "a", log, 0.3))
        await asyncio.sleep(0.01)
        with pytest.raises(EngineBusyError):
            await work(admission, "b", log)
        await long
        await work(admission, "b", log)
        assert log == ["a", "b"] and not admission._running and not admission._waiting

    run_coroutine(scene())


def test_who_goes_while_waiting_gives_the_place_up():
    async def scene():
        admission, log, gone = Admission(WorkLimits(1, 1, 5, 5)), [], Cancellation()
        long = asyncio.create_task(work(admission, "a", log, 0.1))
        await asyncio.sleep(0.01)
        leaving = asyncio.create_task(work(admission, "b", log, cancellation=gone))
        await asyncio.sleep(0.01)
        gone.cancel()
        with pytest.raises(QueryCancelledError):
            await leaving
        await long
        assert log == ["a"] and not admission._running and not admission._waiting

    run_coroutine(scene())


def test_limits_hold_and_every_turn_comes_back_whatever_happens():
    """Random work that ends, fails, is cancelled or leaves: never more than allowed, nothing left over."""
    draw = seeded("admission")

    async def scene():
        admission, running, most = Admission(LIMITS), {}, []

        async def one(identity):
            cancellation = Cancellation()
            if draw.random() < 0.2:
                asyncio.get_running_loop().call_later(draw.random() / 50, cancellation.cancel)
            with suppress(TooManyRequestsError, QueryCancelledError, ZeroDivisionError):
                async with admission.turn(identity, cancellation):
                    running[identity] = running.get(identity, 0) + 1
                    most.append((running[identity], sum(running.values())))
                    try:
                        await asyncio.sleep(draw.random() / 200)
                        if draw.random() < 0.1:
                            raise ZeroDivisionError
                    finally:
                        running[identity] -= 1

        tasks = []
        for _ in range(sample(300, full=5000)):
            tasks.append(asyncio.create_task(one(draw.choice("abcd"))))
            await asyncio.sleep(draw.random() / 500)
            if draw.random() < 0.1:
                draw.choice(tasks).cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert max(own for own, _ in most) == 2 and max(total for _, total in most) == 3
        assert not admission._running and not admission._waiting

    run_coroutine(scene())
