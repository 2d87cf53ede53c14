"""Servers that are gone, are not who they say, or lead into a private network."""

import datetime as dt
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from console.solid_server import SolidServer
from pod_sync.access import enclose
from pod_sync.errors import PodForeign, PodRefused, PodUnreachable
from pod_sync.session import Access, Session
from tests.pod_sync.pods import new_pod
from tests.pod_sync.server import INSTALLED, free_port
from vault.errors import NotFound, UsageError


@contextmanager
def served(context: ssl.SSLContext | None = None) -> Iterator[tuple[int, list[str]]]:
    """A server on loopback that notes what it is asked."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(404)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    class Quiet(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            pass

    server = Quiet(("127.0.0.1", 0), Handler)
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.server_port, asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def self_signed(folder: Path, *, days: int = 1) -> ssl.SSLContext:
    """A certificate for localhost that nobody vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=9))
        .not_valid_after(now + dt.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    path.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


def at(url: str, issuer: str = "") -> Access:
    return Access(
        url=url, webid=f"{url}card#me", issuer=issuer or url, client_id="twin", secret="x"
    )


def test_a_wrong_certificate_is_told_and_not_tried_again(tmp_path, naps):
    with (
        served(self_signed(tmp_path)) as (port, asked),
        Session(at(f"https://localhost:{port}/"), patience=naps.patience()) as session,
        pytest.raises(PodUnreachable, match=r"certificate of https://localhost"),
    ):
        session.assert_owner()
    assert asked == []
    assert naps == []


def test_a_certificate_that_the_owner_trusts_will_do(tmp_path, naps, monkeypatch):
    context = self_signed(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "server.pem"))
    with (
        served(context) as (port, asked),
        Session(at(f"https://localhost:{port}/"), patience=naps.patience()) as session,
        pytest.raises(PodRefused, match=r"does not answer as"),
    ):
        session.assert_owner()
    assert asked == ["/.well-known/openid-configuration"]


def test_a_server_without_encryption_is_told(naps):
    with (
        served() as (port, _),
        Session(at(f"https://localhost:{port}/"), patience=naps.patience()) as session,
        pytest.raises(PodUnreachable, match=r"http:// or https://"),
    ):
        session.assert_owner()


def test_a_server_that_is_gone_is_told_in_the_end(naps):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with (
        Session(at(f"http://localhost:{port}/"), patience=naps.patience()) as session,
        pytest.raises(PodUnreachable, match=r"Nothing answers"),
    ):
        session.assert_owner()
    assert len(naps) == 4


def test_a_name_that_nobody_knows_is_told(naps):
    with (
        Session(at("https://pod.invalid/"), patience=naps.patience()) as session,
        pytest.raises(PodUnreachable, match=r"No server named pod\.invalid"),
    ):
        session.assert_owner()


def test_a_name_that_is_none_is_told(naps):
    with (
        Session(at("https://pod..example/"), patience=naps.patience()) as session,
        pytest.raises(PodForeign, match=r"is no address"),
    ):
        session.assert_owner()


def resolving(monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    """Let every name mean a server on loopback, whatever it meant before."""
    connect = socket.create_connection

    def to_loopback(_: object, *args: object, **kwargs: object) -> socket.socket:
        return connect(("127.0.0.1", port), *args, **kwargs)

    monkeypatch.setattr(socket, "create_connection", to_loopback)


def test_an_issuer_in_a_private_network_is_not_asked(naps, monkeypatch):
    with served() as (port, asked):
        resolving(monkeypatch, port)
        access = at("https://pod.example/", issuer="https://id.example/")
        with (
            Session(access, patience=naps.patience()) as session,
            pytest.raises(PodForeign, match=r"private network"),
        ):
            session.assert_owner()
    assert asked == []
    assert naps == []


@pytest.mark.parametrize("issuer", ["http://id.example/", "http://127.0.0.1/", "ftp://id/"])
def test_an_issuer_is_asked_over_encryption_alone(naps, issuer):
    with (
        Session(at("https://pod.example/", issuer), patience=naps.patience()) as session,
        pytest.raises(PodForeign, match=r"without encryption"),
    ):
        session.assert_owner()


def test_a_pod_beyond_the_owners_network_is_asked_over_encryption_alone(naps, monkeypatch):
    class Public(ipaddress.IPv4Address):
        is_global = True

    with served() as (port, asked):
        resolving(monkeypatch, port)
        monkeypatch.setattr(ipaddress, "ip_address", Public)
        with (
            Session(at("http://pod.example/"), patience=naps.patience()) as session,
            pytest.raises(PodForeign, match=r"https://"),
        ):
            session.assert_owner()
    assert asked == []


def test_a_pod_in_her_own_network_is_asked_as_she_typed_it(naps):
    with (
        served() as (port, asked),
        Session(at(f"http://127.0.0.1:{port}/"), patience=naps.patience()) as session,
        pytest.raises(PodRefused, match=r"does not answer as"),
    ):
        session.assert_owner()
    assert asked == ["/.well-known/openid-configuration"]


# A server in one's own network.


@pytest.fixture
def in_the_network(tmp_path: Path) -> Iterator[str]:
    """The address of a real server that goes by this machine's name."""
    name = socket.gethostname()
    try:
        socket.getaddrinfo(name, None)
        server = SolidServer(tmp_path / "pods", lan=name, port=free_port(), installed=INSTALLED)
    except (OSError, UsageError, NotFound) as error:
        pytest.skip(f"no server can go by this machine's name: {error}")
    with server:
        yield server.url


@pytest.mark.pod
def test_a_server_that_goes_by_a_name_of_the_network_knows_its_owners(in_the_network: str) -> None:
    ada, bob = new_pod(in_the_network), new_pod(in_the_network)
    with Session(ada) as owner, Session(bob) as stranger:
        owner.assert_owner()
        enclose(owner, "twinvault/")
        assert stranger._client.get(f"{ada.url}twinvault/").status_code == 403
