"""The OpenSSL context with which connections are encrypted."""

from collections.abc import Sequence
from typing import Any, Final

from cryptography import x509
from OpenSSL import SSL, crypto

from ropewalk.errors import StartError
from ropewalk.server.tls.identity import Identity
from ropewalk.server.tls_options import TLSVersion

CIPHERS: Final = b"ECDHE+AESGCM:ECDHE+CHACHA20"
"""The cipher suites of TLS 1.2: those with forward secrecy and authenticated encryption, as Mozilla's "intermediate"
configuration has them. All suites of TLS 1.3 have both."""

_VERSIONS: Final[dict[TLSVersion, int]] = {"1.2": SSL.TLS1_2_VERSION, "1.3": SSL.TLS1_3_VERSION}

_OPTIONS: Final = SSL.OP_NO_COMPRESSION | SSL.OP_NO_RENEGOTIATION | SSL.OP_CIPHER_SERVER_PREFERENCE
"""Renegotiation would let a client make the server compute without end, and compression reveals secrets (CRIME)."""

PROTOCOL: Final = b"http/1.1"


def make_context(
    identity: Identity,
    minimum_version: TLSVersion,
    authorities: Sequence[x509.Certificate] = (),
    *,
    required: bool = True,
) -> SSL.Context:
    """Make a context. Raises StartError (RW425) if OpenSSL refuses the certificate or the key.

    With `authorities`, clients may send a certificate that one of these authorities has signed. With `required`, they
    must send one.
    """
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_min_proto_version(_VERSIONS[minimum_version])
    context.set_options(_OPTIONS)
    context.set_cipher_list(CIPHERS)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    context.set_mode(SSL.MODE_RELEASE_BUFFERS)
    context.set_alpn_select_callback(_select_protocol)
    if authorities:
        _ask_clients(context, authorities, required=required)
    try:
        context.use_certificate(identity.certificate)
        for each in identity.chain:
            context.add_extra_chain_cert(each)
        context.use_privatekey(identity.key)
        context.check_privatekey()
    except SSL.Error as error:
        message = f"OpenSSL refuses the TLS certificate or its key: {reason_of(error)}."
        raise StartError("RW425", message, "Request a certificate with a stronger key, such as ECDSA P-256.") from error
    return context


def _ask_clients(context: SSL.Context, authorities: Sequence[x509.Certificate], *, required: bool) -> None:
    """Ask clients for a certificate. No session is resumed, because the certificate of a resumed session would not be
    checked again.

    Each of the authorities is trusted by itself, without the root above it, so that a file can admit the clients of one
    intermediate authority only.
    """
    store = context.get_cert_store()
    assert store is not None
    store.set_flags(crypto.X509StoreFlags.PARTIAL_CHAIN)
    for each in authorities:
        store.add_cert(crypto.X509.from_cryptography(each))
        context.add_client_ca(each)  # clients choose their certificate by this list
    context.set_verify(SSL.VERIFY_PEER | (SSL.VERIFY_FAIL_IF_NO_PEER_CERT if required else 0), _is_verified)
    context.set_options(SSL.OP_NO_TICKET)
    context.set_session_id(b"ropewalk")


def _is_verified(connection: SSL.Connection, certificate: object, error: int, depth: int, verified: int) -> bool:
    """Accept a client's certificate if OpenSSL has verified it."""
    del connection, certificate, error, depth
    return bool(verified)


def reason_of(error: Any) -> str:
    """The reason in an error of OpenSSL, such as "no shared cipher"."""
    reasons = error.args[0] if error.args else ()
    return f"{reasons[0][-1]}" if reasons and isinstance(reasons, list) else type(error).__name__


def _select_protocol(connection: SSL.Connection, offered: list[bytes]) -> bytes:
    """Choose HTTP/1.1 (ALPN). Refuse a client that supports only other protocols (RFC 7301, section 3.2)."""
    del connection
    if PROTOCOL in offered:
        return PROTOCOL
    raise SSL.Error([("SSL routines", "", "no application protocol")])
