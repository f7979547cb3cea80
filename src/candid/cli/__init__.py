"""The `candid` command. One file for each group of commands; a group is imported when it is used."""

from __future__ import annotations

import importlib
import sys

import click

import candid

# Command → (module, attribute, one line of help). A dictionary, so that `candid --help` imports nothing.
_COMMANDS: dict[str, tuple[str, str, str]] = {
    "backup": ("candid.cli.backup", "backup", "Write the whole data folder, consistent, into one file."),
    "bench": ("candid.cli.bench", "bench", "Measure this machine: recognition, HTTP, index and search."),
    "bill": ("candid.cli.bill", "bill", "Bill a customer, or all, for a month."),
    "config": ("candid.cli.config", "config", "Show every setting, its value and its default."),
    "customer": ("candid.cli.customer", "customer", "Open, show and list customers."),
    "demo": ("candid.cli.demo", "demo", "Index and search real photographs through a real server."),
    "erase": ("candid.cli.erase", "erase", "Erase a face, or a customer with all that it stored."),
    "evaluate": ("candid.cli.evaluate", "evaluate", "Measure accuracy on labelled photographs."),
    "evidence": ("candid.cli.evidence", "evidence", "Make, verify and audit evidence."),
    "init": ("candid.cli.serve", "init", "Create a data folder."),
    "key": ("candid.cli.customer", "key", "Issue, list and revoke access keys."),
    "ledger": ("candid.cli.ledger", "ledger", "Verify, read and prove from a transparency log."),
    "models": ("candid.cli.models", "models", "Fetch, list, show, add and verify models."),
    "prices": ("candid.cli.prices", "prices", "Show the price lists in the log, and add one."),
    "receipt": ("candid.cli.receipt", "receipt", "Verify receipts, and check those that a client collected."),
    "restore": ("candid.cli.backup", "restore", "Restore a backup into an empty folder."),
    "serve": ("candid.cli.serve", "serve", "Run the server."),
    "upgrade": ("candid.cli.upgrade", "upgrade", "Move collections to another embedder."),
    "usage": ("candid.cli.usage", "usage", "Show and export what was used; set quotas."),
}


class _Commands(click.Group):
    """A group that imports a command's module only when the command is named."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _COMMANDS:
            return None
        module, attribute, _ = _COMMANDS[cmd_name]
        command = getattr(importlib.import_module(module), attribute)
        if not isinstance(command, click.Command):
            raise TypeError(f"{module}.{attribute} is no command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, _COMMANDS[name][2]) for name in self.list_commands(ctx)])


@click.command(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog="Try `candid demo`, then `candid serve --data ./data --dev`.",
)
@click.version_option(candid.__version__, prog_name="candid")
def main() -> None:
    """Self-hosted face recognition for any Amazon Rekognition client."""


if __name__ == "__main__":
    sys.exit(main())
