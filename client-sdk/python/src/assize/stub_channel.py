"""Interceptors that give a user's own calls the key and a deadline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import grpc
import grpc.aio

Metadata = tuple[tuple[str, str | bytes], ...]


@dataclass(frozen=True, slots=True)
class _Details(grpc.ClientCallDetails):
    """Of a call, with what it lacked."""

    method: str
    timeout: float | None
    metadata: Metadata | None
    credentials: grpc.CallCredentials | None
    wait_for_ready: bool | None
    compression: grpc.Compression | None


class _Defaults(
    grpc.UnaryUnaryClientInterceptor,
    grpc.UnaryStreamClientInterceptor,
    grpc.StreamUnaryClientInterceptor,
    grpc.StreamStreamClientInterceptor,
):
    """Adds the key, and to calls with one answer a deadline. A stream may be meant to last."""

    def __init__(self, metadata: Metadata, timeout: float) -> None:
        self._metadata = metadata
        self._timeout = timeout

    def intercept_unary_unary(self, continuation: Any, details: Any, request: Any) -> Any:
        return continuation(self._with(details, self._timeout), request)

    def intercept_unary_stream(self, continuation: Any, details: Any, request: Any) -> Any:
        return continuation(self._with(details, None), request)

    def intercept_stream_unary(self, continuation: Any, details: Any, requests: Any) -> Any:
        return continuation(self._with(details, self._timeout), requests)

    def intercept_stream_stream(self, continuation: Any, details: Any, requests: Any) -> Any:
        return continuation(self._with(details, None), requests)

    def _with(self, details: Any, timeout: float | None) -> _Details:
        return _Details(
            details.method,
            timeout if details.timeout is None else details.timeout,
            (*(details.metadata or ()), *self._metadata),
            details.credentials,
            details.wait_for_ready,
            details.compression,
        )


def with_defaults(channel: grpc.Channel, metadata: Metadata, timeout: float) -> grpc.Channel:
    """The channel, whose calls have what they lack."""
    return grpc.intercept_channel(channel, _Defaults(metadata, timeout))


class _AioDefaults:
    def __init__(self, metadata: Metadata, timeout: float | None) -> None:
        self._metadata = metadata
        self._timeout = timeout

    def _with(self, details: Any) -> Any:
        metadata = grpc.aio.Metadata(*(details.metadata or ()), *self._metadata)
        return details._replace(
            metadata=metadata, timeout=self._timeout if details.timeout is None else details.timeout
        )


class _UnaryUnary(_AioDefaults, grpc.aio.UnaryUnaryClientInterceptor):
    async def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        return await continuation(self._with(client_call_details), request)


class _StreamUnary(_AioDefaults, grpc.aio.StreamUnaryClientInterceptor):
    async def intercept_stream_unary(self, continuation: Any, client_call_details: Any, request_iterator: Any) -> Any:
        return await continuation(self._with(client_call_details), request_iterator)


class _UnaryStream(_AioDefaults, grpc.aio.UnaryStreamClientInterceptor):
    async def intercept_unary_stream(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        return await continuation(self._with(client_call_details), request)


class _StreamStream(_AioDefaults, grpc.aio.StreamStreamClientInterceptor):
    async def intercept_stream_stream(self, continuation: Any, client_call_details: Any, request_iterator: Any) -> Any:
        return await continuation(self._with(client_call_details), request_iterator)


def aio_defaults(metadata: Metadata, timeout: float) -> list[grpc.aio.ClientInterceptor]:
    """What gives the calls of an asyncio channel what they lack."""
    return [
        _UnaryUnary(metadata, timeout),
        _StreamUnary(metadata, timeout),
        _UnaryStream(metadata, None),
        _StreamStream(metadata, None),
    ]
