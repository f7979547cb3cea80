"""The report for people: one HTML page that needs nothing else, has no script, and can be printed."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from candid_verify.canonical import canonical
from candid_verify.entries import Placed
from candid_verify.times import iso
from candid_verify.verdict import ESTABLISHED, INVALID, NOT_ESTABLISHED, Verdict
from candid_verify.wording import quoted

_MOST_ENTRIES = 1000  # shown; a page with more is of no use to its reader
_LONGEST = 1200  # characters of an entry

_WORDS = {
    ESTABLISHED: ("Established", "The evidence establishes the claim, within the limits said below."),
    NOT_ESTABLISHED: ("Not established", "The file is genuine, but it does not establish the claim."),
    INVALID: ("Invalid", "The file cannot be relied on for anything."),
}

_STYLE = """
:root { color-scheme: light; }
body { font: 1rem/1.5 Georgia, "Times New Roman", serif; color: #1a1a1a; background: #fff; max-width: 50rem;
  margin: 2rem auto; padding: 0 1rem; }
h1, h2, table, dl { font-family: system-ui, sans-serif; }
.verdict { border-left: .5rem solid; padding: .5rem 1rem; background: #f4f4f4; }
.established { border-color: #1b6e3c; } .not-established { border-color: #9a5b00; } .invalid { border-color: #a11212; }
.verdict strong { font-size: 1.4rem; }
dt { font-weight: 600; } dd { margin: 0 0 .5rem; overflow-wrap: anywhere; }
li { margin-bottom: .4rem; overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; font-size: .85rem; }
th, td { text-align: left; vertical-align: top; padding: .3rem .5rem; border-bottom: 1px solid #bbb; }
td:last-child, code, pre { font-family: ui-monospace, monospace; overflow-wrap: anywhere; white-space: pre-wrap; }
@media print {
  body { margin: 0; max-width: none; font-size: 10pt; }
  tr, li { break-inside: avoid; }
  thead { display: table-header-group; }
}
"""


def html_report(verdict: Verdict, *, file_name: str, digest: str) -> str:
    """The page.

    Args:
        verdict: what came out.
        file_name: of the evidence file, to be shown.
        digest: SHA-256 of the evidence file in hexadecimal, so that the page says which file it is about.
    """
    title = "Candid: evidence verified"
    word, meaning = _WORDS[verdict.verdict]
    parts = [
        f"<h1>{title}</h1>",
        f'<section class="verdict {verdict.verdict}" aria-label="Verdict"><strong>{word}</strong>'
        f"<p>{_claim(verdict)}</p><p>{escape(meaning)}</p>{_reason(verdict)}</section>",
        _sentences("What is established", verdict.established),
        _sentences("What is not established", verdict.not_established),
        _facts(verdict, file_name, digest),
        _repeat(),
        _entries(verdict.entries),
    ]
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}: {word}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<style>{_STYLE}</style></head>\n<body><main>\n" + "\n".join(filter(None, parts)) + "\n</main></body></html>\n"
    )


def _claim(verdict: Verdict) -> str:
    if verdict.claim is None:
        return "No claim could be read."
    of = [f"{name} {quoted(str(_shown(name, value)))}" for name, value in verdict.claim.parameters.items()]
    return escape(f"Claim: {verdict.claim.name}, {', '.join(of)}")


def _shown(name: str, value: object) -> object:
    return iso(value) if name in ("from", "to") and isinstance(value, int) else value


def _reason(verdict: Verdict) -> str:
    return "" if verdict.reason is None else f"<p>Reason: {escape(verdict.reason)}.</p>"


def _sentences(heading: str, sentences: Iterable[str]) -> str:
    items = "".join(f"<li>{escape(each)}</li>" for each in sentences)
    return f"<section><h2>{heading}</h2><ul>{items}</ul></section>" if items else ""


def _facts(verdict: Verdict, file_name: str, digest: str) -> str:
    facts = {
        "File": file_name,
        "SHA-256 of the file": digest,
        "Key of the log, as it was given": verdict.log,
        "Entries of the log": verdict.tree_size,
        "Root of the log": verdict.root,
        "As of (newest entry it rests on)": verdict.as_of,
        "File made at": verdict.made,
    }
    rows = "".join(
        f"<dt>{name}</dt><dd>{escape(str(value))}</dd>" for name, value in facts.items() if value is not None
    )
    return f"<section><h2>What was verified</h2><dl>{rows}</dl></section>"


def _repeat() -> str:
    return (
        "<section><h2>How to repeat it</h2><p>Get the log's key from somebody whom you trust, not from whoever gave "
        "you the file. On any machine with Python, install candid-verify (it is in Candid's sources, in "
        "verifiers/python) and run, without a network:</p>"
        "<pre>candid-verify FILE --log-key KEY [--witness-policy POLICY]</pre>"
        "<p>The format is published, so that anybody can write another verifier. This page is a copy of what the "
        "verifier said and proves nothing by itself.</p></section>"
    )


def _entries(entries: tuple[Placed, ...]) -> str:
    if not entries:
        return ""
    rows = "".join(
        f"<tr><td>{each.index}</td><td>{iso(each.entry['time'])}</td><td>{escape(each.entry['kind'])}</td>"
        f"<td>{escape(_spelled(each))}</td></tr>"
        for each in entries[:_MOST_ENTRIES]
    )
    left = len(entries) - _MOST_ENTRIES
    more = f"<p>{left} further entries are in the file.</p>" if left > 0 else ""
    return (
        '<section><h2>The entries in the file</h2><table><thead><tr><th scope="col">Index</th>'
        f'<th scope="col">Time</th><th scope="col">Kind</th><th scope="col">Entry</th></tr></thead>'
        f"<tbody>{rows}</tbody></table>{more}</section>"
    )


def _spelled(found: Placed) -> str:
    text = canonical(dict(found.entry)).decode()
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"
