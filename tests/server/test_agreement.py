"""A restored folder is brought up to what its log says was closed, revoked and erased, and nothing is entered twice."""

from __future__ import annotations

import shutil
import sqlite3
import time
import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from candid.config import Config, load_config
from candid.gallery import FaceBox, Gallery, NewFace, open_gallery, restore_gallery
from candid.governance import Acts, Customer, Customers, Status, decide, open_acts, open_customers
from candid.ledger import FolderSource, LogReader
from candid.recording import CallFacts, Outcome, Recorder, vrf_key
from candid.server.acts import enter_waiting
from candid.server.agreement import Brought, bring_up_to_log
from candid.server.data_folder import DataFolder, create_data_folder
from candid.server.erasing import Eraser, erase_customer_act, erase_face_act
from candid.server.log_copy import durable_entries
from candid.server.recording import SOFTWARE, CallRecord, open_folder_recorder
from candid.server.secrets import Secrets, create_secrets
from candid_verify.audit import Audit


@dataclass
class Site:
    """A data folder with everything open, and copies of it as it was before."""

    folder: DataFolder
    secrets: Secrets
    config: Config

    def __enter__(self) -> Site:
        self.customers: Customers = open_customers(self.folder.governance, key=self.secrets.master)
        self.acts: Acts = open_acts(self.folder.governance)
        self.gallery: Gallery = open_gallery(self.folder.gallery, key=self.secrets.master)
        self.recorder: Recorder = open_folder_recorder(self.folder, self.secrets, self.config)
        self.recorder.start(models=[], software=SOFTWARE, engine=dict)
        return self

    def __exit__(self, *_: object) -> None:
        self.recorder.stop()
        self.recorder.close()
        self.gallery.close()
        self.acts.close()
        self.customers.close()

    def enter(self) -> None:
        """Do and enter what waits."""
        eraser = Eraser(self.folder, self.gallery, self.customers, self.acts, vrf_key(self.secrets.log))
        enter_waiting(self.acts, self.recorder, eraser)

    def opened(self, name: str) -> Customer:
        return self.customers.open_customer(name=name, country="CH")

    def enrolled(self, customer: Customer, collection: str, count: int = 2) -> list[str]:
        self.gallery.collections.create(customer.account, collection, contract="c", dimension=4)
        box = FaceBox(0.1, 0.1, 0.2, 0.2)
        new = [
            NewFace(embedding=vector, box=box, confidence=99.0, image_id=str(uuid.uuid4()))
            for vector in np.eye(count, 4, dtype=np.float32)
        ]
        return [face.face_id for face in self.gallery.faces.add(customer.account, collection, new, contract="c")]

    def call(self, customer: Customer, operation: str, **facts: object) -> None:
        """Enter a call of a customer, with a key that it gets for it."""
        issued = self.customers.issue(customer.id)
        self.enter()
        access = self.customers.lookup(issued.key.id)
        assert access is not None
        CallRecord(self.recorder, self.customers).call(
            CallFacts(
                request=str(uuid.uuid4()),
                operation=operation,
                customer=customer,
                key=access.key,
                decision=decide(customer, operation),
                outcome=Outcome.OK,
                meter="free",
                units=1,
                started=int(time.time() * 1000),
                **facts,  # type: ignore[arg-type]
            )
        )

    def backed_up(self) -> Path:
        """Database and gallery as they are now, as a backup has them; the log is put to it later."""
        data = self.folder.path.with_name("restored")
        (data / "gallery").mkdir(parents=True)
        shutil.copy(self.folder.path / "candid.json", data)
        self.gallery.backup(data / "backup")
        shutil.rmtree(data / "gallery")
        restore_gallery(data / "backup", data / "gallery", key=self.secrets.master)
        with closing(sqlite3.connect(self.folder.governance)) as connection:
            connection.execute("VACUUM INTO ?", (str(data / "governance.db"),))
        return data


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    config = load_config()
    folder = create_data_folder(tmp_path / "data", config)
    secrets = create_secrets(folder)
    with Site(folder, secrets, config) as made:
        yield made


def brought_up(site: Site, data: Path) -> tuple[Brought, Site]:
    """Put the log as it is now to the backup, and bring that up to it; to be entered as a context."""
    site.recorder.stop()
    site.recorder.close()
    shutil.copytree(site.folder.ledger, data / "ledger")
    site.recorder = open_folder_recorder(site.folder, site.secrets, site.config)
    site.recorder.start(models=[], software=SOFTWARE, engine=dict)
    brought = bring_up_to_log(data, master=site.secrets.master, signer=site.secrets.log)
    folder = DataFolder(data, site.folder.identity, site.folder.key_file.with_name("elsewhere.key"))
    return brought, Site(folder, site.secrets, site.config)


