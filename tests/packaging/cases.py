"""For each command in the documentation, the expected response or output, or the reason why it is not run."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Serves:
    """A command that serves until it is stopped."""

    response: str = "Hello, World!"
    """A text in the response."""
    path: str = "/"
    before: str = ""
    """The bytes that a proxy sends before the request."""
    instead: str = ""
    """A command that is run instead of the documented one. If it is empty, the documented one is run on free ports."""
    project: str = "ours"


@dataclass(frozen=True)
class Prints:
    """A command that prints this text and ends with the code 0."""

    text: str
    instead: str = ""
    project: str = "ours"


@dataclass(frozen=True)
class NotRun:
    """A command that is not run, and the reason."""

    reason: str


Case = Serves | Prints | NotRun

_BUILDS: Final = NotRun("works in the checkout, with cargo; `make wheel-test` builds the wheel and installs it so")
_LIBRARY: Final = NotRun("a library that no extra installs; the tests in `tests/databases` have it")
_POSTGRES: Final = NotRun("needs PostgreSQL; `tests/examples` runs it with a server of its own")
_OTHERS: Final = NotRun("a program of others, which no extra installs; `make interop` runs it")
_SERVED: Final = NotRun("a client of a server that another command starts; the tests have a client of their own")
_SYSTEM: Final = NotRun("needs a service manager or a container")
_STOCK: Final = Serves("Hello from twisted.web on HTTPChannel")

CASES: Final[dict[str, Case]] = {
    # README.md
    "make serve": _BUILDS,
    "make test": _BUILDS,
    "ropewalk exec serve.py": _STOCK,
    "ropewalk run hello.py": Serves(),
    "twist web --listen=ropewalk:tcp:8080 --path .": Serves("A page", "/public/index.html"),
    # develop.md
    "ropewalk dev hotel": NotRun("needs an extra; `tests/cli/test_dev.py` runs it"),
    "ropewalk dev hotel --editor pycharm": NotRun("needs an extra; `tests/cli/test_dev.py` runs it"),
    "ropewalk dev hello.py": NotRun("needs an extra; `tests/cli/test_dev.py` runs it"),
    # asgi.md
    "ropewalk run --asgi main:api": Serves("Hello by ASGI", project="hosted"),
    # authentication.md
    "ropewalk run --log-level debug": Serves(instead="ropewalk run hello.py --log-level debug"),
    # behind-a-proxy.md
    "curl --interface 127.0.0.2 http://127.0.0.1/": _SERVED,
    "ropewalk run hotel --trusted-proxy 127.0.0.1 --proxy-headers x-forwarded": Serves(),
    "ropewalk run hotel --trusted-proxy 127.0.0.1 --proxy-protocol": Serves(
        before="PROXY TCP4 192.0.2.1 192.0.2.2 5000 80\r\n"
    ),
    # coming-from.md
    "ropewalk run main:app": Serves(instead="ropewalk run hello:app"),
    # database.md
    "DATABASE_URL=postgresql+psycopg:///notes ropewalk run notes_sqlalchemy.py": _POSTGRES,
    "DATABASE_URL=postgresql:///notes ropewalk run notes_psycopg.py": _POSTGRES,
    "pip install 'psycopg[binary,pool]'": _LIBRARY,
    "pip install 'sqlalchemy[asyncio]' 'psycopg[binary]'": _LIBRARY,
    # drop-in.md
    "curl -s -o /dev/null -w '%{http_code}\\n' -H 'Host:' http://127.0.0.1:8080/": _SERVED,
    "buildbot start --nodaemon master": _OTHERS,
    "python -X dev -m ropewalk serve.py": _STOCK,
    """python -c "from twisted.plugin import IPlugin, getPlugins as g; print(*g(IPlugin), sep='\\n')\"""": Prints(
        "twisted.plugins.ropewalk_dropin._Parser"
    ),
    'python -c "import ropewalk"': Prints(""),
    "python -m ropewalk serve.py": _STOCK,
    "python -m synapse.app.homeserver -c homeserver.yaml": _OTHERS,
    "python serve.py --port 8080": Serves("Hello from twisted.web on HTTPChannel"),
    "ropewalk exec --limit body_size=10485760 serve.py": _STOCK,
    "ropewalk exec -m synapse.app.homeserver -c homeserver.yaml": _OTHERS,
    "ropewalk exec buildbot start --nodaemon master": _OTHERS,
    "ropewalk exec serve.py --port 8080": _STOCK,
    "ropewalk exec twist web --path .": Serves(
        "A page", "/public/index.html", instead="ropewalk exec twist web --path . --listen=tcp:0"
    ),
    "twist --reactor=asyncio web": Serves(
        "A page", "/public/index.html", instead="twist --reactor=asyncio web --path . --listen=ropewalk:tcp:0"
    ),
    "twist web --listen=tcp:8080 --path .": Serves("A page", "/public/index.html"),
    "twist web --path .": Serves("A page", "/public/index.html", instead="twist web --path . --listen=tcp:0"),
    # files.md
    "ropewalk static --help": Prints("--precompressed"),
    "ropewalk static public": Serves("A page"),
    # install.md
    ".venv/bin/maturin build --release --out dist": _BUILDS,
    "cd /path/to/ropewalk": _BUILDS,
    "make setup": _BUILDS,
    "pip install --constraint /path/to/ropewalk/requirements/dev.txt /path/to/ropewalk": _BUILDS,
    "pip install /path/to/ropewalk": _BUILDS,
    "pip install '/path/to/ropewalk[auth]'": _BUILDS,
    "pip install '/path/to/ropewalk[oauth]'": _BUILDS,
    "pip install '/path/to/ropewalk[uvloop]'": _BUILDS,
    "pip install '/path/to/ropewalk[tls]'": _BUILDS,
    "pip install dist/ropewalk-*.whl": _BUILDS,
    'pip install "$(echo dist/ropewalk-*.whl)[tls]"': _BUILDS,
    "pip install '/path/to/ropewalk[tls]' 'pyopenssl<26.2'": _BUILDS,
    "ropewalk --version": Prints("ropewalk, version "),
    "ropewalk explain RW413": Prints("A module does not have the name to serve."),
    "source .venv/bin/activate": NotRun("changes the shell of the user"),
    # new-project.md
    "pip install '/path/to/ropewalk[auth,dev,forms,templates,uvloop]'": _BUILDS,
    "pip install '/path/to/ropewalk[auth,dev,openapi,uvloop]'": _BUILDS,
    "cd guest-book": NotRun("changes the shell of the user"),
    "export ROOMS_SECRET=$(openssl rand -hex 32)": NotRun("changes the shell of the user"),
    'pip install --editable ".[dev]"': NotRun("a network and an index; `tests/cli/test_new.py` runs the project"),
    "pytest": NotRun("needs extras; `tests/cli/test_new.py` runs it in a generated project"),
    "ropewalk dev guest_book": NotRun("needs extras; the tests of `ropewalk dev` run it"),
    "ropewalk new api rooms": Prints("Created rooms: a REST service"),
    "ropewalk new site guest-book": Prints("Created guest-book: a site"),
    # http-client.md
    "pip install '/path/to/ropewalk[client]'": _BUILDS,
    # listen.md
    "ropewalk run hello.py --host 0.0.0.0 --port 80": Serves(),
    "ropewalk run hello.py --host ::": Serves(),
    "ropewalk run hello.py --port 0": Serves(),
    # one-tree.md
    "ropewalk run program.py:root": Serves(instead="ropewalk run hello.py:root"),
    # partial-updates.md
    "pip install '/path/to/ropewalk[patch]'": _BUILDS,
    # templates.md
    "pip install '/path/to/ropewalk[templates]'": _BUILDS,
    # openapi.md
    "pip install '/path/to/ropewalk[openapi]'": _BUILDS,
    "ropewalk openapi hello.py > openapi.json": Prints('"openapi": "3.1.1"', "ropewalk openapi hello.py"),
    "ropewalk openapi hello.py --yaml > openapi.yaml": NotRun("needs an extra; `tests/cli/test_openapi.py` runs it"),
    # rest-service.md
    """curl http://127.0.0.1:8080/todos --oauth2-bearer eyJ0eXAiOiJKV1Qi... --json '{"title": "Buy rope"}'""": _SERVED,
    """curl http://127.0.0.1:8080/tokens --json '{"name": "ada", "password": "a long password"}'""": _SERVED,
    """curl http://127.0.0.1:8080/users --json '{"name": "ada", "password": "a long password"}'""": _SERVED,
    "curl http://127.0.0.1:8080/todos/1 --oauth2-bearer eyJ0eXAiOiJKV1Qi... -X PATCH "
    "-H 'Content-Type: application/merge-patch+json' -d '{\"done\": true}'": _SERVED,
    "cp -r /path/to/ropewalk/examples/todo .": NotRun("copies what `tests/examples/test_todo.py` runs"),
    "pip install '/path/to/ropewalk[auth,openapi]'": _BUILDS,
    "ropewalk run todo": NotRun("needs extras; `tests/examples/test_todo.py` runs it"),
    # web-site.md
    "cd photo_board": NotRun("changes the shell of the user"),
    "cp -r /path/to/ropewalk/examples/photo_board .": NotRun("copies what `tests/examples/test_photo_board.py` runs"),
    "pip install '/path/to/ropewalk[auth,dev,forms,templates]'": _BUILDS,
    "ropewalk dev serve.py": NotRun("needs extras; `tests/examples/test_photo_board.py` runs the app"),
    # typed-handlers.md
    "curl -s -X POST localhost:8080/rooms -H 'Content-Type: application/json' "
    '-d \'{"number": "", "beds": 30}\'': _SERVED,
    # logs.md
    "ropewalk run hello.py --log-format json --access-log json": Serves(),
    "ropewalk run hello.py --access-log-template '{time} {method} {target} {status} {duration}'": Serves(),
    "ropewalk run hello.py --access-log-fields time,method,path,route,status,seconds,room": Serves(),
    "pip install '/path/to/ropewalk[logs]'": _BUILDS,
    # settings.md
    'export ROPEWALK_LIMIT="head_timeout=5 body_size=4194304"': Prints(
        "head_timeout", 'env ROPEWALK_LIMIT="head_timeout=5 body_size=4194304" ropewalk check hello.py'
    ),
    'export ROPEWALK_LISTEN="tcp:8080 unix:/run/app.sock"': Prints(
        "unix:app.sock", 'env ROPEWALK_LISTEN="tcp:0 unix:app.sock" ropewalk check hello.py'
    ),
    "ropewalk check": Prints("hello.py", "ropewalk check hello.py --port 0"),
    "ropewalk routes": Prints("GET", "ropewalk routes hello.py"),
    # shell.md
    "ropewalk shell hello.py": Prints("", "ropewalk shell hello.py -c pass"),
    "ropewalk shell hello.py < report.py": Prints(
        "Hello, World!", "ropewalk shell hello.py -c \"print(request('GET', '/').text)\""
    ),
    """ropewalk shell hello.py -c 'print(request("GET", "/").text)'""": Prints("Hello, World!"),
    # stopping.md
    "docker stop -t 40": _SYSTEM,
    "python -m benchmarks stops": NotRun("a measurement of several minutes, in the checkout"),
    "ropewalk run hotel --limit drain_grace=5": Serves(),
    "systemctl restart hotel": _SYSTEM,
    # tls.md
    "ropewalk run hotel --host 0.0.0.0 --port 443 --tls-certificate certificate.pem --tls-key key.pem": NotRun(
        "needs an extra and a certificate; `tests/cli/test_tls.py` runs it"
    ),
    "ropewalk run hotel --host 0.0.0.0 --port 443 --tls-certificate certificate.pem --tls-key key.pem "
    "--redirect-http 80": NotRun("needs an extra and a certificate; `tests/cli/test_tls.py` runs it"),
    "ropewalk run hotel --port 8443 --tls-self-signed": NotRun("needs an extra; `tests/cli/test_tls.py` runs it"),
    "ropewalk run hotel --port 8443 --tls-local-authority": NotRun(
        "needs an extra; `tests/unit/server/tls/test_local_authority.py` covers it"
    ),
    "ropewalk run hotel --port 8443 --tls-certificate certificate.pem --tls-key key.pem --tls-client-ca "
    "authorities.pem": NotRun("needs an extra and certificates; `tests/cli/test_client_certificates.py` runs it"),
    "curl --insecure https://127.0.0.1:8443/": _SERVED,
    "curl --cacert ~/.local/share/ropewalk/authority.pem https://localhost:8443/": NotRun(
        "would need a file in the user's home; `tests/unit/server/tls/test_local_authority.py` trusts such an authority"
    ),
    "openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=localhost -keyout key.pem -out certificate.pem": (
        NotRun("a program of the system; `test_extras` makes its certificate by a library")
    ),
    "ropewalk run hotel --listen unix:/run/hotel/http.sock:mode=660": Serves(
        instead="ropewalk run hotel --listen unix:http.sock:mode=660"
    ),
    "ropewalk run hotel --listen unix:/run/hotel/http.sock:mode=660 --trusted-proxy unix --proxy-headers x-forwarded": (
        Serves(
            instead="ropewalk run hotel --listen unix:a.sock:mode=660 --trusted-proxy unix --proxy-headers x-forwarded"
        )
    ),
    # wsgi.md
    "ropewalk run --wsgi hello.py": Serves("Hello by WSGI", project="hosted"),
    "ropewalk run --wsgi mysite.wsgi:application --wsgi-threads 20": Serves("Hello by WSGI", project="hosted"),
}
"""How each command is tested. The commands are written as on their pages."""

