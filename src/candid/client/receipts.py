"""Receipts on the caller's side: collect those of a boto3 client, and check them against the log.

    import boto3
    from candid.client.receipts import collect

    client = boto3.client("rekognition", endpoint_url="http://127.0.0.1:9000")
    with collect(client, "receipts.jsonl", log_key="candid.local/…"):
        client.detect_faces(Image={"Bytes": photograph})

and later `candid receipt check receipts.jsonl --log-key … --url http://127.0.0.1:9000/log`, or `check` from here.
"""

from candid.client.checking import MAX_AGE_SECONDS, check, included, open_published
from candid.client.collecting import Collector, Counts, collect
from candid.client.errors import BrokenWord, CollectedFileError, CollectError, ReceiptError, ReceiptsError
from candid.client.header import decode_receipt, open_receipt
from candid.client.report import Finding, Report

__all__ = [
    "MAX_AGE_SECONDS",
    "BrokenWord",
    "CollectError",
    "CollectedFileError",
    "Collector",
    "Counts",
    "Finding",
    "ReceiptError",
    "ReceiptsError",
    "Report",
    "check",
    "collect",
    "decode_receipt",
    "included",
    "open_published",
    "open_receipt",
]
