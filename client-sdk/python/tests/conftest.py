"""Servers for tests: scripted ones, and the real one where it is built."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from real_server import RealServer, World, why_not
from scripted import AioFace, Face, ScriptedServer

import assize

NewClient = Callable[..., Face]


@pytest.fixture(autouse=True)
def _no_surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ASSIZE_KEY", "ASSIZE_SERVER"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def scripted() -> Iterator[ScriptedServer]:
    server = ScriptedServer()
    yield server
    server.stop()


@pytest.fixture(params=["threads", "asyncio"])
def new_client(request: pytest.FixtureRequest) -> Iterator[NewClient]:
    """Makes clients of either kind, which have a patient deadline unless told otherwise."""
    made: list[Face] = []

    def new(target: str, **options: Any) -> Face:
        options = {"tenant": "acme", "check_timeout": 20.0, **options}
        face: Face = assize.Client(target, **options) if request.param == "threads" else AioFace(target, **options)
        made.append(face)
        return face

    yield new
    for it in made:
        it.close()


@pytest.fixture(scope="session")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealServer]:
    """A server of its own database; what needs one is skipped where the server is not built."""
    missing = why_not()
    if missing:
        pytest.skip(missing)
    home: Path = tmp_path_factory.mktemp("assize")
    with RealServer(home) as server:
        yield server


@pytest.fixture(scope="session")
def world(real: RealServer) -> World:
    """Tenant `acme`, its policy, and a service's key."""
    return World(real)
