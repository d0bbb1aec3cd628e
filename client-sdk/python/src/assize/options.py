"""How a client connects, waits, keeps and tries again."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Union

import grpc

from assize.answer import Obligation
from assize.question import Question

DEFAULT_TARGET = "127.0.0.1:7443"

ObligationHandler = Callable[[Obligation, Question], Any]
"""Carries out a duty; raising denies. For the asyncio client it may be a coroutine function."""

Obligations = Union[Iterable[str], Mapping[str, Union[ObligationHandler, None]]]

_KEY_START = "asz_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """Transport security: whom to believe, and who to be.

    Args:
        ca: file of the certificates that sign the server's; none means those of the machine.
        certificate, key: files of a certificate of one's own and its key, for mutual TLS.
        server_name: the name to expect in the server's certificate, where it is not the target's.
    """

    ca: str | os.PathLike[str] | None = None
    certificate: str | os.PathLike[str] | None = None
    key: str | os.PathLike[str] | None = None
    server_name: str = ""

    def credentials(self) -> grpc.ChannelCredentials:
        """Reads the files."""
        return grpc.ssl_channel_credentials(_read(self.ca), _read(self.key), _read(self.certificate))


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How often and after how long a call is tried again, always within its deadline.

    Args:
        tries: of a check or a read, the first included. An append is tried until its deadline, under one key.
        first_backoff, longest_backoff: seconds; doubled from try to try, and jittered.
    """

    tries: int = 3
    first_backoff: float = 0.05
    longest_backoff: float = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What both clients take; see `Client`."""

    target: str = ""
    key: str = field(default="", repr=False)
    key_file: str | os.PathLike[str] | None = None
    tenant: str = ""
    env: str = ""
    tls: Tls | bool | None = None
    check_timeout: float = 1.0
    timeout: float = 10.0
    obligations: Obligations = ()
    use_approvals: bool = False
    retry: RetryPolicy = RetryPolicy()
    cache: bool = False
    cache_size: int = 10_000
    batching: bool = False
    tracing: bool = False

    def address(self) -> str:
        """Where the server is."""
        return self.target or os.environ.get("ASSIZE_SERVER", "") or DEFAULT_TARGET

    def credential(self) -> str:
        """The key, from wherever it was given; empty where none was.

        Raises:
            ValueError: where it is no key. The message does not contain it.
        """
        if self.key and self.key_file is not None:
            raise ValueError("give `key` or `key_file`, not both")
        text = self.key
        if self.key_file is not None:
            text = Path(self.key_file).read_text(encoding="utf-8")
        key = (text or os.environ.get("ASSIZE_KEY", "")).strip()
        if key and not (key.startswith(_KEY_START) and key.isascii() and key.isprintable()):
            raise ValueError("that is no key of Assize: one begins with `asz_`")
        return key

    def channel_credentials(self) -> grpc.ChannelCredentials | None:
        """None for plain text: which is what a target on this machine gets unless told otherwise."""
        tls = self.tls
        if tls is None:
            tls = not is_local(self.address())
        if tls is False:
            return None
        return (Tls() if tls is True else tls).credentials()

    def channel_arguments(self) -> list[tuple[str, Any]]:
        """Settings of gRPC: tries are ours alone, a broken connection is noticed and mended soon."""
        arguments: list[tuple[str, Any]] = [
            ("grpc.enable_retries", 0),
            ("grpc.service_config_disable_resolution", 1),
            ("grpc.initial_reconnect_backoff_ms", 100),
            ("grpc.min_reconnect_backoff_ms", 5_000),
            ("grpc.max_reconnect_backoff_ms", 2_000),
            ("grpc.keepalive_time_ms", 40_000),
            ("grpc.keepalive_timeout_ms", 10_000),
            ("grpc.max_receive_message_length", 16 << 20),
            ("grpc.primary_user_agent", "assize-python/0.1.0"),
        ]
        if isinstance(self.tls, Tls) and self.tls.server_name:
            arguments.append(("grpc.ssl_target_name_override", self.tls.server_name))
        if not self._may_use_proxy():
            arguments.append(("grpc.enable_http_proxy", 0))
        return arguments

    def _may_use_proxy(self) -> bool:
        """Whether `https_proxy` and its like count: not for this machine, nor where a proxy could read the key."""
        return self.tls is not False and not is_local(self.address())

    def handlers(self) -> dict[str, ObligationHandler | None]:
        """The known types of obligations, with what carries them out."""
        if isinstance(self.obligations, str):
            raise TypeError("`obligations` is a text, expected types of obligations")
        if isinstance(self.obligations, Mapping):
            return dict(self.obligations)
        return dict.fromkeys(self.obligations)


def is_local(target: str) -> bool:
    """Whether a target cannot be anywhere but on this machine."""
    return target.startswith(("unix:", "unix-abstract:")) or _host_is_local(target.removeprefix("dns:///"))


def _host_is_local(target: str) -> bool:
    if target.startswith(("127.", "ipv4:127.")):
        host = target.removeprefix("ipv4:").rpartition(":")[0] or target.removeprefix("ipv4:")
        return all(part.isdigit() for part in host.split("."))
    host = target.rpartition(":")[0] if target.count(":") == 1 or "]" in target else target
    return host in ("localhost", "[::1]", "ipv6:[::1]")


def _read(path: str | os.PathLike[str] | None) -> bytes | None:
    return None if path is None else Path(path).read_bytes()
