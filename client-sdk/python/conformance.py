"""The adapter of the conformance suite; `../conformance/README.md` is its protocol."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Coroutine, Mapping, MutableMapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol
from urllib.parse import unquote

from fastapi import Depends, FastAPI, Request, Response

import assize
from assize import aio, ledger
from assize.asgi import App, AssizeMiddleware, Receive, Route, Scope, Send
from assize.fastapi import Guard
from assize.mapping import OPEN, Rule

Message = Mapping[str, Any]

CONCURRENT = 384
"""Checks that the client for threads has under way at once."""


class Findings:
    """What a search came to."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.wildcards: tuple[str, ...] = ()
        self.truncated = True
        self.cursor = ""
        self.failure = ""

    def all_of(self, found: assize.SearchResults | assize.AioSearchResults) -> None:
        """What is said at the end."""
        self.wildcards, self.truncated, self.cursor = found.wildcards, found.truncated, found.cursor


class Port(Protocol):
    """Either client, awaited."""

    async def check(self, question: assize.Question, timeout: float | None) -> assize.CheckResult: ...

    async def check_batch(self, questions: Sequence[assize.Question]) -> list[assize.CheckResult]: ...

    async def append(
        self,
        events: Sequence[assize.AuditEvent],
        tenant: str,
        key: str,
        acknowledgement: assize.Acknowledgement,
        timeout: float | None,
    ) -> assize.AppendReceipt: ...

    async def search(self, seek: str, *args: Any, **more: Any) -> Findings: ...

    async def check_and_append(
        self, question: assize.Question, event: assize.AuditEvent, key: str, timeout: float | None
    ) -> assize.Execution: ...

    async def enforce(self, question: assize.Question, /, *, all_handled: bool) -> assize.CheckResult: ...

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
        self,
        events: Sequence[assize.AuditEvent],
        tenant: str,
        key: str,
        acknowledgement: assize.Acknowledgement,
        timeout: float | None,
    ) -> assize.AppendReceipt:
        return await asyncio.to_thread(
            self._client.append_audit,
            events,
            tenant=tenant,
            idempotency_key=key,
            acknowledgement=acknowledgement,
            timeout=timeout,
        )

    async def search(self, seek: str, *args: Any, **more: Any) -> Findings:
        return await asyncio.to_thread(self._search, seek, *args, **more)

    def _search(self, seek: str, *args: Any, **more: Any) -> Findings:
        findings = Findings()
        try:
            found = getattr(self._client, f"search_{seek}")(*args, **more)
            findings.names.extend(found)
            findings.all_of(found)
        except assize.AssizeError as failed:
            findings.failure = failed.code
        return findings

    async def check_and_append(
        self, question: assize.Question, event: assize.AuditEvent, key: str, timeout: float | None
    ) -> assize.Execution:
        return await asyncio.to_thread(
            self._client.check_and_append, question, event, idempotency_key=key, timeout=timeout
        )

    async def enforce(self, question: assize.Question, /, *, all_handled: bool) -> assize.CheckResult:
        return await asyncio.to_thread(self._client.enforce, question, all_handled=all_handled)

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
        self,
        events: Sequence[assize.AuditEvent],
        tenant: str,
        key: str,
        acknowledgement: assize.Acknowledgement,
        timeout: float | None,
    ) -> assize.AppendReceipt:
        return await self._client.append_audit(
            events, tenant=tenant, idempotency_key=key, acknowledgement=acknowledgement, timeout=timeout
        )

    async def search(self, seek: str, *args: Any, **more: Any) -> Findings:
        findings = Findings()
        try:
            found = getattr(self._client, f"search_{seek}")(*args, **more)
            async for name in found:
                findings.names.append(name)
            findings.all_of(found)
        except assize.AssizeError as failed:
            findings.failure = failed.code
        return findings

    async def check_and_append(
        self, question: assize.Question, event: assize.AuditEvent, key: str, timeout: float | None
    ) -> assize.Execution:
        return await self._client.check_and_append(question, event, idempotency_key=key, timeout=timeout)

    async def enforce(self, question: assize.Question, /, *, all_handled: bool) -> assize.CheckResult:
        return await self._client.enforce(question, all_handled=all_handled)

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
            "search": self._search,
            "append": self._append,
            "checkAndAppend": self._check_and_append,
            "door": self._door,
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
                "timeout": message.get("timeoutMillis", 10_000) / 1000,
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
        questions = [_question(it) for it in list(message["requests"]) * message.get("times", 1)]
        try:
            results = await self._open_port().check_batch(questions)
        except assize.InvalidArgument as wrong:
            return {"results": [_malformed(wrong)] * len(questions)}
        return {"results": [_result(it) for it in results]}

    async def _check_concurrently(self, message: Message) -> dict[str, Any]:
        requests = list(message["requests"]) * message.get("times", 1)
        return {"results": list(await asyncio.gather(*map(self._checked_until_left, requests)))}

    async def _checked_until_left(self, request: Message) -> dict[str, Any]:
        """Whoever asks may leave. A thread cannot: whoever waits for it leaves then."""
        left = request.get("cancelAfterMillis")
        try:
            asked = self._checked(request, _seconds(request))
            return await asyncio.wait_for(asked, None if left is None else left / 1000)
        except asyncio.TimeoutError:
            return _result(
                assize.CheckResult(allowed=False, decision=assize.Decision.NONE, failure=assize.Failure.CANCELLED)
            )

    async def _door(self, message: Message) -> dict[str, Any]:
        """One request to a service behind the middleware, and one to the same behind FastAPI's guard."""
        middleware = await _answer_of(self._behind_middleware(message), message)
        guard = await _answer_of(self._behind_guard(message), message)
        if middleware != guard:
            raise ValueError(f"the middleware answers {middleware}, and FastAPI's guard {guard}")
        return middleware

    def _behind_middleware(self, message: Message) -> App:
        async def serve(_: Scope, __: Receive, send: Send) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body"})

        routes: list[Route] = [
            Route("GET", "/docs/{id}", Rule("read", "doc:{id}", message["tenant"])),
            Route("POST", "/docs/{id}", Rule("write", "doc:{id}", message["tenant"])),
            Route("GET", "/health", OPEN),
            *([Route("GET", "/{rest:path}", OPEN)] if message.get("wide") else []),
        ]
        return AssizeMiddleware(
            serve, client=self._open_port(), subject=lambda _: message.get("subject"), routes=routes
        )

    def _behind_guard(self, message: Message) -> App:
        async def caller() -> str | None:
            return message.get("subject")

        async def served() -> None:
            return None

        async def nowhere(_: Request, __: Exception) -> Response:
            return Response(status_code=403)

        guard = Guard(self._open_port(), caller)
        app = FastAPI(
            dependencies=[Depends(guard.mapped)],
            openapi_url=None,
            redirect_slashes=False,
            # What no route matches it answers by itself, with 404 or 405: here as the doors do.
            exception_handlers={404: nowhere, 405: nowhere},
        )
        reads, writes = (guard.may(action, "doc:{id}", tenant=message["tenant"]) for action in ("read", "write"))
        get = ["GET", "HEAD"]
        app.add_api_route("/docs/{id}", served, methods=get, dependencies=[Depends(reads)])
        app.add_api_route("/docs/{id}", served, methods=["POST"], dependencies=[Depends(writes)])
        app.add_api_route("/health", served, methods=get, dependencies=[Depends(guard.open)])
        if message.get("wide"):
            app.add_api_route("/{rest:path}", served, methods=get, dependencies=[Depends(guard.open)])
        return app

    async def _append(self, message: Message) -> dict[str, Any]:
        key, timeout = message.get("idempotencyKey") or "", _seconds(message)
        try:
            events = [_event(it) for it in message["events"]]
            acknowledgement = assize.Acknowledgement(message.get("acknowledgement", "IN_LEDGER"))
            receipt = await self._open_port().append(events, message.get("tenant", ""), key, acknowledgement, timeout)
        except assize.AssizeError as refused:
            return {"receipts": [], "acknowledgement": "", "spooled": None, "failure": refused.code}
        return {
            "receipts": [{"seq": it.seq, "entryHash": it.entry_hash.hex()} for it in receipt.entries],
            "acknowledgement": receipt.acknowledgement.value,
            "spooled": receipt.spooled and {"spoolId": receipt.spooled.spool_id, "number": receipt.spooled.number},
            "failure": "",
        }

    async def _search(self, message: Message) -> dict[str, Any]:
        kind = [] if message["seek"] == "actions" else [message.get("type", "")]
        more = {"limit": message.get("limit", 0), "cursor": message.get("cursor", "")}
        found = await self._open_port().search(message["seek"], _question(message["request"]), *kind, **more)
        return vars(found)

    async def _check_and_append(self, message: Message) -> dict[str, Any]:
        question, event = _question(message["request"]), _event(message["event"])
        key, timeout = message.get("idempotencyKey") or "", _seconds(message)
        try:
            done = await self._open_port().check_and_append(question, event, key, timeout)
        except assize.InvalidArgument as wrong:
            return {"result": _malformed(wrong), "recorded": False, "replayed": False}
        return {"result": _result(done.result), "recorded": done.entry is not None, "replayed": done.replayed}

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


async def _answer_of(app: App, message: Message) -> dict[str, Any]:
    """What an application answers to a request, as a server would put it."""
    told: dict[str, Any] = {}

    async def receive() -> dict[str, Any]:
        return {"type": "http.request"}

    async def send(said: MutableMapping[str, Any]) -> None:
        if said["type"] == "http.response.start":
            names = {bytes(name).lower() for name, _ in said.get("headers", ())}
            told.update(status=said["status"], decision=b"assize-decision-id" in names)

    path, _, query = str(message["path"]).partition("?")
    scope: dict[str, Any] = {
        "type": "http",
        "method": message["method"],
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [],
    }
    await app(scope, receive, send)
    return told


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
    given = {_QUESTION[name]: it for name, it in request.items() if name in _QUESTION and it is not None}
    return assize.Question(**(parts | given))


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
