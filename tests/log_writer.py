"""A process of its own that writes to a log: `python -m tests.log_writer URL KEYS`.

It says "ready", then does what each line of its input says: `ID SEVERITY SOURCE CONVERSATION`
records an escalation and prints whether it was new, once the database has acknowledged it.
"""

from __future__ import annotations

import sys

from safeguarding.risk.assessment import Signal
from safeguarding.taxonomy import Severity
from storage.engine import connect
from storage.vault import Vault, key_ring
from tests.records import EscalationLog, assessment, escalation


def main() -> None:
    """Obey the lines of the standard input until it ends."""
    engine = connect(sys.argv[1])
    log = EscalationLog(engine, Vault(key_ring(sys.argv[2])))
    with engine.connect():
        sys.stdout.write("ready\n")
        sys.stdout.flush()
    for line in sys.stdin:
        message_id, severity, source, conversation = line.split()
        signal = Signal(source, "lexicon", "v1", "grooming", Severity.named(severity), 0, 2)
        raised = assessment(Severity.named(severity), signal)
        told = escalation(message_id, conversation_id=conversation, assessment=raised)
        new = log.record(told)
        sys.stdout.write(f"{message_id} {new}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
