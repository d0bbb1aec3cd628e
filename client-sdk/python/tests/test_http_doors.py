"""The ASGI middleware and the FastAPI guard. Refusals first."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, MutableMapping
from typing import Annotated, Any
from urllib.parse import unquote

import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI, Header, Request, WebSocket
from starlette.applications import Starlette
from starlette.requests import Request as StarletteRequest
from starlette.responses import PlainTextResponse
from starlette.routing import Route as StarletteRoute

from assize import CheckResult, Failure, Obligation
from assize.asgi import RESULT, AssizeMiddleware, Route, Scope
from assize.fastapi import Guard
from assize.mapping import OPEN, Rule
from assize.testing import FakeAssize

App = Callable[..., Coroutine[Any, Any, None]]


async def document(request: StarletteRequest) -> PlainTextResponse:
    result = request.scope[RESULT]
    return PlainTextResponse(result.decision_id if result else "open")


def subject_of(scope: Scope) -> str | None:
    headers = dict(scope["headers"])
    return headers.get(b"x-verified-user", b"").decode() or None


@pytest.fixture
def fake() -> FakeAssize:
    fake = FakeAssize()
    fake.allow("user:ann", "doc:1", "read", tenant="acme")
    fake.allow("user:ann", "room:1", "join", tenant="acme")
    return fake


def middleware(app: App, fake: FakeAssize, subject: Any = subject_of) -> AssizeMiddleware:
    return AssizeMiddleware(
        app,
        client=fake.aio_client(tenant="acme", check_timeout=1.0),
        subject=subject,
        routes=[
            Route("GET", "/docs/{id}", Rule("read", "doc:{id}")),
            Route("PUT", "/docs/{id}", Rule("write", "doc:{id}")),
            Route("GET", "/files/{path:path}", Rule("read", "file:{path}")),
            Route("WEBSOCKET", "/rooms/{id}", Rule("join", "room:{id}")),
            Route("GET", "/health", OPEN),
        ],
    )


@pytest.fixture
def starlette() -> Starlette:
    paths = ["/docs/{id}", "/files/{path:path}", "/health", "/forgotten"]
    return Starlette(routes=[StarletteRoute(it, document, methods=["GET", "PUT"]) for it in paths])


def get(app: App, path: str, user: str = "user:ann", method: str = "GET") -> httpx.Response:
    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.request(method, path, headers={"x-verified-user": user} if user else {})

    return asyncio.run(ask())


@pytest.mark.parametrize(
    ("method", "path", "user", "status"),
    [
        ("GET", "/docs/1", "", 401),
        ("GET", "/docs/2", "user:ann", 403),
        ("GET", "/docs/1", "user:bob", 403),
        ("PUT", "/docs/1", "user:ann", 403),
        ("HEAD", "/docs/2", "user:ann", 403),
        ("HEAD", "/docs/1", "user:ann", 200),
        ("DELETE", "/docs/1", "user:ann", 403),
        ("GET", "/forgotten", "user:ann", 403),
        ("GET", "/docs/1/", "user:ann", 403),
        ("GET", "//docs/1", "user:ann", 403),
        ("GET", "/docs/1%0A", "user:ann", 403),
        ("GET", "/docs/1%2F..%2F1", "user:ann", 403),
        ("GET", "/nowhere", "user:ann", 403),
        ("GET", "/docs/1", "user:ann", 200),
        ("GET", "/health", "", 200),
    ],
)
def test_lets_through_what_is_allowed_and_nothing_else(
    starlette: Starlette, fake: FakeAssize, method: str, path: str, user: str, status: int
) -> None:
    assert get(middleware(starlette, fake), path, user, method).status_code == status


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("//docs/1", 403),
        ("/docs//1", 403),
        ("/./docs/1", 403),
        ("/x/../docs/1", 403),
        ("/x/%2e%2e/docs/1", 403),
        ("/x/%2E%2E%2Fdocs/1", 403),
        ("/docs/.", 403),
        ("/x/..", 403),
        ("/docs/1%0A", 403),
        ("/secret%0A", 403),
        ("/x%00", 403),
        ("/x%5C..%5Cdocs%5C1", 403),
        ("/%64ocs/1", 401),
        ("/%73ecret", 401),
        ("/docs/1%2F2", 403),
        ("/docs%2F1", 403),
        ("/docs/1;a=b", 403),
        ("/docs/1%3Ba", 403),
        ("/docs/1%C2%85", 403),
        ("/docs/%FF", 403),
        ("/x/.y/...", 200),
        ("/x/", 200),
        ("/", 200),
    ],
)
def test_no_spelling_of_a_path_passes_by_a_wider_route(fake: FakeAssize, path: str, status: int) -> None:
    async def serve(scope: Scope, receive: Any, send: Any) -> None:
        await PlainTextResponse("served")(scope, receive, send)

    routes = [
        Route("GET", "/docs/{id}", Rule("read", "doc:{id}")),
        Route("GET", "/secret", Rule("read", "doc:1")),
        Route("GET", "/{rest:path}", OPEN),
        Route("GET", "/", OPEN),
    ]
    app = AssizeMiddleware(serve, client=fake.aio_client(tenant="acme"), subject=subject_of, routes=routes)
    assert asyncio.run(status_of(app, path)) == status
    assert fake.asked == []


def test_without_the_path_as_it_was_sent_door_and_application_read_the_same(fake: FakeAssize) -> None:
    """Not every server tells `raw_path`: then an encoded slash is a slash to both of them."""
    read: list[str] = []

    async def serve(scope: Scope, receive: Any, send: Any) -> None:
        read.append(scope["path"])
        await PlainTextResponse("served")(scope, receive, send)

    one = [Route("GET", "/docs/{id}", Rule("read", "doc:{id}"))]
    app = AssizeMiddleware(serve, client=fake.aio_client(tenant="acme"), subject=lambda _: "user:alice", routes=one)
    assert asyncio.run(status_of(app, "/docs/a%2Fb", told_raw=False)) == 403
    assert (read, fake.asked) == ([], [])
    assert asyncio.run(status_of(app, "/docs/..%2Fb", told_raw=False)) == 403
    assert asyncio.run(status_of(app, "/docs/a%252Fb", told_raw=False)) == 403
    assert [it.resource for it in fake.asked] == ["doc:a%252Fb"]

    many = [Route("GET", "/docs/{id:path}", Rule("read", "doc:{id}"))]
    app = AssizeMiddleware(serve, client=fake.aio_client(tenant="acme"), subject=lambda _: "user:alice", routes=many)
    fake.allow("user:alice", "doc:a%2Fb", "read")
    assert asyncio.run(status_of(app, "/docs/a%2Fb", told_raw=False)) == 200
    assert read == ["/docs/a/b"]
    assert asyncio.run(status_of(app, "/docs/a%2Fb")) == 403


async def status_of(app: App, path: str, told_raw: bool = True) -> int:
    """Of a path as it is sent, which httpx would mend."""
    told: list[int] = []

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(said: MutableMapping[str, Any]) -> None:
        told.extend([said["status"]] if said["type"] == "http.response.start" else [])

    scope: dict[str, Any] = {
        "type": "http",
        "method": "GET",
        "path": unquote(path),
        "query_string": b"",
        "headers": [],
    }
    if told_raw:
        scope["raw_path"] = path.encode()
    await app(scope, receive, send)
    return told[0]


def test_what_fills_a_place_is_one_id(starlette: Starlette, fake: FakeAssize) -> None:
    get(middleware(starlette, fake), "/files/a/b%25c/doc:1")
    assert [it.resource for it in fake.asked] == ["file:a%2Fb%25c%2Fdoc:1"]


@pytest.mark.parametrize("failure", [Failure.UNAVAILABLE, Failure.DEADLINE_EXCEEDED, Failure.RESOURCE_EXHAUSTED])
def test_nobody_is_let_through_while_nobody_decides(starlette: Starlette, fake: FakeAssize, failure: Failure) -> None:
    fake.fail(failure)
    assert get(middleware(starlette, fake), "/docs/1").status_code == 503
    for ours in (Failure.PERMISSION_DENIED, Failure.UNAUTHENTICATED, Failure.INTERNAL, Failure.MALFORMED_ANSWER):
        fake.fail(ours)
        assert get(middleware(starlette, fake), "/docs/1").status_code == 503
    fake.fail(Failure.INVALID_ARGUMENT)
    assert get(middleware(starlette, fake), "/docs/1").status_code == 400
    assert get(guarded(fake), "/docs/1").status_code == 400


def test_who_cannot_be_said_is_not_let_through(starlette: Starlette, fake: FakeAssize) -> None:
    def broken(scope: Scope) -> str:
        raise ValueError("who?")

    assert get(middleware(starlette, fake, broken), "/docs/1").status_code == 500
    assert fake.asked == []


def test_who_may_be_found_out_by_a_coroutine(starlette: Starlette, fake: FakeAssize) -> None:
    async def look_up(scope: Scope) -> str | None:
        return subject_of(scope)

    assert get(middleware(starlette, fake, look_up), "/docs/1").text == "fake-1"


def test_a_refusal_names_the_decision_and_no_reason(starlette: Starlette, fake: FakeAssize) -> None:
    answer = get(middleware(starlette, fake), "/docs/2")
    assert answer.json() == {"detail": "denied", "decision_id": "fake-1"}
    assert answer.headers["assize-decision-id"] == "fake-1"
    assert get(middleware(starlette, fake), "/docs/1", "").headers["www-authenticate"] == "Bearer"


def test_websockets_are_asked_about(fake: FakeAssize) -> None:
    app = FastAPI()

    @app.websocket("/rooms/{id}")
    async def room(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text("welcome")
        await socket.close()

    assert connect(middleware(app, fake), "/rooms/2") == ["websocket.close"]
    assert connect(middleware(app, fake), "/rooms/1", user="") == ["websocket.close"]
    assert connect(middleware(app, fake), "/halls/1") == ["websocket.close"]
    assert connect(middleware(app, fake), "/rooms/1") == ["websocket.accept", "websocket.send", "websocket.close"]


def connect(app: App, path: str, user: str = "user:ann") -> list[str]:
    """What a server hears that passes a websocket on."""
    said: list[str] = []

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(message: MutableMapping[str, Any]) -> None:
        said.append(message["type"])

    headers = [(b"x-verified-user", user.encode())]
    scope = {"type": "websocket", "path": path, "headers": headers, "query_string": b"", "subprotocols": []}
    asyncio.run(app(scope, receive, send))
    return said


def test_what_is_neither_http_nor_websocket_is_denied(starlette: Starlette, fake: FakeAssize) -> None:
    scope = {"type": "telegraph", "path": "/health", "headers": []}
    sent: list[Any] = []

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message.get("status"))

    asyncio.run(middleware(starlette, fake)(scope, send, send))  # type: ignore[arg-type]
    assert sent[0] == 403


@pytest.mark.parametrize("path", ["/docs/{id", "/docs/{}", "/docs/{a-b}"])
def test_a_malformed_route_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="docs"):
        Route("GET", path, OPEN)


def test_a_rule_cannot_need_what_the_path_lacks() -> None:
    with pytest.raises(ValueError, match="number"):
        Route("GET", "/docs/{id}", Rule("read", "doc:{number}"))


def test_a_duty_that_nobody_carries_out_lets_nobody_through(fake: FakeAssize) -> None:
    fake.allow("user:ann", "doc:3", "read", obligations=[Obligation("1", "ink"), Obligation("2", "stamp")])
    done: list[str] = []
    for stamp, status in ((None, 403), (lambda duty, question: done.append(duty.type), 200)):
        handlers = {"ink": lambda duty, question: done.append(duty.type), "stamp": stamp}
        assert get(guarded(fake, obligations=handlers), "/docs/3").status_code == status
        routes = [Route("GET", "/docs/{id}", Rule("read", "doc:{id}"))]
        client = fake.aio_client(obligations=handlers)
        inner = Starlette(routes=[StarletteRoute("/docs/{id}", document)])
        app = AssizeMiddleware(inner, client=client, subject=subject_of, routes=routes)
        assert get(app, "/docs/3").status_code == status
        assert done == ([] if stamp is None else ["ink", "stamp"] * 2)


MISREAD = [
    "//docs/1",
    "/docs//1",
    "/x/%2e%2e/docs/1",
    "/docs/1%2F2",
    "/docs%5C1",
    "/docs/1;a=b",
    "/docs/1%0A",
    "/docs/%FF",
]


@pytest.mark.parametrize("path", MISREAD)
def test_the_guard_lets_nobody_through_by_a_path_that_reads_two_ways(fake: FakeAssize, path: str) -> None:
    guard = Guard(fake.aio_client(tenant="acme"), lambda: "user:ann")
    for everywhere in ([], [Depends(guard.mapped)]):
        app = FastAPI(dependencies=everywhere)

        @app.get("/docs/{id}", dependencies=[Depends(guard.may("read", "doc:{id}"))])
        async def read() -> str:
            return "never"

        @app.get("/{rest:path}", dependencies=[Depends(guard.open)])
        async def rest() -> str:
            return "never"

        assert asyncio.run(status_of(app, path)) == 403
        assert fake.asked == []
        assert asyncio.run(status_of(app, "/x/y")) == 200


def test_the_guard_decodes_once_what_is_encoded_twice(fake: FakeAssize) -> None:
    fake.allow("user:ann", "doc:a%252Fb", "read", tenant="acme")
    app = guarded(fake)
    assert get(app, "/docs/a%252Fb").status_code == 200
    assert get(app, "/docs/a%25252Fb").status_code == 403
    assert [it.resource for it in fake.asked] == ["doc:a%252Fb", "doc:a%25252Fb"]


def guarded(fake: FakeAssize, **options: Any) -> FastAPI:
    async def current_user(x_verified_user: Annotated[str, Header()] = "") -> str:
        return x_verified_user

    guard = Guard(fake.aio_client(tenant="acme", **options), current_user)
    app = FastAPI(dependencies=[Depends(guard.mapped)])
    may_read = guard.may("read", "doc:{id}")

    async def purpose(request: Request) -> dict[str, str]:
        return {"purpose": request.headers.get("x-purpose", "")}

    may_write = guard.may("write", "doc:{id}", env="production", context=lambda request: {"size": 3})
    may_audit = guard.may("audit", "doc:{id}", context=purpose)

    @app.get("/docs/{id}")
    async def read(id: str, decision: CheckResult = Depends(may_read)) -> str:
        return decision.decision_id

    @app.put("/docs/{id}", dependencies=[Depends(may_write)])
    async def write(id: str) -> str:
        return id

    @app.post("/docs/{id}", dependencies=[Depends(may_audit)])
    async def audit(id: str) -> str:
        return id

    @app.get("/wrong", dependencies=[Depends(may_read)])
    async def wrong() -> str:
        return "never"

    @app.get("/health", dependencies=[Depends(guard.open)])
    async def health() -> str:
        return "fine"

    @app.get("/forgotten")
    async def forgotten() -> str:
        return "never"

    mapped, unmapped = APIRouter(prefix="/mapped"), APIRouter(prefix="/unmapped")
    for router in (mapped, unmapped):
        router.get("/{id}")(audit)
    app.include_router(mapped, dependencies=[Depends(may_read)])
    app.include_router(unmapped)
    return app


@pytest.mark.parametrize(
    ("method", "path", "user", "status"),
    [
        ("GET", "/docs/1", "", 401),
        ("GET", "/docs/2", "user:ann", 403),
        ("GET", "/docs/1", "user:bob", 403),
        ("PUT", "/docs/1", "user:ann", 403),
        ("GET", "/forgotten", "user:ann", 403),
        ("GET", "/wrong", "user:ann", 500),
        ("GET", "/unmapped/1", "user:ann", 403),
        ("GET", "/mapped/2", "user:ann", 403),
        ("GET", "/mapped/1", "user:ann", 200),
        ("GET", "/docs/1", "user:ann", 200),
        ("GET", "/health", "", 200),
    ],
)
def test_the_guard_lets_through_what_is_allowed_and_nothing_else(
    fake: FakeAssize, method: str, path: str, user: str, status: int
) -> None:
    assert get(guarded(fake), path, user, method).status_code == status


def test_the_guard_asks_about_the_request(fake: FakeAssize) -> None:
    app = guarded(fake)
    get(app, "/docs/7", method="PUT")
    get(app, "/docs/7", method="POST")
    put, post = fake.asked
    assert (put.resource, put.env, put.context) == ("doc:7", "production", {"size": 3})
    assert post.context == {"purpose": ""}
    assert get(app, "/docs/1").json() == "fake-3"
    assert get(app, "/docs/2").headers["assize-decision-id"] == "fake-4"


def test_the_guard_lets_nobody_through_while_nobody_decides(fake: FakeAssize) -> None:
    fake.fail(Failure.UNAVAILABLE)
    assert get(guarded(fake), "/docs/1").status_code == 503
