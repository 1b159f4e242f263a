"""The flags for HTTPS."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, get_args

import click

from ropewalk.cli.flags import flag
from ropewalk.server import ClientCertificates, TLSVersion

_FILE: Final = click.Path(path_type=Path)

tls_flags: Final[Sequence[Callable[[Any], Any]]] = (
    flag(
        "--tls-certificate",
        type=_FILE,
        metavar="FILE",
        help="Serve HTTPS with the certificate in this PEM file, after which those of its authorities may follow.",
    ),
    flag(
        "--tls-key",
        type=_FILE,
        metavar="FILE",
        help="PEM file with the key of the certificate.  [default: the file of the certificate]",
    ),
    flag(
        "--tls-minimum-version",
        type=click.Choice(get_args(TLSVersion)),
        default="1.2",
        help="Oldest version of TLS that clients may use.",
    ),
    flag(
        "--tls-self-signed",
        is_flag=True,
        default=False,
        show_default=False,
        help="Serve HTTPS with a certificate that is made now, on addresses of this machine only. For development.",
    ),
    flag(
        "--tls-local-authority",
        is_flag=True,
        default=False,
        show_default=False,
        help="Like --tls-self-signed, with a certificate of an authority that your browser can trust once.",
    ),
    flag(
        "--tls-client-ca",
        type=_FILE,
        metavar="FILE",
        help="Ask clients for a certificate that an authority in this PEM file has signed.",
    ),
    flag(
        "--tls-client-certificates",
        type=click.Choice(get_args(ClientCertificates)),
        default="required",
        help="Whether clients must have a certificate, with --tls-client-ca.",
    ),
    flag(
        "--redirect-http",
        metavar="[HOST:]PORT",
        help="Listen here, too, and redirect clients of plain HTTP to HTTPS.",
    ),
    flag(
        "--redirect-target-port",
        type=click.IntRange(1, 65535),
        metavar="PORT",
        help="Port of HTTPS to which clients are redirected, if a mapping changes it.  [default: the port of HTTPS]",
    ),
)
"""The flags for the certificate, and for redirects to HTTPS."""
