"""Errors about optional packages, and the commands that install them."""

from pathlib import Path

import pytest

from ropewalk.errors import MissingPackage, add_extras, install_remedy, optional_package


def test_a_package_that_is_not_installed() -> None:
    with pytest.raises(MissingPackage, match=r"^RW290 Pages needs Absent, which is not installed\. Run ") as caught:
        optional_package("absent_package.part", "Absent", "Pages", extra="templates", code="RW290")
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_a_package_that_is_broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own import error is the cause, which is shown."""
    (tmp_path / "broken_package.py").write_text("import absent_package\n")
    monkeypatch.syspath_prepend(tmp_path)
    message = r"needs Broken, which cannot be imported: No module named 'absent_package'\. Run "
    with pytest.raises(MissingPackage, match=message) as caught:
        optional_package("broken_package", "Broken", "Pages", extra="templates", code="RW290")
    assert isinstance(caught.value.__cause__, ModuleNotFoundError)


@pytest.mark.parametrize(
    ("extras", "expected"),
    [((), "tls"), (("tls",), "tls"), (("auth", "client"), "auth,client,tls")],
)
def test_one_command_for_several_extras(extras: tuple[str, ...], expected: str) -> None:
    remedy = f"{install_remedy('tls', 'pyopenssl<26.2')} Or leave it out."
    assert add_extras(remedy, extras) == f"{install_remedy(expected, 'pyopenssl<26.2')} Or leave it out."


def test_a_remedy_that_installs_nothing() -> None:
    assert add_extras("Fix the cause.", ("tls",)) is None
