"""`candid erase`: delete a face, or a customer with all that it stored."""

from __future__ import annotations

import uuid
from pathlib import Path

import click

from candid.cli.output import BROKEN, NO, fail, failing, json_option, print_json
from candid.config import ConfigError, load_config
from candid.gallery.errors import GalleryError, KeyFileError
from candid.governance import CustomerNotFound, GovernanceError, open_customers
from candid.ledger.errors import KeyFormatError, LedgerError
from candid.recording import RecordingError
from candid.server.acts import ActError, log_acts
from candid.server.data_folder import DataFolderError, open_data_folder
from candid.server.erasing import erase_customer_act, erase_face_act
from candid.server.secrets import read_secrets

_path = click.Path(path_type=Path)


@click.command()
@click.option("--face-id", "face_id", help="Erase this face, whichever collection it is in.")
@click.option("--customer", "customer", help="Erase this customer (id or account) and everything that it stored.")
@click.option("--data", required=True, type=_path, help="The data folder; a server may run on it.")
@click.option("--config", "file", type=_path, help="The TOML file of the server.")
@json_option
@failing(ConfigError, DataFolderError, KeyFileError, KeyFormatError, CustomerNotFound)
def erase(face_id: str | None, customer: str | None, data: Path, file: Path | None, as_json: bool) -> None:
    """Erase a face or a customer for good, in every file; the log keeps the proof that it was done.

    \b
    Example: candid erase --data ./data --face-id 7f0b0bd1-5a1c-4d43-9e8e-1b0c2f6f1a55
    """
    if (face_id is None) == (customer is None):
        fail("name either --face-id or --customer")
    config = load_config(file)
    folder = open_data_folder(data, config)
    secrets = read_secrets(folder)
    if face_id is not None:
        body = erase_face_act(_face_id(face_id))
    else:
        try:
            customers = open_customers(folder.governance, key=secrets.master)
            try:
                body = erase_customer_act(customers.show(str(customer)).id)
            finally:
                customers.close()
        except CustomerNotFound:
            raise
        except GovernanceError as error:
            fail(str(error), BROKEN)
    try:
        (index,) = log_acts(folder, config, [body])
    except ActError as error:
        fail(str(error), NO)
    except (GovernanceError, GalleryError, LedgerError, RecordingError) as error:
        fail(str(error), BROKEN)
    facts = {"erased": face_id if face_id is not None else body["customer"], "log_index": index}
    if as_json:
        print_json(facts)
        return
    click.echo(f"Erased. Entry {index} of the log says so.")
    if face_id is not None:
        click.echo(f"Proof: candid evidence export --claim erased --face-id {face_id} --data {data} -o FILE")


def _face_id(text: str) -> str:
    try:
        return str(uuid.UUID(text))
    except ValueError:
        fail("a face id is like 7f0b0bd1-5a1c-4d43-9e8e-1b0c2f6f1a55, as IndexFaces gives it")
