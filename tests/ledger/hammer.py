"""Run as a process of its own, to be killed: several threads append, and note what was acknowledged.

Arguments: the log's folder, the guard, the file of acknowledgements, the number of this run.
"""

import os
import sys
import threading
from pathlib import Path

from candid.ledger import Log, LogOptions, SigningKey

folder, guard, notes, run = Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4]
signer = SigningKey.generate("candid.local/test", randomness=lambda _: bytes(range(32)))
options = LogOptions(guard=guard, publish_interval=0.01)
log = Log.open(folder, signer, options) if Log.exists(folder) else Log.create(folder, signer, options)
out = os.open(notes, os.O_WRONLY | os.O_CREAT | os.O_APPEND)


def write(number: int) -> None:
    count = 0
    while True:
        group = [f"{run}.{number}.{count}.{i}".encode() for i in range(1 + count % 3)]
        for found, entry in zip(log.append_many(group), group, strict=True):
            os.write(out, b"%d %s\n" % (found.index, entry))
        count += 1


for number in range(8):
    threading.Thread(target=write, args=(number,), daemon=True).start()
print("ready", flush=True)
threading.Event().wait()
