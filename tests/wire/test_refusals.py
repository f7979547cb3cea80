from __future__ import annotations

import re
from pathlib import Path

import candid.wire
from candid.wire import refusals

NAME = re.compile(r'"(\w+Exception|InternalServerError)"')


def test_every_error_that_wire_itself_answers_is_documented(wire):
    sources = "".join(path.read_text() for path in Path(candid.wire.__file__).parent.glob("*.py"))
    documented = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text()
    own = {name for name in NAME.findall(sources) if f"`{name}`" not in documented}
    assert len(set(NAME.findall(sources))) > 15
    assert own <= wire.MODEL.errors, "errors that the service model does not have belong in docs/protocol.md"


def test_only_a_servers_own_fault_is_a_500():
    made = [
        refusals.serialization("a"),
        refusals.invalid_parameter("a"),
        refusals.image_too_large(5),
        refusals.body_too_large(5, close=True),
        refusals.too_slow(),
        refusals.throttled(),
        refusals.denied("DetectFaces", "it is so"),
    ]
    assert all(refusal.status < 500 for refusal in made)
    assert refusals.internal("id").status == 500


def test_a_refusal_reads_as_its_message():
    assert str(refusals.denied("DetectFaces", "it is so")) == (
        "User is not authorized to perform: rekognition:DetectFaces because it is so."
    )