_APP: Final = """
from ropewalk import App, Request

app = App()

@app.get("/")
def hello(request: Request) -> str:
    return "Hello, World!"

root = app
"""

_SERVE: Final = """
import argparse
from twisted.internet import reactor
from twisted.web.resource import Resource
from twisted.web.server import Site

class Hello(Resource):
    isLeaf = True

    def render_GET(self, request):
        return b"Hello from twisted.web on " + type(request.channel).__name__.encode()

parser = argparse.ArgumentParser()
parser.add_argument("--port", type=int, default=0)
port = reactor.listenTCP(parser.parse_args().port, Site(Hello()), interface="127.0.0.1")
print(f"http://127.0.0.1:{port.getHost().port}", flush=True)
reactor.run()
"""

_WSGI: Final = """
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"Hello by WSGI"]
"""

_ASGI: Final = """
async def api(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"Hello by ASGI"})
"""

PROJECTS: Final = {
    "ours": {
        "hello.py": _APP,
        "hotel/__init__.py": _APP,
        "public/index.html": "A page",
        "serve.py": _SERVE,
    },
    "hosted": {"hello.py": _WSGI, "main.py": _ASGI, "mysite/__init__.py": "", "mysite/wsgi.py": _WSGI},
}
"""The files of each project in the documentation, by path. They import only what a plain installation has."""
