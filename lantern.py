"""Runs every command: `python -m lantern COMMAND`. The Makefile calls it."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module

import click

ENVIRONMENTS = {
    "any": "In every environment",
    "services": "In .venv-services",
    "assistant": "In .venv-assistant",
    "lab": "In .venv-lab",
}
"""The environments that commands run in, and their headings in the list."""


@dataclass(frozen=True)
class LazyCommand:
    """Where a command is. Its module is imported only when the command is called."""

    module: str
    """Name of the module with the click command `main`; listing commands imports none."""
    environment: str
    help: str
    function: str = "main"
    """The click command in it."""


COMMANDS = {
    "screen": LazyCommand(
        "safeguarding.risk.commands", "any", "Risk of each line of standard input.", "screen"
    ),
    "check-lexicon": LazyCommand(
        "safeguarding.risk.commands", "any", "Try the rules on their examples.", "check_lexicon"
    ),
    "setup": LazyCommand("ops.setup", "services", "Make secrets, database and first accounts."),
    "supervise": LazyCommand("ops.supervise", "services", "Run the Procfile; restart what dies."),
    "announce": LazyCommand(
        "ops.supervise", "services", "Wait until everything answers.", "announce"
    ),
    "help-page": LazyCommand(
        "chat.gateway.pages", "services", "The page of help for the proxy to show."
    ),
    "reply": LazyCommand("ops.reply", "services", "Replies of the whole stack to each line."),
    "doctor": LazyCommand(
        "ops.doctor.command", "services", "What is missing before young people may write."
    ),
    "staff": LazyCommand("staff.accounts.commands", "services", "Open, list and shut accounts."),
    "verify-audit": LazyCommand(
        "staff.audit.verify", "services", "Prove that the audit trail is whole.", "verify_audit"
    ),
    "anchor-audit": LazyCommand(
        "staff.audit.verify", "services", "Write the anchor of today.", "anchor_audit"
    ),
    "audit-client": LazyCommand(
        "staff.audit.trail", "services", "How the audit trail names an address.", "audit_client"
    ),
    "database-roles": LazyCommand(
        "ops.database_roles", "services", "Roles and grants for PostgreSQL."
    ),
    "rotate-keys": LazyCommand("ops.rotate_keys", "services", "Seal records with the first key."),
    "dispose": LazyCommand(
        "staff.retention.commands",
        "services",
        "Dispose of cases whose clock has run out.",
        "dispose",
    ),
    "erase": LazyCommand(
        "staff.retention.commands", "services", "Erase one case that has to go.", "erase"
    ),
    "backup": LazyCommand("ops.backup", "services", "Copy database, spool and ledger; no keys."),
    "restore": LazyCommand("ops.restore", "services", "Put a backup where no database is."),
    "verify-pack": LazyCommand(
        "staff.reports.case_file", "services", "Prove an exported file unchanged."
    ),
    "pledges": LazyCommand(
        "storage.pledges", "services", "How often the pledge was taken, by day."
    ),
    "check-content": LazyCommand(
        "safeguarding.content.lint.check", "services", "Every problem of the content at once."
    ),
    "approvals": LazyCommand(
        "staff.approvals.approvals", "services", "How much content is signed."
    ),
    "export": LazyCommand(
        "safeguarding.content.booklet", "services", "What one audience reads, to print."
    ),
    "build-static": LazyCommand("ops.build_static", "services", "Fetch the console's styles."),
    "export-vectors": LazyCommand(
        "ops.encoder.vectors", "services", "Make the vectors of our sentences."
    ),
    "learn": LazyCommand("lab.review.learn", "lab", "Turn a verdict of staff into an example."),
    "pictures": LazyCommand(
        "lab.pictures", "lab", "The chat and the console in each state, photographed."
    ),
    "load": LazyCommand("lab.load", "lab", "A crowd that chats, then a storm."),
    "bench": LazyCommand("lab.bench.command", "lab", "Latency, throughput and memory, measured."),
    "chaos": LazyCommand("lab.chaos.command", "lab", "What is lost while all below fails."),
    "classify": LazyCommand(
        "bot.classify", "assistant", "Intent, topic and severity of each line."
    ),
    "export-encoder": LazyCommand("ops.encoder.encoder", "assistant", "Make models/mpnet.onnx."),
    "adapt": LazyCommand("lab.training.adapt", "lab", "Teach the encoder anew."),
    "calibrate": LazyCommand("lab.training.calibrate", "lab", "Fit probabilities and thresholds."),
    "compare": LazyCommand(
        "lab.training.compare_models", "lab", "Other models on the same sentences."
    ),
    "evaluate": LazyCommand("lab.evaluation.command", "lab", "The evaluation report: every aim."),
    "plot-bench": LazyCommand("lab.bench.plot", "lab", "Draw what the bench measured."),
    "compare-reports": LazyCommand(
        "lab.evaluation.compare_reports", "lab", "Which figures moved between two evaluations."
    ),
}
_HOUSE = {"safeguarding", "storage", "web", "bot", "actions", "chat", "staff", "ops"}
"""The rooms of every installation. The lab is in a checkout only."""


class LazyGroup(click.Group):
    """Lists COMMANDS without importing any of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command. Raises UsageError in an environment that lacks its packages."""
        row = COMMANDS.get(cmd_name)
        if row is None:
            return None
        try:
            command = getattr(import_module(row.module), row.function)
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] in _HOUSE:
                raise
            place = ENVIRONMENTS[row.environment].lower()
            raise click.UsageError(f"{cmd_name} runs {place}: {error.name} is missing") from None
        assert isinstance(command, click.Command)  # noqa: S101 - tests/unit/test_lantern.py
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for environment, heading in ENVIRONMENTS.items():
            with formatter.section(heading):
                formatter.write_dl(
                    [
                        (name, row.help)
                        for name, row in COMMANDS.items()
                        if row.environment == environment
                    ]
                )


@click.group(cls=LazyGroup)
def lantern() -> None:
    """Run a command of Lantern, a safeguarding assistant. `make help` lists the usual ones."""


if __name__ == "__main__":
    lantern(prog_name="python -m lantern")
