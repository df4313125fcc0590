"""Files are checked by a real clamd with one signature: that of the EICAR test file."""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from staff.attachments import scanning
from staff.attachments.scanning import InfectedError, ScanError, VirusScanner

# In two parts, so that no scanner takes this file for the test virus.
EICAR = (rb"X5O!P%@AP[4\PZX54(P^)7CC)7}" + rb"$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*").strip()
STARTS_WITHIN_S = 60


@pytest.fixture(scope="module")
def clamd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start a clamd of our own. Without one the tests are skipped here, and fail in CI."""
    program = shutil.which("clamd") or shutil.which("clamd", path="/usr/sbin")
    if program is None:
        assert not os.environ.get("CI"), "clamd is missing"
        pytest.skip("clamd is not installed")
    folder = tmp_path_factory.mktemp("clamd")
    signatures = folder / "signatures"
    signatures.mkdir()
    digest = hashlib.md5(EICAR, usedforsecurity=False).hexdigest()
    (signatures / "test.hdb").write_text(f"{digest}:{len(EICAR)}:Test-File\n")
    address = folder / "clamd.sock"
    settings = folder / "clamd.conf"
    settings.write_text(
        f"LocalSocket {address}\nDatabaseDirectory {signatures}\nForeground yes\n"
        f"LogFile {folder / 'log'}\nStreamMaxLength 6M\nMaxThreads 4\nOfficialDatabaseOnly no\n"
    )
    process = subprocess.Popen(
        [program, "-c", str(settings)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _wait_for(address, process)
        yield str(address)
    finally:
        process.kill()
        process.wait()


def _wait_for(address: Path, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + STARTS_WITHIN_S
    while time.monotonic() < until:
        assert process.poll() is None, "clamd ended"
        with suppress(OSError), socket.socket(socket.AF_UNIX) as asked:
            asked.connect(str(address))
            return
        time.sleep(0.1)
    pytest.fail("clamd did not start")


def test_a_clean_file_is_checked(clamd: str) -> None:
    assert VirusScanner(clamd).check(b"A letter from the school." * 10_000)


def test_a_virus_is_found_and_named(clamd: str) -> None:
    with pytest.raises(InfectedError, match="Test-File"):
        VirusScanner(clamd).check(EICAR)


def test_a_file_over_the_limit_of_clamd_is_not_taken_for_clean(clamd: str) -> None:
    with pytest.raises(ScanError):
        VirusScanner(clamd).check(b"x" * (7 * 1024 * 1024))


def test_without_a_scanner_a_file_counts_as_unchecked() -> None:
    assert not VirusScanner(None).check(EICAR)


def test_a_scanner_that_is_away_keeps_files_out(tmp_path: Path) -> None:
    with pytest.raises(ScanError):
        VirusScanner(str(tmp_path / "none.sock")).check(b"letter")
    with pytest.raises(ScanError):
        VirusScanner("127.0.0.1:1").check(b"letter")


def test_a_scanner_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scanning, "SCAN_S", 1)
    with socket.create_server(("127.0.0.1", 0)) as server:
        accepted: list[socket.socket] = []
        thread = threading.Thread(target=lambda: accepted.append(server.accept()[0]))
        thread.start()
        with pytest.raises(ScanError):
            VirusScanner(f"127.0.0.1:{server.getsockname()[1]}").check(b"letter")
        thread.join()
        accepted[0].close()
