"""A development server whose calls are not recorded, to measure what recording costs. Only benchmarks start it.

    python -m candid.benchmarks.unrecorded serve --dev --port 0 --data DIR --ready-file FILE

It takes the words of `candid serve --dev`. The server that people run has no such switch.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from candid.config import load_config
from candid.ledger.storage import DISK, write_file
from candid.server.application import open_application
from candid.server.data_folder import create_data_folder
from candid.server.memory import give_back_large_blocks
from candid.server.run import bind, serve, url_of
from candid.server.secrets import create_secrets


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("serve")
    parser.add_argument("--dev", action="store_true")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--ready-file", type=Path, required=True)
    asked = parser.parse_args()
    config = load_config(overrides={"port": asked.port})
    folder = create_data_folder(asked.data, config)
    secrets = create_secrets(folder)
    give_back_large_blocks()
    listener = bind(config.host, config.port)
    with listener, open_application(folder, secrets, config, recording=False) as application:
        facts = application.ready_facts(url_of(listener), dev=True)
        ready = json.dumps(asdict(facts)).encode()
        serve(application.asgi, listener, ready=lambda: write_file(DISK, asked.ready_file, ready))


if __name__ == "__main__":
    main()
