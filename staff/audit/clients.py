"""`python -m lantern audit-client`: how the trail names the machine that something came from.

An address tells about its user, and the trail is kept for years: it holds a digest with a key.
Whoever investigates has a list of addresses and finds what came from each; the trail alone tells
only that two events came from the same machine.
"""

from __future__ import annotations

import hashlib
import ipaddress

import click

from safeguarding.settings import Settings


def client_digest(address: str, key: str) -> str:
    """The name of a machine in the trail: BLAKE2b with a key, 16 hexadecimal digits."""
    secret = hashlib.sha256(key.encode()).digest()
    plain = _plain(address).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(plain, key=secret, digest_size=8, person=b"audit-client").hexdigest()


def _plain(address: str) -> str:
    """One spelling for an address, however it was written."""
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return address
    mapped = getattr(known, "ipv4_mapped", None)
    return str(mapped or known)


@click.command()
@click.argument("address")
def main(address: str) -> None:
    """Print the "client" under which the trail keeps what came from this ADDRESS."""
    click.echo(client_digest(address, Settings.from_env().secret("token_key")))
