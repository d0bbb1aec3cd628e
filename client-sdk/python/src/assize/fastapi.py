"""A door for FastAPI: dependencies that ask before a route runs. Needs `assize[fastapi]`.

    guard = Guard(assize.aio.Client(tenant="acme"), subject=current_user)
    app = FastAPI(dependencies=[Depends(guard.mapped)])

    @app.get("/docs/{id}")
    async def read(id: str, decision: Annotated[CheckResult, Depends(guard.may("read", "doc:{id}"))]) -> Doc: ...

    @app.get("/health", dependencies=[Depends(guard.open)])
    async def health() -> str: ...

With `guard.mapped` on the application, a route that has neither `may` nor `open` is denied. FastAPI does not run it for
what is mounted, nor for the pages that it makes itself; what no route matches it answers with 404 or 405 by itself.

A path that others may read otherwise is denied whatever route matches it, as at all doors: with empty segments or dots,
an encoded slash, a backslash, a semicolon or a control character, or in bytes that are no UTF-8.
"""

import inspect
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any, Union

from fastapi import Depends, HTTPException, Request

from assize.answer import CheckResult
from assize.asgi import SAID, reads_one_way
from assize.errors import AssizeError, Denied
from assize.mapping import DECISION_ID, AioEnforcer, Rule, http_status
from assize.question import AttributeValue

Context = Callable[[Request], Union[Mapping[str, AttributeValue], Awaitable[Mapping[str, AttributeValue]]]]

_MARK = "__assize_mapped__"


class Guard:
    """Makes dependencies of routes.

    Args:
        client: asks; it belongs to the loop that serves.
        subject: a dependency that says who calls, as `type:id`, or none. Only from what you have verified.
    """

    def __init__(self, client: AioEnforcer, subject: Callable[..., Any]) -> None:
        self._client = client
        self._subject = subject

    def may(
        self, action: str, resource: str, *, tenant: str = "", env: str = "", context: Context | None = None
    ) -> Callable[..., Awaitable[CheckResult]]:
        """A dependency that lets through whoever may do the action, and gives the answer.

        `resource` may have places of the route's path, such as `doc:{id}`. A caller that is not known gets 401, one
        that is denied 403, a malformed question 400, and 503 where nobody decided.
        """
        rule = Rule(action, resource, tenant, env)
        known = Depends(self._subject)

        async def admit(request: Request, subject: Any = known) -> CheckResult:
            _require_one_way(request)
            if not subject:
                raise _refused(401, None)
            brought = context(request) if context is not None else {}
            if inspect.isawaitable(brought):
                brought = await brought
            values = {name: str(value) for name, value in request.path_params.items()}
            return await self._admit(rule, str(subject), values, brought)

        setattr(admit, _MARK, True)
        return admit

    async def open(self, request: Request) -> None:
        """A dependency that says that nobody is asked before a route."""
        _require_one_way(request)

    async def mapped(self, request: Request) -> None:
        """A dependency for the whole application: denies routes that have neither `may` nor `open`."""
        _require_one_way(request)
        if not any(_is_marked(it) for it in _dependants(request.scope)):
            raise _refused(403, None)

    async def _admit(
        self, rule: Rule, subject: str, values: Mapping[str, str], context: Mapping[str, AttributeValue]
    ) -> CheckResult:
        try:
            return await self._client.enforce(rule.question(subject, values, context), all_handled=True)
        except Denied as denied:
            raise _refused(http_status(denied.result.failure), denied.result) from None
        except AssizeError as error:
            raise _refused(http_status(error.failure), None) from None


setattr(Guard.open, _MARK, True)


def _require_one_way(request: Request) -> None:
    if not reads_one_way(request.scope):
        raise _refused(403, None)


def _dependants(scope: Mapping[str, Any]) -> Iterator[Any]:
    """What a route depends on, and what including its router adds, where FastAPI does not copy the route for that."""
    yield getattr(scope.get("route"), "dependant", None)
    inclusion = scope.get("fastapi") or {}
    yield getattr(inclusion.get("effective_route_context"), "dependant", None)


def _is_marked(dependant: Any) -> bool:
    if dependant is None:
        return False
    if getattr(getattr(dependant, "call", None), _MARK, False):
        return True
    return any(_is_marked(it) for it in dependant.dependencies)


def _refused(status: int, result: CheckResult | None) -> HTTPException:
    detail = SAID.get(status, "cannot be decided for now")
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    if result is not None and result.decision_id:
        headers[DECISION_ID] = result.decision_id
    return HTTPException(status, detail, headers or None)
