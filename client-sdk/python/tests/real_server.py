"""The real server, as `./assize serve` starts it, on free ports and with data of its own."""

from __future__ import annotations

import os
import queue
import re
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

import assize
from assize.v1 import access_service_pb2 as access
from assize.v1 import policy_service_pb2 as policy
from assize.v1.access_service_pb2_grpc import AccessServiceStub
from assize.v1.policy_service_pb2_grpc import PolicyServiceStub

START_SECONDS = 180

REPOSITORY = Path(__file__).resolve().parents[3]

_LISTENS = re.compile(r"^\s*gRPC\s+(\S+)")

POLICY = """
apiVersion: assize.dev/v1
kind: Tenant
metadata: {name: acme}
spec: {environments: [default, production]}
---
apiVersion: assize.dev/v1
kind: Role
metadata: {tenant: acme, name: reader}
spec:
  permissions:
    - {resources: [doc], actions: [read]}
    - {resources: [report], actions: [read], obligations: [{id: w1, type: watermark, properties: {text: draft}}]}
---
apiVersion: assize.dev/v1
kind: Role
metadata: {tenant: acme, name: writer}
spec: {inherits: [reader], permissions: [{resources: [doc], actions: [write]}]}
---
apiVersion: assize.dev/v1
kind: RoleBinding
metadata: {tenant: acme, name: readers}
spec: {subjects: ["user:ann", "user:bob"], role: reader}
---
apiVersion: assize.dev/v1
kind: RoleBinding
metadata: {tenant: acme, name: writers}
spec: {subjects: ["user:ann"], role: writer}
---
apiVersion: assize.dev/v1
kind: RoleBinding
metadata: {tenant: assize, name: acme-service}
spec: {subjects: ["service:documents"], role: service, scope: {resources: ["tenant:acme"]}}
---
apiVersion: assize.dev/v1
kind: Role
metadata: {tenant: assize, name: listener}
spec: {permissions: [{resources: [policy], actions: [watch]}]}
---
apiVersion: assize.dev/v1
kind: RoleBinding
metadata: {tenant: assize, name: acme-listener}
spec: {subjects: ["service:documents"], role: listener, scope: {resources: ["tenant:acme"]}}
"""


def launcher() -> Path:
    """`ASSIZE_LAUNCHER`, else that of the repository."""
    return Path(os.environ.get("ASSIZE_LAUNCHER", REPOSITORY / "assize"))


def why_not() -> str:
    """Why there is no real server here; empty where there is one."""
    start = launcher()
    if not start.is_file():
        return f"no server: there is no {start}"
    jars = list((start.parent / "server" / "target").glob("assize-server-[0-9]*.jar"))
    if not jars or _is_stale(start.parent, jars[0]):
        return f"the server is not built, or older than its sources: run {start} --version once"
    return ""


def _is_stale(home: Path, jar: Path) -> bool:
    """Whether the launcher would build first, as it judges that itself."""
    mark = home / "server" / "target" / ".assize-built"
    built = (mark if mark.exists() else jar).stat().st_mtime
    poms = [home / it / "pom.xml" for it in ("", "proto", "client-sdk/java", "server")]
    sources = [home / it / "src" / "main" for it in ("proto", "client-sdk/java", "server")]
    files = [*poms, *(file for source in sources for file in source.rglob("*"))]
    return any(it.stat().st_mtime > built for it in files if it.exists())


class RealServer:
    """Runs from `with` to its end; can be stopped and started again at the same address."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._port = 0
        self._process: subprocess.Popen[str] | None = None

    @property
    def target(self) -> str:
        return f"127.0.0.1:{self._port}"

    @property
    def administrator_key(self) -> str:
        credentials = (self._home / "credentials").read_text()
        return credentials.partition("\nkey: ")[2].strip()

    def start(self) -> None:
        # A variable of Assize that it does not know stops its start.
        others = {name: value for name, value in os.environ.items() if not name.startswith("ASSIZE_")}
        environment = others | {
            "ASSIZE_HOME": str(self._home),
            "ASSIZE_GRPC_PORT": str(self._port),
            "ASSIZE_HTTP_PORT": "0",
        }
        process = subprocess.Popen(
            [str(launcher()), "serve"],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._process = process
        lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=_pump, args=(process, lines), daemon=True).start()
        try:
            self._port = _port(lines)
        except AssertionError:
            self.stop()
            raise

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(60)
            self._process = None

    def __enter__(self) -> RealServer:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class World:
    """A tenant with a policy, and the key of the service that asks."""

    def __init__(self, server: RealServer) -> None:
        self.server = server
        self.administrator = assize.Client(server.target, key=server.administrator_key, timeout=60.0)
        self.apply(POLICY)
        self.key = self._new_key()

    def apply(self, documents: str) -> None:
        """Changes policy."""
        self.administrator.stub(PolicyServiceStub).ApplyPolicy(iter(_parts(documents)))

    def freeze(self, name: str, subject: str) -> None:
        self.administrator.stub(PolicyServiceStub).Freeze(
            policy.FreezeRequest(tenant="acme", name=name, reason="test", subject=subject)
        )

    def unfreeze(self, name: str) -> None:
        self.administrator.stub(PolicyServiceStub).Unfreeze(
            policy.UnfreezeRequest(tenant="acme", name=name, reason="test")
        )

    def _new_key(self) -> str:
        request = access.CreateKeyRequest(tenant="assize", subject="service:documents", tenants=["acme"])
        return self.administrator.stub(AccessServiceStub).CreateKey(request).credential


def _parts(documents: str) -> Iterator[policy.ApplyPolicyRequest]:
    yield policy.ApplyPolicyRequest(header=policy.ApplyPolicyHeader(reason="test"))
    source = policy.PolicySource(file="test.yaml", yaml=documents.encode())
    yield policy.ApplyPolicyRequest(put=source)


def _pump(process: subprocess.Popen[str], lines: queue.Queue[str]) -> None:
    assert process.stdout is not None
    with process.stdout as said:
        for line in said:
            lines.put(line)
    lines.put("")


def _port(lines: queue.Queue[str]) -> int:
    said: list[str] = []
    while True:
        try:
            said.append(lines.get(timeout=START_SECONDS))
        except queue.Empty:
            said.append("")
        if not said[-1]:
            raise AssertionError("the server did not start:\n" + "".join(said))
        match = _LISTENS.match(said[-1])
        if match:
            return int(match[1].rpartition(":")[2])