def findings(data: Path, secrets: Secrets) -> list[str]:
    audit = Audit()
    for index, text in durable_entries(data / "ledger", secrets.log.verifier):
        audit.feed(index, text)
    return [each.message for each in audit.finish().findings]


def test_what_the_log_knows_and_the_backup_does_not(site: Site) -> None:
    closed, erased, kept = (site.opened(name) for name in ("Closed", "Erased", "Kept"))
    key, other = site.customers.issue(kept.id), site.customers.issue(kept.id)
    faces = site.enrolled(kept, "c", 3)
    site.enrolled(kept, "dropped")
    site.enrolled(erased, "e")
    site.gallery.users.create(kept.account, "c", "u")
    site.gallery.users.associate(kept.account, "c", "u", faces[:2], min_score=-1.0)
    site.enter()
    data = site.backed_up()
    site.customers.close_customer(closed.id)
    site.acts.add(erase_customer_act(erased.id))
    site.customers.revoke(key.key.id)
    site.acts.add(erase_face_act(faces[0]))
    site.enter()
    site.call(kept, "DeleteFaces", collection="c", erased=(faces[2],))
    site.call(kept, "DeleteCollection", collection="dropped")
    site.opened("Later")
    site.customers.update_customer(kept.id, name="Otherwise")
    site.enter()
    brought, restored = brought_up(site, data)
    assert brought == Brought(closed=2, revoked=1, erased=4, unknown=1, outdated=1)
    with restored:
        restored.enter()
        assert restored.customers.show(closed.id).status is Status.CLOSED
        gone = [each.pseudonym for each in restored.customers.all() if each.status is Status.ERASED]
        assert gone == [erased.pseudonym]
        assert restored.customers.lookup(key.key.id) is None
        assert restored.customers.lookup(other.key.id) is not None
        assert [each.id for each in restored.gallery.collections.list(kept.account, limit=9).items] == ["c"]
        left = restored.gallery.faces.list(kept.account, "c", limit=9).items
        assert [face.face_id for face in left] == faces[1:2]
        assert restored.gallery.collections.list(erased.account, limit=9).items == ()
    assert findings(data, site.secrets) == []
    assert bring_up_to_log(data, master=site.secrets.master, signer=site.secrets.log) == Brought(unknown=1, outdated=1)


def test_acts_that_waited_in_the_backup_and_stand_in_the_log(site: Site) -> None:
    first, second, third = (site.opened(name) for name in ("First", "Second", "Third"))
    faces = site.enrolled(first, "c", 2)
    site.enter()
    # All of these wait in the backup.
    fourth = site.opened("Fourth")
    site.customers.update_customer(second.id, name="Zweite")
    issued = site.customers.issue(first.id)
    site.customers.revoke(site.customers.issue(first.id).key.id)
    site.customers.close_customer(third.id)
    site.acts.add(erase_face_act(faces[0]))
    site.acts.add(erase_customer_act(third.id))
    data = site.backed_up()
    site.enter()
    size = site.recorder.state.size
    brought, restored = brought_up(site, data)
    assert brought == Brought(closed=1, erased=1)
    with closing(open_acts(data / "governance.db")) as acts:
        assert acts.waiting() == []
    with restored:
        restored.enter()
        assert restored.customers.lookup(issued.key.id) is not None
        assert restored.customers.show(fourth.id).status is Status.UNSCREENED
        assert all(each.index is not None for each in restored.customers.identities(second.id))
    assert findings(data, site.secrets) == []
    acts_of_log = ("customer/1", "key/1", "erasure/1")
    reader = LogReader.open(FolderSource(data / "ledger"), site.secrets.log.verifier)
    later = [text for index, text in reader.entries() if index >= size]
    assert not any(f'"kind":"{kind}"'.encode() in text for kind in acts_of_log for text in later)
    assert faces[0].encode() not in (data / "governance.db").read_bytes()


def test_acts_that_wait_still_are_done_by_the_server(site: Site) -> None:
    customer = site.opened("First")
    faces = site.enrolled(customer, "c", 2)
    site.enter()
    site.acts.add(erase_face_act(faces[0]))
    site.customers.close_customer(customer.id)
    data = site.backed_up()
    brought, restored = brought_up(site, data)
    assert brought == Brought()
    with restored:
        assert len(restored.acts.waiting()) == 2
        restored.enter()
        assert restored.gallery.locate_face(faces[0]) is None
    assert findings(data, site.secrets) == []


def test_a_folder_without_customers(tmp_path: Path, site: Site) -> None:
    assert bring_up_to_log(tmp_path / "nothing", master=bytes(32), signer=site.secrets.log) == Brought()
