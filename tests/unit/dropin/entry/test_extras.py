"""The install command in the error message about a missing package."""

import pytest
import twisted

from ropewalk.dropin.entry.extras import MissingPackage


@pytest.mark.parametrize(
    ("version", "module", "command"),
    [
        ("24.7.0", "OpenSSL", "pip install '/path/to/ropewalk[tls]' 'pyopenssl<26.2'"),
        ("25.5.0", "h2", "pip install '/path/to/ropewalk[http2]' 'pyopenssl<26.2'"),
        ("25.5.0", "wsproto", "pip install '/path/to/ropewalk[websocket]'"),
        ("26.4.0", "OpenSSL", "pip install '/path/to/ropewalk[tls]'"),
        ("26.10.0", "service_identity", "pip install '/path/to/ropewalk[tls]'"),
    ],
)
def test_the_version_of_pyopenssl_fits_this_twisted(
    monkeypatch: pytest.MonkeyPatch, version: str, module: str, command: str
) -> None:
    monkeypatch.setattr(twisted, "__version__", version)
    assert str(MissingPackage("It", module)).endswith(
        f", which is not installed. Run `{command}`, with the path of your checkout or wheel."
    )
