"""A small service for documents that protects itself with Assize and has the ledger remember what was done.

./assize policy apply client-sdk/python/examples/documents.yaml --reason example      # who may what
export ASSIZE_KEY=$(./assize key create --tenant assize --subject service:documents --tenants acme)
PYTHONPATH=client-sdk/python/src:client-sdk/python/examples uvicorn --factory documents:service

curl -H 'Authorization: Bearer ann' -X PUT -d 'hello' localhost:8000/docs/1           # Ann writes and reads
curl -H 'Authorization: Bearer bob' localhost:8000/docs/1                             # Bob reads

Behind a gateway that has verified who calls, SUBJECT_HEADER names the header in which it says so.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated
from urllib.parse import unquote

from fastapi import Depends, FastAPI, Header, HTTPException, Request
from fastapi.responses import PlainTextResponse

from assize import AuditEvent, CheckResult, Outcome, aio, escape_id
from assize.fastapi import Guard

MAX_BYTES = 64 << 10

# Stands for whatever your service verifies: a token's signature, a session, a client certificate.
PEOPLE = {"ann": "user:ann", "bob": "user:bob"}

# Only where nobody but the gateway reaches this service: everybody can send a header.
SUBJECT_HEADER = os.environ.get("SUBJECT_HEADER", "")


async def current_user(request: Request, authorization: Annotated[str, Header()] = "") -> str | None:
    """Who calls; none where that is not known."""
    if SUBJECT_HEADER:
        return unquote(request.headers.get(SUBJECT_HEADER, "")) or None
    kind, _, token = authorization.partition(" ")
    return PEOPLE.get(token) if kind == "Bearer" else None


class Documents:
    """The documents, each access to which is recorded with the decision that it rests on."""

    def __init__(self, client: aio.Client) -> None:
        self._client = client
        self._texts: dict[str, str] = {}

    async def read(self, name: str, user: str, decision: CheckResult) -> str:
        text = self._texts.get(name)
        if text is None:
            raise HTTPException(404)
        await self._record("document.read", "read", name, user, decision)
        return text

    async def write(self, name: str, text: str, user: str, decision: CheckResult) -> None:
        digest = hashlib.sha256(text.encode()).hexdigest()
        # Recorded first: what the ledger does not know of does not happen.
        await self._record("document.written", "write", name, user, decision, json.dumps({"sha256": digest}))
        self._texts[name] = text

    async def _record(
        self, type_: str, action: str, name: str, user: str, decision: CheckResult, payload: str = ""
    ) -> None:
        event = AuditEvent(
            type=type_,
            actor=user,
            action=action,
            resource=f"doc:{escape_id(name)}",
            outcome=Outcome.SUCCESS,
            decision_id=decision.decision_id,
            payload=payload,
        )
        await self._client.append_audit(event)


def service(client: aio.Client | None = None) -> FastAPI:
    """The application; asks where `ASSIZE_SERVER` and `ASSIZE_KEY` say, unless it is given a client."""
    asking = client or aio.Client(tenant="acme", batching=True)
    guard = Guard(asking, current_user)
    documents = Documents(asking)
    may_read = Depends(guard.may("read", "doc:{name}"))
    may_write = Depends(guard.may("write", "doc:{name}"))
    user = Depends(current_user)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with asking:
            yield

    # No pages of its own: the guard does not stand before those.
    app = FastAPI(
        title="Documents",
        lifespan=lifespan,
        dependencies=[Depends(guard.mapped)],
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )

    @app.get("/docs/{name}", response_class=PlainTextResponse)
    async def read(name: str, decision: CheckResult = may_read, caller: str = user) -> str:
        return await documents.read(name, caller, decision)

    @app.put("/docs/{name}", status_code=204)
    async def write(name: str, request: Request, decision: CheckResult = may_write, caller: str = user) -> None:
        body = bytearray()
        async for part in request.stream():
            body += part
            if len(body) > MAX_BYTES:
                raise HTTPException(413)
        await documents.write(name, body.decode(errors="replace"), caller, decision)

    @app.get("/health", response_class=PlainTextResponse, dependencies=[Depends(guard.open)])
    async def health() -> str:
        return "fine"

    return app
