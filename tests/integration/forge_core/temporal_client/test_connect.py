"""Which Temporal server is configured, and what happens when it cannot be used."""

import socket
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from forge_core.errors import ServerUnavailable, UsageError
from forge_core.state_dir.locate import get_state_dir
from forge_core.temporal_client.connect import connect, embedded_config, load_connect_config
from support.temporal_server import running_server
from temporalio.service import TLSConfig

FILE = """
[profile.default]
address = "default.example:7233"
namespace = "default-space"

[profile.other]
address = "other.example:7233"
api_key = "secret"
"""


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """An environment whose configuration file holds two profiles."""
    file = tmp_path / "temporal.toml"
    file.write_text(FILE)
    return {"TEMPORAL_CONFIG_FILE": str(file)}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_server(tmp_path_factory.mktemp("temporal")) as address:
        yield address


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.fixture
def web_port() -> Iterator[int]:
    """A web server, which is no Temporal server."""
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        thread = Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.mark.parametrize(
    ("option", "variables", "address"),
    [
        pytest.param(
            "option:1",
            {"FORGE_TEMPORAL_ADDRESS": "forge:2", "TEMPORAL_ADDRESS": "temporal:3"},
            "option:1",
            id="the option goes before everything",
        ),
        pytest.param(
            None,
            {"FORGE_TEMPORAL_ADDRESS": "forge:2", "TEMPORAL_ADDRESS": "temporal:3"},
            "forge:2",
            id="our variable goes before Temporal's",
        ),
        pytest.param(
            None,
            {"TEMPORAL_ADDRESS": "temporal:3"},
            "temporal:3",
            id="Temporal's variable goes before the file",
        ),
        pytest.param(None, {}, "default.example:7233", id="the file's default profile"),
        pytest.param(
            None, {"TEMPORAL_PROFILE": "other"}, "other.example:7233", id="the chosen profile"
        ),
        pytest.param(
            None, {"FORGE_TEMPORAL_ADDRESS": ""}, "default.example:7233", id="empty is not set"
        ),
    ],
)
def test_the_nearest_source_of_an_address_wins(
    environ: dict[str, str], option: str | None, variables: dict[str, str], address: str
) -> None:
    config = load_connect_config(option, environ | variables)

    assert config is not None
    assert config.address == address


def test_nothing_configured_is_none() -> None:
    assert load_connect_config(None, {}) is None


def test_a_profile_without_an_address_is_none(tmp_path: Path) -> None:
    file = tmp_path / "temporal.toml"
    file.write_text('[profile.default]\nnamespace = "mine"\n')

    assert load_connect_config(None, {"TEMPORAL_CONFIG_FILE": str(file)}) is None


def test_namespace_and_key_are_the_profiles_when_an_option_gives_the_address(
    environ: dict[str, str],
) -> None:
    default = load_connect_config("option:1", environ)
    other = load_connect_config("option:1", environ | {"TEMPORAL_PROFILE": "other"})

    assert default is not None
    assert default.options.get("namespace") == "default-space"
    assert other is not None
    assert other.options.get("api_key") == "secret"
    assert other.options.get("tls") is True


def test_the_variable_for_the_namespace_goes_before_the_file(environ: dict[str, str]) -> None:
    config = load_connect_config(None, environ | {"TEMPORAL_NAMESPACE": "mine"})

    assert config is not None
    assert config.options.get("namespace") == "mine"


def test_a_key_in_the_environment_turns_tls_on() -> None:
    config = load_connect_config(None, {"TEMPORAL_ADDRESS": "a:1", "TEMPORAL_API_KEY": "secret"})

    assert config is not None
    assert (config.options.get("api_key"), config.options.get("tls")) == ("secret", True)


def test_certificates_of_the_environment_are_read(tmp_path: Path) -> None:
    for name in ("ca", "cert", "key"):
        (tmp_path / name).write_text(f"the {name}")
    config = load_connect_config(
        None,
        {
            "TEMPORAL_ADDRESS": "a:1",
            "TEMPORAL_TLS_SERVER_CA_CERT_PATH": str(tmp_path / "ca"),
            "TEMPORAL_TLS_CLIENT_CERT_PATH": str(tmp_path / "cert"),
            "TEMPORAL_TLS_CLIENT_KEY_PATH": str(tmp_path / "key"),
            "TEMPORAL_TLS_SERVER_NAME": "temporal.example",
        },
    )

    assert config is not None
    assert config.options.get("tls") == TLSConfig(
        server_root_ca_cert=b"the ca",
        domain="temporal.example",
        client_cert=b"the cert",
        client_private_key=b"the key",
    )


