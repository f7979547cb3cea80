"""`candid demo`: index and search real photographs through a real server."""

from __future__ import annotations

import tempfile
from dataclasses import asdict
from pathlib import Path
from statistics import median

import click

from candid.cli.output import BROKEN, fail, failing, json_option, messages, print_json, print_table
from candid.client.receipts import collect
from candid.demo.proof import ProofFailed, prove
from candid.demo.samples import SamplesUnavailable, sample_photographs
from candid.demo.story import THRESHOLD, Outcome, run_story
from candid.server.process import ServerDidNotStart, own_server


@click.command()
@json_option
@failing(SamplesUnavailable)
@failing(ServerDidNotStart, ProofFailed, code=BROKEN)
def demo(as_json: bool) -> None:
    """Index and search real photographs through a real server, as any Rekognition client would.

    \b
    Example: candid demo
    """
    photographs = sample_photographs()
    outcome = Outcome()
    with tempfile.TemporaryDirectory(prefix="candid-demo-") as folder, own_server(Path(folder)) as server:
        messages().print(
            f"A server answers at {server.ready['url']} after {server.start_seconds:.1f} s; "
            "now an unmodified boto3 client:"
        )
        client = server.client()
        with collect(client, Path(folder) / "receipts.jsonl", log_key=server.ready["log_public_key"]):
            run_story(client, photographs, outcome)
        messages().print("and now those who trust nobody:")
        outcome.proof = prove(Path(folder), server.ready)
    if as_json:
        print_json(asdict(outcome))
    else:
        _tell(outcome)
    if not (outcome.faces and outcome.meetings and outcome.deleted):
        fail("the demo did not find what it should; run `candid models verify`, then `make test`", BROKEN)


def _tell(outcome: Outcome) -> None:
    print_table(
        ("photograph", "enrolled", "left out", "ms"),
        [
            (each.name, each.enrolled, "; ".join(each.left_out) or "–", f"{each.milliseconds:.0f}")
            for each in outcome.photographs
        ],
        title="IndexFaces",
    )
    click.echo()
    print_table(
        ("a face in", "is also in", "similarity"),
        [(each.photograph, each.other, f"{each.similarity:.1f}") for each in outcome.meetings],
        title=f"SearchFaces for each of the {outcome.faces} faces, similarity {THRESHOLD:g} or more",
    )
    click.echo()
    face = outcome.description
    told = {
        "age": "{Low} to {High}".format(**face["AgeRange"]) if "AgeRange" in face else "–",
        "landmarks": len(face["Landmarks"]),
        "pose": ", ".join(f"{name.lower()} {degrees:.0f}°" for name, degrees in face["Pose"].items()),
        **{
            name: f"{face[name]['Value']} ({face[name]['Confidence']:.0f})"
            for name in ("Gender", "Smile", "Eyeglasses", "EyesOpen", "MouthOpen")
            if name in face
        },
    }
    print_table(("DetectFaces", "largest face of the last photograph"), list(told.items()))
    click.echo()
    asked = [(step.who, step.command, step.found) for step in outcome.proof]
    print_table(("who", "asks", "finds"), asked, title="Proof")
    click.echo()
    click.echo(
        f"{outcome.faces} faces of {len(outcome.photographs)} photographs enrolled, {outcome.searches} searches "
        f"({median(outcome.search_milliseconds):.1f} ms each), {len(outcome.meetings)} meetings found; "
        "the collection and the data folder are deleted again."
    )
    click.echo("Next: candid serve --data ./data --dev")
