"""The forms that TARGET may have, and the error messages for all others."""

import re
import sys
from pathlib import Path

import pytest

from ropewalk import App, Resource, Site
from ropewalk.cli.error import CLIError
from ropewalk.cli.target import load_target
from ropewalk.dropin.mount.mounting import Mounted

pytestmark = pytest.mark.usefixtures("project")


def write(project: Path, name: str, *lines: str) -> None:
    path = project / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(["from ropewalk import App, Resource, Site", *lines, ""]))


def failure(target: str) -> str:
    with pytest.raises(CLIError) as caught:
        load_target(target)
    return f"{caught.value.code} {caught.value.message}"


class TestFound:
    def test_a_file(self, project: Path) -> None:
        write(project, "hello.py", "app = App()")
        target = load_target("hello.py")
        assert isinstance(target.value, App)
        assert target.name == "hello.py:app"

    def test_a_file_and_a_name(self, project: Path) -> None:
        write(project, "lobby.py", "app = App()", "other = App()")
        assert load_target("lobby.py:other").value is sys.modules["lobby"].other

    def test_a_module_and_a_name(self, project: Path) -> None:
        write(project, "shop/__init__.py")
        write(project, "shop/web.py", "service = App()")
        assert isinstance(load_target("shop.web:service").value, App)

    def test_a_package_by_its_folder(self, project: Path) -> None:
        write(project, "shop/__init__.py", "app = App()")
        assert isinstance(load_target("shop/").value, App)
        assert "shop" in sys.modules

    def test_a_file_in_a_package_is_imported_as_a_part_of_it(self, project: Path) -> None:
        write(project, "shop/__init__.py")
        write(project, "shop/deep/__init__.py")
        write(project, "shop/deep/web.py", "from shop import deep", "app = App()")
        load_target("shop/deep/web.py")
        assert "shop.deep.web" in sys.modules

    def test_a_file_that_bears_the_name_of_an_imported_module(self, project: Path) -> None:
        write(project, "site.py", "app = App()")
        assert isinstance(load_target("site.py").value, App)

    @pytest.mark.parametrize("target", ["annex.py", "annex.py:legacy"])
    def test_a_resource_of_twisteds(self, project: Path, target: str) -> None:
        write(project, "annex.py", "from twisted.web.resource import Resource as Twisted", "legacy = Twisted()")
        value = load_target(target).value
        assert isinstance(value, Mounted)
        assert value.root is sys.modules["annex"].legacy

    def test_ours_before_twisteds(self, project: Path) -> None:
        twisteds = ("from twisted.web.resource import Resource as Twisted", "legacy = Twisted()")
        write(project, "hello.py", *twisteds, "service = App()")
        assert isinstance(load_target("hello.py").value, App)

    def test_a_dotted_name(self, project: Path) -> None:
        write(project, "hello.py", "class Services:", "    first = App()")
        assert isinstance(load_target("hello.py:Services.first").value, App)

    def test_a_resource(self, project: Path) -> None:
        write(project, "hello.py", "tree = Resource()")
        assert isinstance(load_target("hello.py").value, Resource)

    def test_a_site(self, project: Path) -> None:
        write(project, "hello.py", "site = Site(Resource())")
        assert isinstance(load_target("hello.py").value, Site)

    def test_a_customary_name_goes_first(self, project: Path) -> None:
        write(project, "hello.py", "admin = App()", "app = App()")
        assert load_target("hello.py").name == "hello.py:app"

    def test_a_program_under_its_guard_does_not_run(self, project: Path) -> None:
        write(project, "hello.py", "app = App()", 'if __name__ == "__main__":', "    raise SystemExit(1)")
        assert load_target("hello.py").name == "hello.py:app"


