"""A backup that is made while the log is written opens as of one moment."""

import threading

from candid.config import load_config
from candid.ledger import FolderSource, Log, verify_log
from candid.server.backup import restore_backup, write_backup
from candid.server.data_folder import create_data_folder
from candid.server.secrets import create_secrets, log_options


def test_the_copy_of_a_busy_log_opens_and_holds_what_was_public(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    folder = create_data_folder(tmp_path / "data", load_config())
    secrets = create_secrets(folder)
    options = log_options(folder)
    stop = threading.Event()
    with Log.open(folder.ledger, secrets.log, options) as log:

        def write() -> None:
            while not stop.is_set():
                log.append_many([b"entry %d" % number for number in range(37)])
                log.publish()

        writer = threading.Thread(target=write)
        writer.start()
        try:
            backups = []
            for number in range(5):
                public = log.checkpoint
                write_backup(folder, secrets.master, tmp_path / f"{number}.backup")
                backups.append((tmp_path / f"{number}.backup", public))
        finally:
            stop.set()
            writer.join()
    assert options.guard is not None
    options.guard.unlink()  # as on a machine that does not know that the log went on
    for path, public in backups:
        restored = restore_backup(path, tmp_path / f"{path.stem}-restored", secrets.master, load_config()).folder
        with Log.open(restored.ledger, secrets.log) as copy:
            copy.publish()
            assert public is not None
            assert copy.size >= public.size
        verified = verify_log(FolderSource(restored.ledger), secrets.log.verifier, extends=public.checkpoint)
        assert verified.signed.size >= public.size
