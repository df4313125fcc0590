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

    environment: str
    place: str
    """"module:function", where the function is a click command."""
    help: str


_LISTED: dict[str, dict[str, tuple[str, str]]] = {
    "any": {
        "screen": ("safeguarding.risk.commands:screen", "Risk of each line of standard input."),
        "check-lexicon": (
            "safeguarding.risk.commands:check_lexicon",
            "Try the rules on their examples.",
        ),
        "watch": ("ops.watch:main", "Run a program of a container; kill it when it hangs."),
    },
    "services": {
        "setup": ("ops.setup:main", "Make secrets, database and first accounts."),
        "supervise": ("ops.supervise:main", "Run the Procfile; restart what dies."),
        "announce": ("ops.supervise:announce", "Wait until everything answers."),
        "help-page": ("chat.gateway.pages:main", "The page of help for the proxy to show."),
        "reply": ("ops.reply:main", "Replies of the whole stack to each line."),
        "doctor": ("ops.doctor.command:main", "What is missing before young people may write."),
        "staff": ("staff.accounts.commands:main", "Open, list and shut accounts."),
        "verify-audit": ("staff.audit.commands:verify_audit", "Prove trail and records whole."),
        "reconcile": ("staff.audit.commands:reconcile", "Compare trail, cases, mailbox, spool."),
        "anchor-audit": ("staff.audit.commands:anchor_audit", "Write an anchor of the trail."),
        "audit-client": ("staff.audit.commands:audit_client", "How the trail names an address."),
        "database-roles": ("ops.database_roles:main", "Roles and grants for PostgreSQL."),
        "move-keys": ("ops.move_keys:main", "Move the secrets out of the state folder."),
        "rotate-keys": ("ops.rotate_keys:main", "Seal records with the first key."),
        "dispose": (
            "staff.retention.commands:dispose",
            "Dispose of cases whose clock has run out.",
        ),
        "erase": ("staff.retention.commands:erase", "Erase one case that has to go."),
        "records": ("staff.records.commands:main", "What a system of records did not take."),
        "backup": ("ops.backup:main", "Copy database, spool and ledger; no keys."),
        "restore": ("ops.restore:main", "Put a backup where no database is."),
        "verify-pack": ("staff.reports.case_file:main", "Prove an exported file unchanged."),
        "pledges": ("storage.pledges:main", "How often the pledge was taken, by day."),
        "check-content": (
            "safeguarding.content.lint.check:main",
            "Every problem of the content at once.",
        ),
        "approvals": ("staff.approvals.approvals:main", "How much content is signed."),
        "export": ("safeguarding.content.booklet:main", "What one audience reads, to print."),
        "translations": (
            "ops.translations.command:main",
            "Cards to translators and back, and their signatures.",
        ),
        "build-static": ("ops.build_static:main", "Fetch the console's styles."),
        "compare-without-rasa": (
            "ops.compare_without_rasa:main",
            "Are the replies the same without Rasa?",
        ),
        "train-topics": ("ops.topics:main", "Train the topics where there is no Rasa."),
        "export-vectors": ("ops.encoder.vectors:main", "Make the vectors of our sentences."),
    },
    "assistant": {
        "classify": ("bot.classify:main", "Intent, topic and severity of each line."),
        "export-encoder": ("ops.encoder.encoder:main", "Make models/mpnet.onnx."),
    },
    "lab": {
        "learn": ("lab.review.learn:main", "Turn a verdict of staff into an example."),
        "pictures": ("lab.pictures:main", "The chat and the console in each state, photographed."),
        "load": ("lab.load:main", "A crowd that chats, then a storm."),
        "bench": ("lab.bench.command:main", "Latency, throughput and memory, measured."),
        "chaos": ("lab.chaos.command:main", "What is lost while all below fails."),
        "soak": ("lab.soak.command:main", "An hour with restarts: what goes on growing."),
        "adapt": ("lab.training.adapt:main", "Teach the encoder anew."),
        "adapt-dialogue": ("lab.dialogue.adapt:main", "Teach the encoder of the dialogue anew."),
        "train-dialogue": ("lab.dialogue.command:train_command", "Train the choice of replies."),
        "dialogues": ("lab.dialogue.command:measure_command", "How many replies fit, by turn."),
        "second-reader": ("lab.training.second_reader:main", "Teach the second reader anew."),
        "calibrate": ("lab.training.calibrate:main", "Fit probabilities and thresholds."),
        "compare": ("lab.training.compare_models:main", "Other models on the same sentences."),
        "evaluate": ("lab.evaluation.command:main", "The evaluation report: every aim."),
        "peers": ("lab.evaluation.peers:main", "Lantern beside other systems, in one table."),
        "plot-bench": ("lab.bench.plot:main", "Draw what the bench measured."),
        "compare-reports": (
            "lab.evaluation.compare_reports:main",
            "Which figures moved between two evaluations.",
        ),
    },
}
"""The place and the purpose of each command, by environment and name."""
COMMANDS = {
    name: LazyCommand(environment, place, purpose)
    for environment, commands in _LISTED.items()
    for name, (place, purpose) in commands.items()
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
            module, _, function = row.place.partition(":")
            command = getattr(import_module(module), function)
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