def test_the_profile_of_a_file_may_keep_tls_off(tmp_path: Path) -> None:
    file = tmp_path / "temporal.toml"
    file.write_text('[profile.default]\naddress = "a:1"\n[profile.default.tls]\ndisabled = true\n')

    config = load_connect_config(None, {"TEMPORAL_CONFIG_FILE": str(file)})

    assert config is not None
    assert not config.options.get("tls")


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        pytest.param({"TEMPORAL_PROFILE": "nowhere"}, "nowhere", id="unknown profile"),
        pytest.param({"TEMPORAL_ADDRESS": "no-port"}, "no-port", id="address without a port"),
        pytest.param(
            {"TEMPORAL_ADDRESS": "http://host:7233"}, "http://host:7233", id="address is a URL"
        ),
        pytest.param(
            {"TEMPORAL_TLS_CLIENT_CERT_PATH": "/nowhere/cert.pem"},
            "/nowhere/cert.pem",
            id="missing certificate",
        ),
    ],
)
def test_a_configuration_that_is_not_valid_is_a_usage_error_on_one_line(
    environ: dict[str, str], variables: dict[str, str], named: str
) -> None:
    with pytest.raises(UsageError, match=named) as failure:
        load_connect_config(None, environ | variables)

    assert "\n" not in str(failure.value)


def test_a_broken_configuration_file_is_a_usage_error(tmp_path: Path) -> None:
    file = tmp_path / "temporal.toml"
    file.write_text("[profile.default\n")

    with pytest.raises(UsageError, match="Temporal configuration"):
        load_connect_config(None, {"TEMPORAL_CONFIG_FILE": str(file)})


async def test_a_server_that_is_there_gives_a_client(server: str) -> None:
    config = load_connect_config(server, {})
    assert config is not None

    client = await connect(config)

    assert client.namespace == "default"


async def test_the_environment_has_no_say_over_the_embedded_server(
    server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEMPORAL_NAMESPACE", "elsewhere")
    monkeypatch.setenv("TEMPORAL_ADDRESS", "elsewhere:1")

    client = await connect(embedded_config(server, get_state_dir()))

    assert client.namespace == "default"


async def test_nobody_listening_is_said_within_seconds() -> None:
    config = load_connect_config(f"127.0.0.1:{unused_port()}", {})
    assert config is not None
    begun = time.monotonic()

    with pytest.raises(ServerUnavailable, match="connection refused") as failure:
        await connect(config)

    assert time.monotonic() - begun < 10
    assert config.address in str(failure.value)
    assert "\n" not in str(failure.value)


async def test_a_port_that_never_answers_is_given_up_within_seconds(silent_port: int) -> None:
    config = load_connect_config(f"127.0.0.1:{silent_port}", {})
    assert config is not None
    begun = time.monotonic()

    with pytest.raises(ServerUnavailable, match=str(silent_port)):
        await connect(config)

    assert time.monotonic() - begun < 10


async def test_a_web_server_is_no_temporal_server(web_port: int) -> None:
    config = load_connect_config(f"127.0.0.1:{web_port}", {})
    assert config is not None

    with pytest.raises(ServerUnavailable, match="no Temporal server"):
        await connect(config)


async def test_an_unknown_namespace_is_named(server: str) -> None:
    config = load_connect_config(server, {"TEMPORAL_NAMESPACE": "nowhere"})
    assert config is not None

    with pytest.raises(ServerUnavailable, match="nowhere"):
        await connect(config)


async def test_tls_against_a_plain_server_is_said(server: str) -> None:
    config = load_connect_config(server, {"TEMPORAL_TLS": "true"})
    assert config is not None

    with pytest.raises(ServerUnavailable, match="TLS"):
        await connect(config)
