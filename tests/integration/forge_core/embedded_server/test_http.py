"""The embedded server's HTTP API, which Forge does not need, answers nobody."""

import asyncio
import http.client
import json

from forge_core.embedded_server.launch import parse_ports
from forge_core.embedded_server.settings import ServerSettings
from forge_core.embedded_server.start import embedded_server
from forge_core.state_dir.files import StateFiles
from forge_core.state_dir.locate import get_state_dir
from forge_core.temporal_client.connect import connect, embedded_config

PATH = "/api/v1/namespaces/default/workflows"
SIGNAL = f"{PATH}/forge-t-01234567/signal/anything"

HOSTS = ["127.0.0.1:{port}", "localhost:{port}", "[::1]:{port}", "evil.example", "none.invalid", ""]


def ask(port: int, method: str, path: str, host: str) -> tuple[int, str]:
    """Send what a web page can make a browser send, to a host of its choice."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    body = json.dumps({}) if method == "POST" else ""
    try:
        connection.putrequest(method, path, skip_host=True)
        connection.putheader("Host", host.format(port=port))
        connection.putheader("Origin", "https://evil.example")
        connection.putheader("Content-Type", "text/plain")
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body.encode())
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


async def test_no_host_is_allowed_and_the_server_serves_us_all_the_same() -> None:
    directory = get_state_dir()
    async with embedded_server(ServerSettings(directory, idle_s=0), "a test") as address:
        ports = parse_ports(StateFiles(directory).ports.read_text())
        assert ports is not None
        answers = [
            await asyncio.to_thread(ask, ports.http, method, path, host)
            for host in (*HOSTS, "/", "*")
            for method, path in (("GET", PATH), ("POST", SIGNAL))
        ]
        client = await connect(embedded_config(address, directory))
        ours = [run async for run in client.list_workflows()]

    assert {status for status, _ in answers} <= {400, 403}
    assert [status for status, _ in answers[: 2 * len(HOSTS)]] == [403] * 2 * len(HOSTS)
    assert ours == []
