"""Both clients against the server itself."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from conftest import NewClient
from real_server import RealServer, World, launcher
from scripted import AioFace, Face, eventually

import assize
from assize import AuditEvent, Decision, Failure, InvalidArgument, Outcome, Question, aio
from assize.ledger import NotProven, VerifierKey, entry_hash, verify_bundle
from assize.v1 import decision_service_pb2 as pb
from assize.v1 import ledger_service_pb2 as ledger
from assize.v1.decision_service_pb2_grpc import DecisionServiceStub
from assize.v1.ledger_service_pb2_grpc import LedgerServiceStub

READ = ("user:bob", "doc:1", "read")
EVENT = AuditEvent(
    type="doc.read",
    action="read",
    resource="doc:1",
    outcome=Outcome.PARTIAL,
    payload='{"pages":3}',
    reads=("s3://docs/1",),
)


@pytest.fixture
def client(world: World, new_client: NewClient) -> Face:
    return new_client(world.server.target, key=world.key)


def test_who_is_not_known_is_denied(world: World, new_client: NewClient) -> None:
    for key in ("", "asz_nobody_nothing"):
        assert new_client(world.server.target, key=key).check(*READ).failure is Failure.UNAUTHENTICATED


def test_who_may_not_ask_there_is_denied(client: Face) -> None:
    assert client.check(*READ, tenant="elsewhere").failure is Failure.PERMISSION_DENIED


def test_what_is_malformed_says_which_field(client: Face) -> None:
    with pytest.raises(InvalidArgument) as wrong:
        client.check("bob", "doc:1", "read")
    assert wrong.value.reason == "REQUEST_INVALID"
    assert "subject" in wrong.value.violations[0]


def test_answers_have_their_reasons(client: Face) -> None:
    denied = client.check("user:bob", "doc:1", "write")
    assert (denied.allowed, denied.decision, denied.reason) == (False, Decision.DENY, "NO_GRANT")
    allowed = client.check(*READ)
    assert (allowed.allowed, allowed.decision, allowed.reason, allowed.failure) == (
        True,
        Decision.ALLOW,
        "ALLOWED",
        None,
    )
    assert allowed.decided_by.binding.endswith("readers")
    assert allowed.decision_id
    assert allowed.revision >= 1
    assert allowed.valid_until is not None
    assert client.check("user:bob", "doc:1", "read", env="staging").reason == "ENVIRONMENT_UNKNOWN"


def test_duties_must_be_known(world: World, client: Face, new_client: NewClient) -> None:
    assert client.check("user:bob", "report:1", "read").failure is Failure.UNKNOWN_OBLIGATION
    knowing = new_client(world.server.target, key=world.key, obligations=["watermark"])
    assert knowing.check("user:bob", "report:1", "read").obligations[0].properties == {"text": "draft"}


def test_nobody_acts_on_the_past(world: World, new_client: NewClient) -> None:
    client = new_client(world.server.target, key=world.server.administrator_key)
    result = client.check(Question(subject="user:bob", resource="doc:1", action="read", at_revision=1))
    assert (result.allowed, result.failure, result.historical) == (False, Failure.HISTORICAL, True)


def test_a_batch_is_answered_item_by_item(client: Face) -> None:
    found = client.check_batch(
        [
            Question(subject="user:bob", resource="doc:1", action="read"),
            Question(subject="bob", resource="doc:1", action="read"),
            Question(subject="user:bob", resource="doc:1", action="read", tenant="other"),
            Question(subject="user:bob", resource="doc:1", action="write"),
        ]
    )
    assert [it.allowed for it in found] == [True, False, False, False]
    malformed = Failure.INVALID_ARGUMENT
    assert [it.failure for it in found] == [None, malformed, malformed, None]
    with pytest.raises(InvalidArgument):
        client.check_batch([Question(subject="user:bob", resource="doc:1", action="read")] * 1001)


def test_concurrent_checks_get_their_own_answers(world: World, new_client: NewClient) -> None:
    client = new_client(world.server.target, key=world.key, batching=True)
    subjects = ["user:ann", "user:bob", "user:eve"] * 60

    def ask(subject: str) -> bool:
        return client.check(subject, "doc:1", "write").allowed

    with ThreadPoolExecutor(32) as pool:
        assert list(pool.map(ask, subjects)) == [it == "user:ann" for it in subjects]


def test_a_freeze_ends_what_was_kept(world: World, new_client: NewClient) -> None:
    client = new_client(world.server.target, key=world.key, cache=True)
    eventually(lambda: client.check("user:ann", "doc:2", "read").cached, "an answer is kept")
    world.freeze("stop", "user:ann")
    try:
        eventually(lambda: client.check("user:ann", "doc:2", "read").reason == "FROZEN", "the freeze is seen", 5.0)
        eventually(lambda: client.check("user:ann", "doc:2", "read").cached, "the deny is kept")
    finally:
        world.unfreeze("stop")
    eventually(lambda: client.check("user:ann", "doc:2", "read").allowed, "the end of it is seen", 5.0)


def test_events_are_recorded_once(world: World, client: Face) -> None:
    first = client.append_audit([EVENT, EVENT], idempotency_key=f"k-{id(client)}")
    again = client.append_audit([EVENT, EVENT], idempotency_key=f"k-{id(client)}")
    assert (first.replayed, again.replayed) == (False, True)
    assert again.entries == first.entries
    with pytest.raises(assize.AssizeError) as refused:
        client.append_audit(EVENT, idempotency_key=f"k-{id(client)}")
    assert (refused.value.code, refused.value.reason) == ("ALREADY_EXISTS", "IDEMPOTENCY_KEY_REUSED")


def test_an_actor_needs_a_word(world: World, client: Face) -> None:
    receipt = client.append_audit(AuditEvent(type="doc.read", actor="user:bob", action="read", resource="doc:1"))
    request = ledger.QueryAuditRequest(tenant="acme", page_size=1000, include_frames=True)
    entries = world.administrator.stub(LedgerServiceStub).QueryAudit(request).entries
    found = next(it for it in entries if it.seq == receipt.entries[0].seq)
    assert (found.event.actor, found.recorded_by) == ("user:bob", "service:documents")
    assert entry_hash(found.frame) == receipt.entries[0].entry_hash


def test_stubs_carry_the_key(world: World) -> None:
    request = pb.SearchActionsRequest(check=pb.CheckRequest(subject="user:ann", resource="doc:1", tenant="acme"))
    pages = world.administrator.stub(DecisionServiceStub).SearchActions(request)
    assert sorted({action for page in pages for action in page.actions}) == ["read", "write"]

    async def ask() -> list[str]:
        async with aio.Client(world.server.target, key=world.server.administrator_key) as client:
            pages = client.stub(DecisionServiceStub).SearchActions(request)
            return sorted([action async for page in pages for action in page.actions])

    assert asyncio.run(ask()) == ["read", "write"]


def test_a_bundle_of_the_server_verifies(world: World, client: Face, tmp_path: Path) -> None:
    receipt = client.append_audit(EVENT)
    checkpoint = ledger.GetCheckpointRequest(tenant="acme")
    stub = world.administrator.stub(LedgerServiceStub)
    eventually(lambda: stub.GetCheckpoint(checkpoint).tree_size > receipt.entries[0].seq, "it is signed")
    keys = [VerifierKey.parse(it) for it in stub.GetCheckpoint(checkpoint).verifier_keys]
    file = tmp_path / "acme.tar"
    subprocess.run(
        [
            str(launcher()),
            *("audit", "export", "--tenant", "acme", "--format", "bundle", "--output", str(file)),
            *("--server", world.server.target, "--key", world.server.administrator_key),
        ],
        check=True,
        capture_output=True,
    )
    seen: dict[int, str] = {}
    found = verify_bundle(file, keys, entries=lambda entry: seen.__setitem__(entry.seq, entry.type))
    assert found.end == found.checkpoint.size > receipt.entries[0].seq
    assert seen[receipt.entries[0].seq] == "doc.read"
    data = bytearray(file.read_bytes())
    data[data.index(b"doc.read")] ^= 1
    file.write_bytes(data)
    with pytest.raises(NotProven) as bad:
        verify_bundle(file, keys)
    assert bad.value.seq is not None


@pytest.fixture
def unix_target(world: World, tmp_path: Path) -> Iterator[str]:
    """A Unix socket that leads to the server."""
    path = str(tmp_path / "assize.sock")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()
    host, _, port = world.server.target.partition(":")

    def pump(source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(65_536):
                sink.sendall(data)
        except OSError:
            pass

    def serve() -> None:
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            far = socket.create_connection((host, int(port)))
            for ends in ((near, far), (far, near)):
                threading.Thread(target=pump, args=ends, daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    yield f"unix:{path}"
    listener.close()


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
def test_a_unix_socket_is_a_target(world: World, unix_target: str, new_client: NewClient) -> None:
    assert new_client(unix_target, key=world.key).check(*READ)


def test_a_restart_is_lived_through(world: World, real: RealServer) -> None:
    options: dict[str, Any] = {"key": world.key, "tenant": "acme", "cache": True, "check_timeout": 2.0}
    clients: list[Any] = [assize.Client(real.target, **options), AioFace(real.target, **options)]
    for client in clients:
        eventually(lambda client=client: client.check(*READ).cached, "an answer is kept")  # type: ignore[misc]
    real.stop()
    try:
        for client in clients:
            eventually(lambda client=client: not client.check(*READ).cached, "nothing is kept")  # type: ignore[misc]
            assert client.check(*READ).failure is Failure.UNAVAILABLE
    finally:
        real.start()
    for client in clients:
        eventually(lambda client=client: client.check(*READ).allowed, "it is answered again")  # type: ignore[misc]
        client.close()
