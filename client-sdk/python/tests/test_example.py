"""The example service, served for real, against the server itself."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import documents
import httpx
import pytest
import uvicorn
from real_server import World
from scripted import eventually

from assize import aio
from assize.v1 import ledger_service_pb2 as ledger
from assize.v1.ledger_service_pb2_grpc import LedgerServiceStub

POLICY = (Path(documents.__file__).parent / "documents.yaml").read_text()


@pytest.fixture
def base_url(world: World) -> Iterator[str]:
    world.apply(POLICY.replace("environments: [default]", "environments: [default, production]"))
    app = documents.service(aio.Client(world.server.target, key=world.key, tenant="acme", check_timeout=20.0))
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    eventually(lambda: server.started, "the example serves")
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join(30)
    listener.close()


def as_user(name: str) -> dict[str, str]:
    return {"authorization": f"Bearer {name}"}


def test_the_example_protects_itself_and_has_everything_recorded(world: World, base_url: str) -> None:
    with httpx.Client(base_url=base_url, timeout=30) as http:
        assert http.put("/docs/plan", content="hello").status_code == 401
        assert http.put("/docs/plan", content="hello", headers=as_user("eve")).status_code == 401
        assert http.put("/docs/plan", content="hello", headers=as_user("bob")).status_code == 403
        assert http.get("/docs/plan", headers=as_user("ann")).status_code == 404
        assert http.put("/docs/plan", content="hello", headers=as_user("ann")).status_code == 204
        assert http.get("/docs/plan", headers=as_user("bob")).text == "hello"
        assert http.get("/openapi.json").status_code == 404
        assert (
            http.put("/docs/plan", content="x" * (documents.MAX_BYTES + 1), headers=as_user("ann")).status_code == 413
        )
        assert http.get("/health").text == "fine"

    request = ledger.QueryAuditRequest(tenant="acme", resource="doc:plan", ascending=True)
    entries = world.administrator.stub(LedgerServiceStub).QueryAudit(request).entries
    told = [(it.event.type, it.event.actor, it.recorded_by) for it in entries]
    assert told == [
        ("document.written", "user:ann", "service:documents"),
        ("document.read", "user:bob", "service:documents"),
    ]
    assert all(it.event.decision_id for it in entries)
