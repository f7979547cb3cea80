"""The `candid` command."""

import click


@click.group()
def main() -> None:
    """Self-hosted face recognition for any Amazon Rekognition client."""
