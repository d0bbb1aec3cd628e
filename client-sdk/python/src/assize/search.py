"""Searches: who may, on what, and what.

What is found is what a check would allow at that moment: before somebody acts, check.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType

from typing_extensions import Self

from assize import wire
from assize.cache import Clock
from assize.errors import CallFailed, CallFailure, malformed_answer, out_of_time
from assize.retry import Reading
from assize.steps import Flow, Hear, Listen, Pause, Stream
from assize.tracing import Headers, Trace, Tracing


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked of the server, and how long and how often."""

    method: str
    request: bytes
    tenant: str
    timeout: float
    reading: Reading


class Search:
    """A search under way, page by page. A part is never taken for all: one that ends otherwise than it should fails."""

    def __init__(self, wanted: Wanted, clock: Clock, tracing: Tracing) -> None:
        self._wanted = wanted
        self._clock = clock
        self._tracing = tracing
        self._until = clock.steady() + wanted.timeout
        self._span = ExitStack()
        self._trace: Trace | None = None
        self._stream: Stream | None = None
        self._tried = 0
        self._failure: CallFailure | None = None
        self._latest: wire.SearchedPage | None = None
        self.ended = False
        self.wildcards: dict[str, None] = {}

    def names(self) -> Flow[tuple[str, ...] | None]:
        """The names of the next page; none at the end.

        Raises:
            AssizeError: the next page cannot be had, or what came is no whole search.
        """
        if self.ended:
            return None
        try:
            if self._failure is not None:
                raise CallFailed(self._failure)
            return (yield from self._next())
        except CallFailed as failed:
            self._failure = failed.failure.seen_at(self._left())
            if self._trace is not None:
                self._trace.failed(self._failure.code)
            self.close()
            raise self._failure.error() from None

    def last(self) -> wire.SearchedPage:
        """The page that says whether the names are all.

        Raises:
            RuntimeError: before the end.
        """
        if not self.ended or self._latest is None:
            raise RuntimeError("known at the end only: read all names first")
        return self._latest

    def close(self) -> None:
        """Ends the search, at the server, too."""
        if self._stream is not None:
            self._stream.cancel()
        if not self.ended and self._failure is None:
            self._failure = CallFailure("CANCELLED", "the search is closed")
        self._span.close()

    def _next(self) -> Flow[tuple[str, ...] | None]:
        data = yield from self._heard()
        if data is None:
            if self._latest is None or not self._latest.last:
                raise malformed_answer("the server ended the search before its last page")
            self.ended = True
            self.close()
            return None
        page = wire.searched_page(self._wanted.method, data)
        if self._latest is not None and self._latest.last:
            raise malformed_answer("the server sent a page behind the last one")
        self._latest = page
        self.wildcards.update(dict.fromkeys(page.wildcards))
        return page.names

    def _heard(self) -> Flow[bytes | None]:
        """The next message. The search is begun anew only while nobody has answered."""
        while True:
            try:
                if self._stream is None:
                    self._stream = yield self._begin()
                heard: bytes | None = yield Hear(self._stream)
                return heard
            except CallFailed as failed:
                wait = None if self._latest else self._wanted.reading.wait(failed.failure, self._tried)
                if wait is None or wait >= self._left():
                    raise
                self._stream = None
            yield Pause(wait)

    def _begin(self) -> Listen:
        self._tried += 1
        if self._trace is None:
            self._trace = self._span.enter_context(self._tracing.operation("assize.search", tenant=self._wanted.tenant))
        left = self._left()
        if left <= 0:
            raise out_of_time()
        headers: Headers = self._trace.headers
        return Listen(self._wanted.method, self._wanted.request, left, headers)

    def _left(self) -> float:
        return self._until - self._clock.steady()


class Found:
    """What both kinds of results say besides the names."""

    def __init__(self, search: Search) -> None:
        self._search = search
        self._names: deque[str] = deque()

    @property
    def truncated(self) -> bool:
        """Whether there may be more than was found: the search reached its limit or its time.

        Raises:
            RuntimeError: before all names are read.
        """
        return self._search.last().truncated

    @property
    def cursor(self) -> str:
        """Where to go on where it is truncated, else empty.

        Raises:
            RuntimeError: before all names are read.
        """
        return self._search.last().cursor

    @property
    def wildcards(self) -> tuple[str, ...]:
        """`*` and `type:*` of bindings by which subjects that no document names may be allowed, too."""
        return tuple(self._search.wildcards)


class SearchResults(Found, Iterator[str]):
    """The names that a search finds, as they arrive, in the order of their bytes.

    At the end `truncated` says whether they are all.

    Use it in `with` where you do not read to the end: the server stops, too.

    Raises:
        AssizeError: while iterating, where the rest cannot be had. What came before is a part, and nobody knows which.
    """

    def __init__(self, search: Search, fetch: Callable[[Search], tuple[str, ...] | None]) -> None:
        super().__init__(search)
        self._fetch = fetch

    def __next__(self) -> str:
        while not self._names:
            names = self._fetch(self._search)
            if names is None:
                raise StopIteration
            self._names.extend(names)
        return self._names.popleft()

    def close(self) -> None:
        """Ends the search where it is not at its end."""
        self._search.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class AioSearchResults(Found, AsyncIterator[str]):
    """The same for asyncio: `async for`, `async with`."""

    def __init__(self, search: Search, fetch: Callable[[Search], Awaitable[tuple[str, ...] | None]]) -> None:
        super().__init__(search)
        self._fetch = fetch

    async def __anext__(self) -> str:
        while not self._names:
            names = await self._fetch(self._search)
            if names is None:
                raise StopAsyncIteration
            self._names.extend(names)
        return self._names.popleft()

    def close(self) -> None:
        """Ends the search where it is not at its end."""
        self._search.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
