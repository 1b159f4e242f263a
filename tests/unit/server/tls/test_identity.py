"""Reading a certificate and its key: each mistake is an error that says what is wrong."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import UnrecognizedExtension
from cryptography.x509.oid import ExtensionOID
from tests.certificates import NOW, Files, key_bytes, make_authority, make_files

from ropewalk.errors import StartError
from ropewalk.server.tls.context import make_context
from ropewalk.server.tls.identity import read_identity, readable_by_others


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return make_files(tmp_path)


def refused(files: Files) -> str:
    with pytest.raises(StartError) as caught:
        make_context(read_identity(files.certificate, files.key), "1.2")
    assert caught.value.code == "RW425"
    return f"{caught.value}"


class TestGood:
    @pytest.mark.parametrize(
        "make",
        [
            lambda: ec.generate_private_key(ec.SECP256R1()),
            lambda: rsa.generate_private_key(65537, 2048),
            ed25519.Ed25519PrivateKey.generate,
        ],
        ids=["ecdsa", "rsa", "ed25519"],
    )
    def test_kinds_of_keys(self, tmp_path: Path, make: Callable[[], object]) -> None:
        files = make_files(tmp_path, key=make())
        make_context(read_identity(files.certificate, files.key), "1.2")

    def test_a_chain(self, tmp_path: Path) -> None:
        root = make_authority("Root")
        middle = make_authority("Middle", root)
        files = make_files(tmp_path, authority=middle, chain=[middle])
        identity = read_identity(files.certificate, files.key)
        assert identity.chain == (middle.certificate,)
        make_context(identity, "1.3")

    @pytest.mark.parametrize("first", ["certificate", "key"])
    def test_one_file_for_both(self, files: Files, tmp_path: Path, first: str) -> None:
        texts = [files.certificate.read_text(), files.key.read_text()]
        both = tmp_path / "both.pem"
        both.write_text("".join(texts if first == "certificate" else reversed(texts)))
        make_context(read_identity(both, both), "1.2")

    def test_a_key_after_the_parameters_of_its_curve(self, files: Files) -> None:
        parameters = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
        files.key.write_text(parameters + files.key.read_text())
        make_context(read_identity(files.certificate, files.key), "1.2")


class TestMistakes:
    def test_malformed_names(self, tmp_path: Path) -> None:
        malformed = UnrecognizedExtension(ExtensionOID.SUBJECT_ALTERNATIVE_NAME, b"names")
        files = make_files(tmp_path, hosts=[], addresses=[], extension=malformed)
        assert f"{files.certificate}, the TLS certificate, cannot be used: " in refused(files)

    @pytest.mark.parametrize("what", ["certificate", "key"])
    def test_a_missing_file(self, files: Files, what: str) -> None:
        path: Path = getattr(files, what)
        path.unlink()
        message = f"RW425 {path}, the TLS {what}, cannot be read: No such file or directory. Check its path"
        assert refused(files).startswith(message)

    @pytest.mark.parametrize("what", ["certificate", "key"])
    def test_a_folder(self, files: Files, what: str) -> None:
        path: Path = getattr(files, what)
        path.unlink()
        path.mkdir()
        assert f"{path}, the TLS {what}, cannot be read: Is a directory. Name a file" in refused(files)

    @pytest.mark.parametrize("what", ["certificate", "key"])
    @pytest.mark.parametrize(
        ("data", "message"),
        [
            (b"", "is empty. Name a file with a"),
            (b" \n", "is empty. Name a file with a"),
            (b"hello", "is not in PEM format. Name the file of the"),
            (b"\x30\x82\x01\x00", "is in DER format, not in PEM format. Convert it: openssl"),
            (b"\xff" * 100, "is not in PEM format."),
        ],
    )
    def test_another_format(self, files: Files, what: str, data: bytes, message: str) -> None:
        path: Path = getattr(files, what)
        path.write_bytes(data)
        assert f"{path}, the TLS {what}, {message}" in refused(files)

    def test_exchanged_files(self, files: Files) -> None:
        assert "has a private key, but no certificate." in refused(Files(files.key, files.certificate))

    def test_a_file_of_a_certificate_in_place_of_the_key(self, files: Files) -> None:
        message = f"{files.certificate} has a certificate, but no private key. Name the file of the key, too."
        assert message in refused(Files(files.certificate, files.certificate))

    @pytest.mark.parametrize("what", ["certificate", "key"])
    def test_a_damaged_file_at_every_length(self, files: Files, what: str) -> None:
        path: Path = getattr(files, what)
        text = path.read_bytes()
        for length in range(0, len(text) - 30, 7):
            path.write_bytes(text[:length])
            assert f"{path}" in refused(files)

    def test_a_key_with_a_password(self, tmp_path: Path) -> None:
        files = make_files(tmp_path, password=b"secret")
        message = refused(files)
        assert f"{files.key}, the TLS key, is encrypted with a password. Decrypt it: openssl pkey -in" in message

    def test_the_key_of_another_certificate(self, files: Files, tmp_path: Path) -> None:
        other = make_files(tmp_path, name="other")
        message = f"{other.key} is not the key of the certificate in {files.certificate}."
        assert message in refused(Files(files.certificate, other.key))

    def test_a_chain_in_the_wrong_order(self, tmp_path: Path) -> None:
        authority = make_authority()
        files = make_files(tmp_path, authority=authority)
        files.certificate.write_text(authority.pem + files.certificate.read_text())
        assert "is not the first one in the file. Put the server's certificate first" in refused(files)

    def test_a_kind_of_key_that_tls_cannot_use(self, files: Files) -> None:
        files.key.write_bytes(key_bytes(dsa.generate_private_key(2048)))
        assert "is of a kind that TLS cannot use: DSAPrivateKey." in refused(files)

    def test_a_weak_key(self, tmp_path: Path) -> None:
        files = make_files(tmp_path, key=rsa.generate_private_key(65537, 1024))
        assert "OpenSSL refuses the TLS certificate or its key: ee key too small." in refused(files)

    def test_a_key_in_der_format(self, files: Files) -> None:
        files.key.write_bytes(key_bytes(ec.generate_private_key(ec.SECP256R1()), encoding=Encoding.DER))
        assert "is in DER format" in refused(files)

    def test_no_message_has_the_key(self, files: Files) -> None:
        lines = files.key.read_text().splitlines()
        files.key.write_text("\n".join([lines[0], *reversed(lines[1:-1]), lines[-1]]))
        assert not any(line in refused(files) for line in lines[1:-1])
        assert "key=" not in repr(read_identity(*vars(make_files(files.key.parent, name="good")).values()))


class TestDates:
    def test_a_valid_certificate(self, files: Files) -> None:
        assert read_identity(files.certificate, files.key).date_warning("x") is None

    def test_one_that_has_expired(self, tmp_path: Path) -> None:
        files = make_files(tmp_path, begins=NOW - timedelta(days=9), ends=NOW - timedelta(days=1))
        warning = read_identity(files.certificate, files.key).date_warning("x")
        assert warning == f"The TLS certificate x expired on {NOW - timedelta(days=1):%Y-%m-%d}: clients refuse it."

    def test_one_that_is_not_valid_yet(self, tmp_path: Path) -> None:
        files = make_files(tmp_path, begins=NOW + timedelta(days=1))
        warning = read_identity(files.certificate, files.key).date_warning("x")
        assert f"{warning}".startswith("The TLS certificate x is not valid before ")


def test_a_key_that_every_user_can_read(files: Files, tmp_path: Path) -> None:
    assert not readable_by_others(files.key)
    files.key.chmod(0o644)
    assert readable_by_others(files.key)
    assert not readable_by_others(tmp_path / "nothing")
