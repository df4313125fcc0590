"""Asks clamd, the daemon of ClamAV, whether a file holds a virus.

Where no clamd is set, files are kept unchecked and marked so. Where one is set and does not answer,
no file is kept: a check that is skipped in silence is none.
"""

from __future__ import annotations

import io
from dataclasses import dataclass

from clamav_client.clamd import ClamdError, ClamdNetworkSocket, ClamdUnixSocket

SCAN_S = 10
"""The longest wait for one step of clamd, in seconds: a file that is being kept waits for it."""


class ScanError(Exception):
    """The scanner is set and gave no answer."""


class InfectedError(Exception):
    """The file holds a virus. Its name is for the log, not for the page."""


@dataclass(frozen=True)
class VirusScanner:
    """Checks files by a clamd. Thread-safe: each check opens a connection of its own."""

    address: str | None
    """A socket's path, or host:port; None where there is no clamd."""

    def check(self, content: bytes) -> bool:
        """Return whether the file was checked: False where there is no scanner.

        Raises InfectedError, and ScanError when a scanner is set and does not say that it is clean.
        """
        if self.address is None:
            return False
        try:
            found = self._clamd().instream(io.BytesIO(content))
        except (ClamdError, OSError, ValueError) as error:
            raise ScanError(type(error).__name__) from None
        verdict, virus = found.get("stream", ("ERROR", None))
        if verdict == "FOUND":
            raise InfectedError(virus or "")
        if verdict != "OK":
            raise ScanError(verdict)
        return True

    def _clamd(self) -> ClamdNetworkSocket:
        address = self.address or ""
        if address.startswith("/"):
            return ClamdUnixSocket(address, SCAN_S)
        host, _, port = address.rpartition(":")
        return ClamdNetworkSocket(host.strip("[]"), int(port), SCAN_S)
