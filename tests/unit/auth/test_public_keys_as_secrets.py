"""A public key is never a secret for HMAC: any client that knows it could sign tokens."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ropewalk.auth import BearerJWT, BearerJWTOptions
from ropewalk.errors import HandlerError

PUBLIC = Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key()
PEM = PUBLIC.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
SSH = PUBLIC.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)


@pytest.mark.filterwarnings("ignore:This key should not be used")  # joserfc only warns
@pytest.mark.parametrize(
    "text",
    [
        b"\xef\xbb\xbf" + PEM,
        b"Bag Attributes\n    friendlyName: signer\n" + PEM,
        b"restrict " + SSH,
        b"sk-" + SSH,
        b'---- BEGIN SSH2 PUBLIC KEY ----\nComment: "ed25519"\n' + SSH.split()[1],
    ],
    ids=["byte order mark", "attributes", "options of SSH", "security key", "SSH2"],
)
def test_text_around_it_changes_nothing(text: bytes) -> None:
    with pytest.raises(HandlerError, match="RW240"):
        BearerJWT(BearerJWTOptions(keys=text, issuer=None, audience=None))
