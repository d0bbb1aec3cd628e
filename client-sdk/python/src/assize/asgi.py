"""A door for HTTP: ASGI middleware for Starlette, FastAPI and every other application of that kind.

    app.add_middleware(
        AssizeMiddleware,
        client=assize.aio.Client(tenant="acme"),
        subject=lambda scope: scope.get("state", {}).get("user"),
        routes=[
            Route("GET", "/docs/{id}", Rule("read", "doc:{id}")),
            Route("GET", "/health", OPEN),
        ],
    )

A request that no route maps is denied, and so is one whose path the application may read otherwise: with empty
segments or dots, backslashes, semicolons or control characters, and, where the server tells the path as it was sent
(`raw_path`), with an encoded slash or in bytes that are no UTF-8; where it does not, what was encoded is seen
decoded only. Where a framework finds the handler by rules of its own, prefer a door that stands behind them, such
as `assize.fastapi`: there is only one opinion then about which path is which.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any, Union
from urllib.parse import unquote_to_bytes

from assize.answer import CheckResult
from assize.errors import AssizeError, Denied
from assize.mapping import DECISION_ID, AioEnforcer, Open, Rule, http_status

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

SubjectOf = Callable[[Scope], Union["str | None", Awaitable["str | None"]]]
"""Who calls, as `type:id`; none where that is not known. Only from what you have verified, never from a bare header."""

RESULT = "assize"
"""Where the answer to an allowed request stands in its scope."""

SAID = {400: "malformed", 401: "not authenticated", 403: "denied"}
"""What is said of a refusal, by its status."""

_POLICY_VIOLATION = 1008
_MISREAD = re.compile(r"[\x00-\x1f\x7f-\x9f\\;]|/(?:/|\.\.?(?:/|\Z))")
"""What applications may take for another path: controls, backslashes, semicolons, empty segments and dots."""
_PLACE = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)(:path)?\}")


class Route:
    """Which question stands before which requests.

    Args:
        method: of HTTP, or `WEBSOCKET`. One that is not named is not covered; `GET` covers `HEAD`.
        path: with places, such as `/docs/{id}`; `{rest:path}` takes in slashes.
        rule: whose resource may have the places of the path; or `OPEN`.
    """

    def __init__(self, method: str, path: str, rule: Rule | Open) -> None:
        self.method = method.upper()
        self.path = path
        self.rule = rule
        self._pattern = _pattern(path)
        if isinstance(rule, Rule):
            missing = set(rule.places) - set(self._pattern.groupindex)
            if missing:
                raise ValueError(f"`{rule.resource}` has a place `{min(missing)}` that `{path}` does not have")

    def match(self, method: str, path: str) -> dict[str, str] | None:
        """What stands in the places; none where the route is not meant."""
        covers = method == self.method or (method == "HEAD" and self.method == "GET")
        match = self._pattern.fullmatch(path) if covers else None
        return None if match is None else match.groupdict()


class AssizeMiddleware:
    """Lets through what Assize allows, and what is open; the answer stands in `scope["assize"]`.

    A caller that is not known gets 401, one that is denied 403, a malformed question 400, and 503 where nobody decided.

    Args:
        app: what is protected.
        client: asks; it belongs to the loop that serves.
        subject: says who calls.
        routes: the first that matches counts; what none matches is denied.
    """

    def __init__(self, app: App, *, client: AioEnforcer, subject: SubjectOf, routes: Sequence[Route]) -> None:
        self._app = app
        self._client = client
        self._subject = subject
        self._routes = tuple(routes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        status, result = await self._admit(scope)
        if status == 200:
            scope[RESULT] = result
            await self._app(scope, receive, send)
            return
        await _refuse(scope, send, status, result)

    async def _admit(self, scope: Scope) -> tuple[int, CheckResult | None]:
        found = self._find(scope)
        if found is None:
            return 403, None
        rule, values = found
        if isinstance(rule, Open):
            return 200, None
        subject = self._subject(scope)
        if inspect.isawaitable(subject):
            subject = await subject
        if not subject:
            return 401, None
        try:
            return 200, await self._client.enforce(rule.question(subject, values), all_handled=True)
        except Denied as denied:
            return http_status(denied.result.failure), denied.result
        except AssizeError as error:
            return http_status(error.failure), None

    def _find(self, scope: Scope) -> tuple[Rule | Open, dict[str, str]] | None:
        if scope["type"] not in ("http", "websocket"):
            return None
        method = scope["method"] if scope["type"] == "http" else "WEBSOCKET"
        if not reads_one_way(scope):
            return None
        path = _path(scope)
        for route in self._routes:
            values = route.match(method, path)
            if values is not None:
                return route.rule, values
        return None


async def _refuse(scope: Scope, send: Send, status: int, result: CheckResult | None) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": _POLICY_VIOLATION, "reason": ""})
        return
    body = refusal(status, result)
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    if result is not None and result.decision_id:
        headers.append((DECISION_ID.encode(), result.decision_id.encode()))
    if status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def refusal(status: int, result: CheckResult | None) -> bytes:
    """What a refused caller may know: that it is, and by which decision somebody can look up why."""
    told = {"detail": SAID.get(status, "cannot be decided for now")}
    if result is not None and result.decision_id:
        told["decision_id"] = result.decision_id
    return json.dumps(told).encode()


def reads_one_way(scope: MutableMapping[str, Any]) -> bool:
    """Whether nobody takes the path of a request for another than the application does."""
    return _MISREAD.search(str(scope["path"])) is None and _is_plain(scope.get("raw_path"))


def _is_plain(raw: bytes | None) -> bool:
    """Whether a path as it was sent, where the server tells it, has no slash that is encoded, and is UTF-8."""
    if raw is None:
        return True
    path = raw.partition(b"?")[0]
    try:
        unquote_to_bytes(path).decode()
    except UnicodeDecodeError:
        return False
    return b"%2f" not in path.lower()


def _path(scope: Scope) -> str:
    path, root = str(scope["path"]), str(scope.get("root_path", "")).rstrip("/")
    return path[len(root) :] if root and path.startswith(f"{root}/") else path


def _pattern(path: str) -> re.Pattern[str]:
    pattern, at = "", 0
    for place in _PLACE.finditer(path):
        pattern += re.escape(path[at : place.start()])
        pattern += f"(?P<{place[1]}>{'.+' if place[2] else '[^/]+'})"
        at = place.end()
    rest = path[at:]
    if "{" in rest or "{" in re.sub(_PLACE, "", path):
        raise ValueError(f"`{path}` has a place that is none")
    return re.compile(pattern + re.escape(rest), re.DOTALL)
