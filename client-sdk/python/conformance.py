"""The adapter of the conformance suite; `../conformance/README.md` is its protocol."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

import assize
from assize import aio, ledger

Message = Mapping[str, Any]

CONCURRENT = 128
"""Checks that the client for threads has under way at once."""


class Port(Protocol):
    """Either client, awaited."""

    async def check(self, question: assize.Question, timeout: float | None) -> assize.CheckResult: ...

    async def check_batch(self, questions: Sequence[assize.Question]) -> list[assize.CheckResult]: ...

    async def append(
        self, events: Sequence[assize.AuditEvent], tenant: str, key: str, timeout: float | None
    ) -> assize.AppendReceipt: ...

    async def close(self) -> None: ...


class ThreadPort:
    """The client for threads, each call of which has one of its own."""

    def __init__(self, options: dict[str, Any]) -> None:
        self._client = assize.Client(**options)

    async def check(self, question: assize.Question, timeout: float | None) -> assize.CheckResult:
        return await asyncio.to_thread(self._client.check, question, timeout=timeout)

    async def check_batch(self, questions: Sequence[assize.Question]) -> list[assize.CheckResult]:
        return await asyncio.to_thread(self._client.check_batch, questions)

    async def append(
        self, events: Sequence[assize.AuditEvent], tenant: str, key: str, timeout: float | None
    ) -> assize.AppendReceipt:
        return await asyncio.to_thread(
            self._client.append_audit, events, tenant=tenant, idempotency_key=key, timeout=timeout
        )

    async def close(self) -> None:
        await asyncio.to_thread(self._client.close)


class AioPort:
    """The client for asyncio."""

    def __init__(self, options: dict[str, Any]) -> None:
        self._client = aio.Client(**options)

    async def check(self, question: assize.Question, timeout: float | None) -> assize.CheckResult:
        return await self._client.check(question, timeout=timeout)

    async def check_batch(self, questions: Sequence[assize.Question]) -> list[assize.CheckResult]:
        return await self._client.check_batch(questions)

    async def append(
        self, events: Sequence[assize.AuditEvent], tenant: str, key: str, timeout: float | None
    ) -> assize.AppendReceipt:
        return await self._client.append_audit(events, tenant=tenant, idempotency_key=key, timeout=timeout)

    async def close(self) -> None:
        await self._client.close()


class Adapter:
    """Answers the suite's messages, one after the other."""

    def __init__(self, new_port: Callable[[dict[str, Any]], Port]) -> None:
        self._new_port = new_port
        self._port: Port | None = None

    async def answer(self, message: Message) -> dict[str, Any]:
        ops: dict[str, Callable[[Message], Coroutine[Any, Any, dict[str, Any]]]] = {
            "open": self._open,
            "check": self._check,
            "checkBatch": self._check_batch,
            "checkConcurrently": self._check_concurrently,
            "append": self._append,
            "verifyBundle": self._verify_bundle,
            "close": self._close,
        }
        op = ops.get(message.get("op", ""))
        if op is None:
            return {"error": f"no op `{message.get('op')}`"}
        return await op(message)

    async def _open(self, message: Message) -> dict[str, Any]:
        await self._close(message)
        self._port = self._new_port(
            {
                "target": message["target"],
                "key": message.get("key", ""),
                "tls": False,
                "check_timeout": message.get("timeoutMillis", 1000) / 1000,
                "cache": message.get("cache", False),
                "batching": message.get("batching", False),
                "obligations": message.get("obligations", []),
                "retry": assize.RetryPolicy(tries=message.get("tries", 3)),
            }
        )
        return {"ok": True}

    async def _check(self, message: Message) -> dict[str, Any]:
        return await self._checked(message["request"], _seconds(message))

    async def _check_batch(self, message: Message) -> dict[str, Any]:
        questions = [_question(it) for it in message["requests"]]
        try:
            results = await self._open_port().check_batch(questions)
        except assize.InvalidArgument as wrong:
            return {"results": [_malformed(wrong)] * len(questions)}
        return {"results": [_result(it) for it in results]}

    async def _check_concurrently(self, message: Message) -> dict[str, Any]:
        checks = [self._checked(it, _seconds(message)) for it in message["requests"]]
        return {"results": list(await asyncio.gather(*checks))}

    async def _append(self, message: Message) -> dict[str, Any]:
        key, timeout = message.get("idempotencyKey") or "", _seconds(message)
        try:
            events = [_event(it) for it in message["events"]]
            receipt = await self._open_port().append(events, message.get("tenant", ""), key, timeout)
        except assize.AssizeError as refused:
            return {"receipts": [], "failure": refused.code}
        receipts = [{"seq": it.seq, "entryHash": it.entry_hash.hex()} for it in receipt.entries]
        return {"receipts": receipts, "failure": ""}

    async def _verify_bundle(self, message: Message) -> dict[str, Any]:
        try:
            keys = [ledger.VerifierKey.parse(it) for it in message["verifierKeys"]]
            kept = message.get("keptCheckpoint")
            note = None if kept is None else ledger.SignedNote.parse(kept.encode())
            found = await asyncio.to_thread(ledger.verify_bundle, message["file"], keys, kept=note)
        except ledger.NotProven as bad:
            return {"valid": False, "reason": str(bad), "treeSize": 0, "firstBad": bad.seq}
        return {"valid": True, "reason": "", "treeSize": found.checkpoint.size, "firstBad": None}

    async def _close(self, _: Message) -> dict[str, Any]:
        if self._port is not None:
            await self._port.close()
            self._port = None
        return {"ok": True}

    async def _checked(self, request: Message, timeout: float | None) -> dict[str, Any]:
        try:
            return _result(await self._open_port().check(_question(request), timeout))
        except assize.InvalidArgument as wrong:
            return _malformed(wrong)

    def _open_port(self) -> Port:
        if self._port is None:
            raise ValueError("nothing is open")
        return self._port


