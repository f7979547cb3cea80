"""Run as a process of its own, to be killed: a recorder under load, which notes each receipt once it has it.

Arguments: the data folder, the file of acknowledgements, the number of this run, the number of threads. The log's
key, the customers and their secrets are always the same, so that whoever checks knows them.
"""

import json
import os
import random
import sys
import threading
import time
from hashlib import sha256
from pathlib import Path

from candid.governance import Category, Customer, Decision, Status
from candid.ledger import Log, LogOptions, SigningKey
from candid.ledger.storage import DISK, write_file
from candid.recording import CallFacts, NotRecorded, Outcome, Software, open_recorder
from candid_verify.canonical import encode_bytes

folder, notes, run, count_of_threads = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])
signer = SigningKey.generate("candid.local/test", randomness=lambda _: bytes(range(32)))
options = LogOptions(guard=folder / "guard", publish_interval=0.02)
software = Software("candid", "1")
if not Log.exists(folder / "ledger"):
    Log.create(folder / "ledger", signer, options).close()
waiting = folder / "waiting"
out = os.open(notes, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
chance = random.Random(run)


def hashed(*parts: str) -> str:
    return encode_bytes(sha256("/".join(parts).encode()).digest())


def note(index: int, what: str) -> None:
    os.write(out, f"{index} {what}\n".encode())


recorder = open_recorder(folder, signer, options, software=software)
computed, counting = [0], threading.Lock()
recorder.start(models=[], software=software, engine=lambda: {"detector": {"passes": computed[0], "rows": computed[0]}})
customers = [hashed("customer", str(number)) for number in range(4)]
for each in customers:
    # The same acts at each start: they stand once.
    if each not in recorder.state.numbers:
        opened = {"kind": "customer/1", "event": "opened", "customer": each, "identity": each}
        opened |= {"category": "private", "status": "unscreened"}
        known = [entry for _, entry in recorder.log.entries(0) if each.encode() in entry]
        if not known:
            recorder.act(opened, [each.encode()])
        if len(known) < 2:
            recorder.act({"kind": "key/1", "event": "issued", "customer": each, "key": hashed("key", each)})


def facts(customer: str, request: str) -> CallFacts:
    about = Customer("cus-1", "1" * 12, "Acme", "DE", Category.PRIVATE, Status.UNSCREENED, 0.0, customer)
    return CallFacts(
        request=request,
        operation="SearchFacesByImage",
        customer=about,
        key=hashed("key", customer),
        decision=Decision(True, "open", "fine"),
        outcome=Outcome.OK,
        meter="image-group-1",
        units=1,
        started=int(time.time() * 1000),
        collection="c",
        stored={"faces": 1},
        engine={"detector": 1},
    )


def call(number: int) -> None:
    for count in range(1 << 30):
        request = f"{run}.{number}.{count}"
        try:
            recorder.check()
            with counting:
                computed[0] += 1
            receipt = recorder.call(facts(customers[(number + count) % 4], request), secret=bytes(32))
        except NotRecorded:
            continue
        os.write(out, f"receipt {receipt} {request}\n".encode())


def hand_in(body: dict[str, str], labels: list[bytes] | None) -> None:
    """As the acts of `governance.db`: it waits in a file until it is known to stand, so it may come twice."""
    texts = None if labels is None else [label.decode() for label in labels]
    write_file(DISK, waiting, json.dumps([body, texts]).encode())
    name = "identity" if "identity" in body else "key"
    note(recorder.act(body, labels), f"{name} {body[name]}")
    waiting.unlink()


def act() -> None:
    if waiting.exists():
        body, texts = json.loads(waiting.read_bytes())
        hand_in(body, None if texts is None else [text.encode() for text in texts])
    for count in range(1 << 30):
        customer = customers[count % 4]
        update = {"kind": "customer/1", "event": "updated", "customer": customer, "category": "private"}
        update |= {"identity": hashed("identity", run, str(count)), "status": "unscreened"}
        labels = [f"label {chance.randrange(50)}".encode() for _ in range(3)]
        hand_in(update, labels)
        key = hashed("key", run, str(count))
        body = {"kind": "key/1", "event": "issued", "customer": customer, "key": key}
        hand_in(body, None)
        recorder.enter_state()


for number in range(count_of_threads):
    threading.Thread(target=call, args=(number,), daemon=True).start()
threading.Thread(target=act, daemon=True).start()
print("ready", flush=True)
threading.Event().wait()
