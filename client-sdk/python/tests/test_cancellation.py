"""Who is cancelled while checks travel together, at every moment there is: nobody else has to wait for it."""

from __future__ import annotations

import asyncio

import pytest
from scripted import ALLOW

import assize
from assize import Failure, aio, wire
from assize.steps import Call
from assize.v1 import decision_service_pb2 as pb

MOMENTS = range(12)
"""Turns of the loop after which somebody is cancelled: more than a check takes."""


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """No seat goes of its own accord, however slow the machine is."""
    monkeypatch.setattr("assize.core.PATIENCE_SECONDS", 20.0)


class HeldClient(aio.Client):
    """Its calls are answered when a test says so."""

    def __init__(self) -> None:
        super().__init__(tenant="acme", batching=True, check_timeout=20.0)
        self.calls: list[tuple[str, asyncio.Future[bytes]]] = []

    async def _call(self, call: Call) -> bytes:
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self.calls.append((call.method, answer))
        return await answer

    def ask(self) -> asyncio.Task[assize.CheckResult]:
        return asyncio.get_running_loop().create_task(self.check("user:a", "doc:1", "read"))

    def answer(self) -> None:
        """Allows all that is asked in the last call."""
        method, answer = self.calls[-1]
        if answer.done():
            return
        results = [pb.CheckBatchResult(response=ALLOW)] * 2
        answer.set_result(
            ALLOW.SerializeToString()
            if method == wire.CHECK
            else pb.CheckBatchResponse(results=results).SerializeToString()
        )


async def turns(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def assert_goes_at_once(client: HeldClient) -> None:
    """That a lone caller's call is under way before it could have lost its patience."""
    before = len(client.calls)
    lone = client.ask()
    await turns(len(MOMENTS))
    assert [method for method, _ in client.calls[before:]] == [wire.CHECK]
    client.answer()
    assert await lone


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_lone_caller_that_is_cancelled_leaves_the_way_free(moment: int) -> None:
    async def ask() -> None:
        async with HeldClient() as client:
            lone = client.ask()
            await turns(moment)
            lone.cancel()
            await turns(len(MOMENTS))
            await assert_goes_at_once(client)

    asyncio.run(ask())


@pytest.mark.parametrize("moment", MOMENTS)
def test_who_is_cancelled_as_the_call_before_ends_leaves_the_way_free(moment: int) -> None:
    async def ask() -> None:
        async with HeldClient() as client:
            first, waiting = client.ask(), client.ask()
            await turns(len(MOMENTS))
            client.answer()
            await turns(moment)
            waiting.cancel()
            assert await first
            await turns(len(MOMENTS))
            await assert_goes_at_once(client)

    asyncio.run(ask())


@pytest.mark.parametrize("moment", MOMENTS)
def test_who_waits_behind_one_that_is_cancelled_is_answered(moment: int) -> None:
    async def ask() -> None:
        async with HeldClient() as client:
            first, cancelled = client.ask(), client.ask()
            await turns(len(MOMENTS))
            client.answer()
            await turns(moment)
            last = client.ask()
            cancelled.cancel()
            assert await first
            await turns(len(MOMENTS))
            client.answer()
            assert await last

    asyncio.run(ask())


def test_a_client_that_is_closed_lets_nobody_wait() -> None:
    async def ask() -> None:
        client = HeldClient()
        lone = client.ask()
        await turns(1)
        await client.close()
        assert (await asyncio.wait_for(lone, 10)).failure is Failure.CANCELLED

    asyncio.run(ask())