_QUESTION = {
    "subject": "subject",
    "resource": "resource",
    "action": "action",
    "tenant": "tenant",
    "env": "env",
    "subjectTenant": "subject_tenant",
    "subjectAttributes": "subject_attributes",
    "resourceAttributes": "resource_attributes",
    "context": "context",
    "activeRoles": "active_roles",
    "onBehalfOf": "on_behalf_of",
    "onBehalfOfTenant": "on_behalf_of_tenant",
    "runId": "run_id",
    "minRevision": "min_revision",
    "atRevision": "at_revision",
}

_EVENT = {
    "type": "type",
    "category": "category",
    "actor": "actor",
    "role": "role",
    "action": "action",
    "resource": "resource",
    "env": "env",
    "runId": "run_id",
    "decisionId": "decision_id",
    "reason": "reason",
    "override": "override",
    "payload": "payload",
    "reads": "reads",
    "writes": "writes",
    "onBehalfOf": "on_behalf_of",
    "actorTenant": "actor_tenant",
    "erasable": "erasable",
}


def _question(request: Message) -> assize.Question:
    parts = {"subject": "", "resource": "", "action": ""}
    return assize.Question(**(parts | {_QUESTION[name]: it for name, it in request.items() if it is not None}))


def _event(event: Message) -> assize.AuditEvent:
    parts = {_EVENT[name]: it for name, it in event.items() if name != "outcome" and it is not None}
    outcome = str(event.get("outcome", "SUCCESS")).removeprefix("OUTCOME_")
    return assize.AuditEvent(**({"type": "", "action": "", "resource": ""} | parts), outcome=assize.Outcome(outcome))


def _result(result: assize.CheckResult) -> dict[str, Any]:
    return {
        "allowed": result.allowed,
        "decision": result.decision.value,
        "reason": result.reason,
        "failure": result.failure.value if result.failure else "",
        "cached": result.cached,
        "obligations": [{"id": it.id, "type": it.type, "properties": dict(it.properties)} for it in result.obligations],
    }


def _malformed(wrong: assize.InvalidArgument) -> dict[str, Any]:
    denied = assize.CheckResult(allowed=False, decision=assize.Decision.NONE, failure=wrong.failure)
    return _result(denied)


def _seconds(message: Message) -> float | None:
    millis = message.get("timeoutMillis")
    return None if millis is None else millis / 1000


async def _main(adapter: Adapter) -> None:
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(CONCURRENT))
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        if not line.strip():
            continue
        try:
            answer = await adapter.answer(json.loads(line))
        except Exception as wrong:
            answer = {"error": f"{type(wrong).__name__}: {wrong}"}
        print(json.dumps(answer, ensure_ascii=False), flush=True)
    await adapter.answer({"op": "close"})


if __name__ == "__main__":
    asyncio.run(_main(Adapter(AioPort if "--aio" in sys.argv[1:] else ThreadPort)))
