"""Targets, keys and transport security."""

from __future__ import annotations

import datetime
import ipaddress
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest
from conftest import NewClient
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from scripted import ALLOW, ScriptedServer, always

from assize import Failure, Tls
from assize.options import Options, is_local

ASK = ("user:a", "doc:1", "read")


@pytest.mark.parametrize(
    "target",
    ["127.0.0.1:7443", "127.0.0.1", "localhost:1", "localhost", "[::1]:7443", "dns:///localhost:7443", "unix:/run/a"],
)
def test_this_machine_gets_plain_text(target: str) -> None:
    assert is_local(target)
    assert Options(target=target).channel_credentials() is None


@pytest.mark.parametrize(
    "target",
    [
        "assize.example.com:7443",
        "127.example.com:7443",
        "127.0.0.1.example.com:7443",
        "localhost.example.com:1",
        "10.0.0.1:7443",
        "dns:///10.0.0.1:7443",
        "[2001:db8::1]:7443",
        "unixes:7443",
    ],
)
def test_every_other_machine_gets_tls(target: str) -> None:
    assert not is_local(target)
    assert Options(target=target).channel_credentials() is not None
    assert Options(target=target, tls=False).channel_credentials() is None


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """Where the environment says that a proxy is; whoever calls it is never answered."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        for name in ("grpc_proxy", "https_proxy", "http_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{listener.getsockname()[1]}")
        for name in ("no_grpc_proxy", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        yield listener


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "dns:///localhost"])
def test_no_proxy_is_told_what_goes_to_this_machine(
    scripted: ScriptedServer, new_client: NewClient, proxy: socket.socket, host: str
) -> None:
    scripted.on_check(always(ALLOW))
    client = new_client(f"{host}:{scripted.port}", key="asz_id_secret", check_timeout=5.0)
    assert client.check(*ASK)
    with pytest.raises(BlockingIOError):
        proxy.accept()


@pytest.mark.parametrize(
    ("target", "tls", "may"),
    [
        ("localhost:7443", None, False),
        ("localhost:7443", True, False),
        ("unix:/run/a", None, False),
        ("assize.example.com:7443", False, False),
        ("assize.example.com:7443", None, True),
        ("assize.example.com:7443", Tls(), True),
    ],
)
def test_a_proxy_is_for_other_machines_and_tls(target: str, tls: Tls | bool | None, may: bool) -> None:
    arguments = Options(target=target, tls=tls).channel_arguments()
    assert (("grpc.enable_http_proxy", 0) not in arguments) is may


def test_a_key_is_not_shown() -> None:
    assert "asz_" not in repr(Options(key="asz_a_secret"))


def test_a_certificate_that_is_not_there_is_missed_at_once(new_client: NewClient) -> None:
    with pytest.raises(FileNotFoundError):
        new_client("127.0.0.1:1", tls=Tls(ca="/nowhere.pem"))


@dataclass(frozen=True)
class Party:
    """A certificate and its key, in files."""

    certificate: Path
    key: Path


class Authority:
    """Signs certificates, its own among them."""

    def __init__(self, name: str, directory: Path) -> None:
        self._directory = directory
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        self.itself = self._sign(name, self._key, True)

    def issue(self, name: str) -> Party:
        return self._sign(name, ec.generate_private_key(ec.SECP256R1()), False)

    def _sign(self, name: str, key: ec.EllipticCurvePrivateKey, authority: bool) -> Party:
        now = datetime.datetime.now(datetime.timezone.utc)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]))
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(hours=1))
            .add_extension(x509.BasicConstraints(authority, None), True)
            .add_extension(
                x509.SubjectAlternativeName([x509.DNSName(name), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
                False,
            )
            .sign(self._key, hashes.SHA256())
        )
        party = Party(self._directory / f"{name}.pem", self._directory / f"{name}.key")
        party.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        party.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return party


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority("authority", tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def tls_target(authority: Authority) -> Iterator[str]:
    """A server that wants to know who calls by certificate."""
    party = authority.issue("server")
    credentials = grpc.ssl_server_credentials(
        [(party.key.read_bytes(), party.certificate.read_bytes())],
        authority.itself.certificate.read_bytes(),
        True,
    )
    handler: grpc.RpcMethodHandler[bytes, bytes] = grpc.unary_unary_rpc_method_handler(always(ALLOW))
    server = grpc.server(
        ThreadPoolExecutor(4),
        handlers=[grpc.method_handlers_generic_handler("assize.v1.DecisionService", {"Check": handler})],
    )
    port = server.add_secure_port("127.0.0.1:0", credentials)
    server.start()
    yield f"127.0.0.1:{port}"
    server.stop(0).wait()


def test_a_stranger_is_not_believed_and_a_caller_must_say_who_it_is(
    authority: Authority, tls_target: str, new_client: NewClient, tmp_path: Path
) -> None:
    caller = authority.issue("caller")
    ca = authority.itself.certificate
    stranger = Authority("stranger", tmp_path).itself.certificate
    for tls in (
        False,
        True,
        Tls(ca=stranger, certificate=caller.certificate, key=caller.key),
        Tls(ca=ca),
        Tls(ca=ca, certificate=caller.certificate, key=caller.key, server_name="other"),
    ):
        assert new_client(tls_target, tls=tls).check(*ASK).failure is Failure.UNAVAILABLE
    for name in ("", "server"):
        tls = Tls(ca=ca, certificate=caller.certificate, key=caller.key, server_name=name)
        assert new_client(tls_target, tls=tls).check(*ASK)
