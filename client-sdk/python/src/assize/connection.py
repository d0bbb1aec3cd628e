"""What the two clients share besides their operations: options, credentials, steps of I/O that need none."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

from assize.core import Core, Surroundings
from assize.errors import CallFailure, InvalidArgument
from assize.event import AuditEvent
from assize.options import Obligations, Options, RetryPolicy, Tls
from assize.question import AttributeValue, Question
from assize.tracing import Headers


class Connection(ABC, Surroundings):
    """A connection to a server, for one caller.

    Args:
        target: `host:port` or `unix:/path`; else `ASSIZE_SERVER`, else `127.0.0.1:7443`.
        key: `asz_…`; else what `key_file` holds, else `ASSIZE_KEY`.
        tenant, env: of questions and events that name none.
        tls: `Tls` says whom to believe; `True` believes whom the machine believes; `False` is plain text. Where
            nothing is said, a target on this machine gets plain text, and any other TLS.
        check_timeout: seconds for a check, all tries included.
        timeout: seconds for everything else.
        obligations: the types of duties that you know, with what carries them out: a handler that `enforce` calls, or
            `None` where you look at `CheckResult.obligations` yourself, which the doors do not wait for: they deny. An
            allow under any other duty is a deny.
        use_approvals: have `enforce`, and so the doors, use up the single-use approval that an allow rests on
            (`assize/use-approval`), for the subject of the question: of two who try, one may. The key needs `act-as`.
        retry: how often and after how long a call is tried again.
        cache: keep answers as long as `valid_until` and the tenant's policy stream allow. Needs the permission `watch`.
        cache_size: answers kept at most.
        batching: have concurrent checks travel together.
        tracing: have a span for each operation, by OpenTelemetry (`assize[otel]`).

    Raises:
        ValueError: where an option is malformed.
    """

    def __init__(
        self,
        target: str = "",
        *,
        key: str = "",
        key_file: str | os.PathLike[str] | None = None,
        tenant: str = "",
        env: str = "",
        tls: Tls | bool | None = None,
        check_timeout: float = 1.0,
        timeout: float = 10.0,
        obligations: Obligations = (),
        use_approvals: bool = False,
        retry: RetryPolicy | None = None,
        cache: bool = False,
        cache_size: int = 10_000,
        batching: bool = False,
        tracing: bool = False,
    ) -> None:
        self._options = Options(
            target=target,
            key=key,
            key_file=key_file,
            tenant=tenant,
            env=env,
            tls=tls,
            check_timeout=check_timeout,
            timeout=timeout,
            obligations=obligations,
            use_approvals=use_approvals,
            retry=retry or RetryPolicy(),
            cache=cache,
            cache_size=cache_size,
            batching=batching,
            tracing=tracing,
        )
        credential = self._options.credential()
        self._authorization: Headers = (("authorization", f"Bearer {credential}"),) if credential else ()
        self._core = Core(self._options, self)
        self._open()

    @abstractmethod
    def _open(self) -> None:
        """Makes the channel; nothing is connected before the first call."""

    def _metadata(self, headers: Headers = ()) -> tuple[tuple[str, str | bytes], ...]:
        return (*self._authorization, *headers)


CLOSED = CallFailure("CANCELLED", "the client is closed")

STREAM_ENDED = CallFailure("UNAVAILABLE", "the stream has ended")


def question_of(
    subject: str | Question,
    resource: str,
    action: str,
    tenant: str,
    env: str,
    context: Mapping[str, AttributeValue] | None,
    on_behalf_of: str,
) -> Question:
    """A question as it was given: whole, or in its parts."""
    if isinstance(subject, Question):
        if resource or action or tenant or env or context or on_behalf_of:
            raise TypeError("give a Question, or its parts, not both")
        return subject
    return Question(
        subject=subject,
        resource=resource,
        action=action,
        tenant=tenant,
        env=env,
        context=context or {},
        on_behalf_of=on_behalf_of,
    )


def events_of(events: AuditEvent | Sequence[AuditEvent]) -> Sequence[AuditEvent]:
    """One event or several, as several.

    Raises:
        InvalidArgument: where there is none.
    """
    several = [events] if isinstance(events, AuditEvent) else list(events)
    if not several:
        raise InvalidArgument("INVALID_ARGUMENT", "no event to record, expected 1 to 500")
    return several
