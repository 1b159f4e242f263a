"""Each way to serve, with the dependencies of the package alone, and with each extra."""

import shutil
import socket
from pathlib import Path

import pytest
from tests.packaging.clients import connect, encrypted, get, tcp_port_of
from tests.packaging.installations import CHECKED, PLAIN, installation, installed_with
from tests.processes import EXAMPLES
from tests.unit.server.program import write_certificate

from ropewalk.dropin.entry.extras import EXTRAS as NAMED

pytestmark = pytest.mark.slow

SERVING = str(Path(__file__).with_name("serving.py"))

EVERY_MODULE = """
import importlib, pkgutil, ropewalk
for module in pkgutil.walk_packages(ropewalk.__path__, "ropewalk."):
    if not module.name.endswith("__main__"):
        try:
            importlib.import_module(module.name)
        except ImportError as error:
            print(f"{module.name}: {error}")
print("all")
"""

WAYS = {
    "exec": ("ropewalk", "exec", SERVING, "stock"),
    "exec over an endpoint": ("ropewalk", "exec", SERVING, "described", "tcp:0:interface=127.0.0.1"),
    "accelerate": ("python", SERVING, "accelerated"),
    "endpoint": ("python", SERVING, "described", "ropewalk:tcp:0:interface=127.0.0.1"),
    "mounted": ("python", SERVING, "mounted"),
    "grafted": ("python", SERVING, "grafted"),
}
"""The command for each way in which the engine serves a program or a tree of twisted.web."""

CHANNELS = {"mounted": "MountedChannel", "grafted": "App"}
"""For some ways, the name with which the page responds, so that the test knows what served it. For all other ways, the
name is `HTTPChannel`."""
PATHS = {"grafted": "/app/"}
"""For some ways, the path of this page. For all other ways, it is the root."""

