"""What the console says of a file that cannot be kept."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from staff.attachments.attachments import (
    LARGEST,
    MOST,
    FileKindError,
    FileTooLargeError,
    TooManyFilesError,
)
from staff.attachments.scanning import InfectedError, ScanError

_MIB = 1024 * 1024
REFUSALS = (FileKindError, FileTooLargeError, TooManyFilesError, InfectedError, ScanError)
"""Why a file is not kept, for a reason that staff can read."""


class FilePhrases(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The phrases of content/phrases/files.yml."""

    FIELDS: ClassVar[dict[str, tuple[str, ...]]] = {"too_large": ("most",), "too_many": ("most",)}

    select_file: str
    wrong_kind: str
    too_large: str
    too_many: str
    infected: str
    not_checked_now: str

    def refusal(self, error: Exception) -> str:
        """Return what to say of one of REFUSALS."""
        return {
            FileKindError: self.wrong_kind,
            FileTooLargeError: self.too_large.format(most=LARGEST // _MIB),
            TooManyFilesError: self.too_many.format(most=MOST),
            InfectedError: self.infected,
            ScanError: self.not_checked_now,
        }[type(error)]