class TestNotFound:
    def test_a_file(self, project: Path) -> None:
        write(project, "hello.py")
        Path("broken.py").symlink_to("nowhere")
        assert failure("broken.py").endswith(" broken.py. It is a symbolic link to nowhere, which does not exist.")
        assert failure("helo.py") == "RW411 There is no file helo.py. Did you mean hello.py?"

    def test_a_folder_that_is_no_package(self, project: Path) -> None:
        (project / "public").mkdir()
        assert failure("public") == "RW411 public is not a package. To serve its files: ropewalk static public"

    def test_a_module(self, project: Path) -> None:
        write(project, "shop/__init__.py")
        assert failure("shpo:app") == "RW412 There is no module shpo. Did you mean shop?"

    def test_a_module_that_is_a_file(self, project: Path) -> None:
        (project / "no-module.py").write_text("")
        assert failure("no-module") == "RW412 'no-module' is neither a file nor the name of a module."

    def test_a_name(self, project: Path) -> None:
        write(project, "hello.py", "app = App()")
        assert failure("hello.py:ap") == "RW413 hello.py has no ap. Did you mean app?"

    def test_nothing_to_serve(self, project: Path) -> None:
        write(project, "hello.py")
        message = "RW413 hello.py has no App, Resource or Site at its top level. Create one: app = App()"
        assert failure("hello.py") == message

    def test_several_things_to_serve(self, project: Path) -> None:
        write(project, "hello.py", "one = App()", "two = App()")
        message = "RW413 hello.py has several objects to serve. Name one: hello.py:one, hello.py:two"
        assert failure("hello.py") == message

    def test_a_site_of_twisted_web(self, project: Path) -> None:
        root = "from twisted.web.resource import Resource as R"
        site = "site = type('Site', (), {'resource': R()})()"
        write(project, "hello.py", root, site)
        remedy = "Name its resource: hello.py:site.resource. Or run the program with `ropewalk exec`."
        assert failure("hello.py:site") == f"RW414 hello.py:site is of type hello.Site. {remedy}"

    def test_what_makes_a_resource(self, project: Path) -> None:
        write(project, "hello.py", "from klein import Klein", "klein = Klein()")
        remedy = "Write root = klein.resource() at the top level, and name that resource."
        assert failure("hello.py:klein") == f"RW414 hello.py:klein is of type klein._app.Klein. {remedy}"

    def test_something_that_cannot_be_served(self, project: Path) -> None:
        write(project, "hello.py", "app = {}")
        remedy = "Name an App, a Site, or a resource derived from ropewalk.Resource."
        assert failure("hello.py:app") == f"RW414 hello.py:app is of type dict. {remedy}"


class TestBroken:
    def test_the_traceback_begins_in_the_users_file(self, project: Path) -> None:
        write(project, "hello.py", "1 / 0")
        message = failure("hello.py")
        first, second, first_frame, *_ = message.splitlines()
        assert first == (
            "RW415 hello.py cannot be imported (hello.py:2): ZeroDivisionError: division by zero. "
            "Fix the cause shown in the traceback below."
        )
        assert second == "Traceback (most recent call last):"
        assert str(project / "hello.py") in first_frame
        assert message.endswith("ZeroDivisionError: division by zero")

    def test_a_module_that_it_wants_is_missing(self, project: Path) -> None:
        write(project, "hello.py", "import no_such_library")
        message = failure("hello.py")
        assert message.endswith("ModuleNotFoundError: No module named 'no_such_library'")
        assert f"'no_such_library'. Install no_such_library for {sys.executable}, or correct the import.\n" in message

    def test_a_mistake_in_its_syntax(self, project: Path) -> None:
        write(project, "hello.py", "app = App(")
        message = failure("hello.py")
        assert message.startswith("RW415 hello.py cannot be imported (hello.py:2): SyntaxError: ")
        assert re.search(r"[^.]\. Fix the cause ", message)

    def test_an_error_of_ours_is_named_first_and_without_our_frames(self, project: Path) -> None:
        write(project, "hello.py", "app = App()", "@app.get('/')", "def one(request): ...", "app.get('/')(one)")
        message = failure("hello.py")
        assert message.splitlines()[0].startswith(
            "RW415 hello.py cannot be imported (hello.py:5): ropewalk.errors.TreeError: RW104 "
        )
        assert "or mount its app under a prefix. Fix the cause" in message.splitlines()[0]
        assert "routing.py" not in message

    def test_a_target_without_a_place(self, project: Path) -> None:
        assert failure(":app") == "RW411 ':app' names no file and no module. Write hello.py or hello.py:app."
        (project / "hello.txt").write_text("")
        assert failure("hello.txt").startswith("RW412 hello.txt is not a Python file: its name does not end in .py")