TLS = "ssl:0:privateKey=key.pem:certKey=certificate.pem:interface=127.0.0.1"
UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a certificate."""
    write_certificate(tmp_path)
    return tmp_path


@pytest.mark.parametrize("extra", CHECKED)
def test_every_module_can_be_imported(extra: str, tmp_path: Path) -> None:
    # Only `ropewalk.server.tls_options` imports this package, with an error that names the extra.
    has_it = "pyopenssl" in installed_with(() if extra == PLAIN else (extra,))
    missing = "" if has_it else "ropewalk.server.tls: No module named 'OpenSSL'\n"
    assert installation(extra).run("python", "-c", EVERY_MODULE, cwd=tmp_path) == (0, f"{missing}all\n")


@pytest.mark.parametrize("extra", CHECKED)
@pytest.mark.parametrize("way", WAYS)
def test_every_way_onto_the_engine(extra: str, way: str, tmp_path: Path) -> None:
    with installation(extra).start(*WAYS[way], cwd=tmp_path) as process:
        response = get(tcp_port_of(process), PATHS.get(way, "/"))
        assert response.endswith(f"Hello from {CHANNELS.get(way, 'HTTPChannel')}")
        process.terminate()
        output, _ = process.communicate()
        assert (process.returncode, "Traceback" in output) == (0, False), output


@pytest.mark.parametrize("extra", [PLAIN, "tls", "http2"])
@pytest.mark.parametrize("way", ["endpoint", "exec"])
def test_tls(extra: str, way: str, folder: Path) -> None:
    endpoint = f"ropewalk:{TLS}" if way == "endpoint" else TLS
    command = ("python" if way == "endpoint" else "ropewalk exec").split()
    with installation(extra).start(*command, SERVING, "described", endpoint, cwd=folder) as process:
        if extra != PLAIN:
            assert get(tcp_port_of(process), secure=True).endswith("Hello from HTTPChannel")
            return
        output, _ = process.communicate()
        assert process.returncode == 1
        last = output.splitlines()[-1]
        if way == "endpoint":
            assert last == (
                f"ropewalk.dropin.entry.extras.MissingPackage: RW750 {endpoint} needs pyOpenSSL, which is not "
                "installed. "
                "Run `pip install '/path/to/ropewalk[tls]'`, with the path of your checkout or wheel."
            )
        else:  # `ropewalk exec` does not know the endpoint, so its message names the program
            missing = (
                "RW750 The program needs pyOpenSSL, which is not installed. "
                "Run `pip install '/path/to/ropewalk[tls]'`, with the path of your checkout or wheel."
            )
            assert output.splitlines()[-2:] == ["ModuleNotFoundError: No module named 'OpenSSL'", missing]


@pytest.mark.parametrize("endpoint", ["ropewalk:tls:.:0", "ropewalk:haproxy:tls:.:0", "haproxy:ropewalk:ssl:0"])
def test_tls_in_other_descriptions(endpoint: str, tmp_path: Path) -> None:
    code, output = installation(PLAIN).run("python", SERVING, "described", endpoint, cwd=tmp_path)
    assert code == 1
    assert output.splitlines()[-1].endswith(
        f"RW750 {endpoint.removeprefix('haproxy:')} needs pyOpenSSL, which is not installed. "
        "Run `pip install '/path/to/ropewalk[tls]'`, with the path of your checkout or wheel."
    )


def test_listen_ssl_of_a_program_under_exec(tmp_path: Path) -> None:
    code, output = installation(PLAIN).run("ropewalk", "exec", SERVING, "encrypted", cwd=tmp_path)
    assert code == 1
    assert output.splitlines()[-1] == (
        "ropewalk.dropin.entry.extras.MissingPackage: RW750 reactor.listenSSL needs pyOpenSSL, which is not installed. "
        "Run `pip install '/path/to/ropewalk[tls]'`, with the path of your checkout or wheel."
    )


@pytest.mark.parametrize(("extra", "chosen"), [("http2", "h2"), ("tls", "http/1.1")])
def test_http2(extra: str, chosen: str, folder: Path) -> None:
    command = ("python", SERVING, "described", f"ropewalk:{TLS}")
    with (
        installation(extra).start(*command, cwd=folder) as process,
        encrypted(connect(tcp_port_of(process)), "h2", "http/1.1") as stream,
    ):
        assert stream.selected_alpn_protocol() == chosen


@pytest.mark.parametrize("extra", [PLAIN, "websocket"])
def test_websocket(extra: str, tmp_path: Path) -> None:
    with installation(extra).start("ropewalk", "exec", SERVING, "websocket", cwd=tmp_path) as process:
        if extra == PLAIN:
            output, _ = process.communicate()
            missing = (
                "RW750 The program needs wsproto, which is not installed. "
                "Run `pip install '/path/to/ropewalk[websocket]'`, with the path of your checkout or wheel."
            )
            assert output.splitlines()[-2:] == ["ModuleNotFoundError: No module named 'wsproto'", missing]
            return
        head = "".join(f"{name}: {value}\r\n" for name, value in UPGRADE.items())
        with connect(tcp_port_of(process)) as client:
            client.sendall(f"GET /socket HTTP/1.1\r\nHost: localhost\r\n{head}\r\n".encode())
            assert client.recv(65536, socket.MSG_PEEK).startswith(b"HTTP/1.1 101 ")


@pytest.mark.parametrize(("extra", "loop"), [(PLAIN, "asyncio"), ("uvloop", "uvloop")])
def test_the_event_loop(extra: str, loop: str, tmp_path: Path) -> None:
    code = "import ropewalk; print(ropewalk.install_reactor())"
    ended, output = installation(extra).run("python", "-c", code, cwd=tmp_path)
    assert (ended, output) == (0, f"AsyncioSelectorReactor on {loop}\n")


@pytest.mark.parametrize("extra", [PLAIN, "openapi"])
def test_the_page_of_an_api(extra: str, tmp_path: Path) -> None:
    shutil.copy(EXAMPLES / "openapi_app.py", tmp_path)
    code = "from openapi_app import app; print(len(app.routes()))"
    ended, output = installation(extra).run("python", "-c", code, cwd=tmp_path)
    if extra == PLAIN:
        assert ended == 1
        assert output.splitlines()[-1] == (
            "ropewalk.errors.StartError: RW750 OpenAPI(ui='/docs') needs swagger-ui-py, which is not installed. "
            "Run `pip install '/path/to/ropewalk[openapi]'`, with the path of your checkout or wheel. Or set ui=None."
        )
    else:
        assert (ended, output) == (0, "10\n")


@pytest.mark.parametrize("extra", [PLAIN, "openapi"])
def test_the_description_of_an_api_as_yaml(extra: str, tmp_path: Path) -> None:
    shutil.copy(EXAMPLES / "hello.py", tmp_path)
    ended, output = installation(extra).run("ropewalk", "openapi", "hello.py", "--yaml", cwd=tmp_path)
    if extra == PLAIN:
        assert ended == 2
        assert output.startswith("RW750 --yaml needs PyYAML, which is not installed.")
    else:
        assert ended == 0
        assert output.startswith("openapi: 3.1.1\n")


def test_the_extras_that_messages_name_install_what_they_say() -> None:
    for package, extra in NAMED.values():
        assert package.lower().replace("_", "-") in installed_with((extra,)) - installed_with(())


def test_what_is_not_installed_cannot_be_imported(tmp_path: Path) -> None:
    """Hidden packages cannot be imported. Otherwise, the tests above could never fail."""
    for module in ("OpenSSL", "uvloop", "wsproto", "h2", "klein", "pytest"):
        code, output = installation(PLAIN).run("python", "-c", f"import {module}", cwd=tmp_path)
        assert (code, output.splitlines()[-1]) == (1, f"ModuleNotFoundError: No module named '{module}'")
