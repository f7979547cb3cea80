"""Opens everything of one data folder and hands the rooms to each other; nothing is decided here."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from candid.config import Config, ConfigError
from candid.gallery import Gallery, open_gallery
from candid.gallery.durable import write_whole
from candid.governance import Customers, Status, open_acts, open_customers
from candid.operations.images import BucketFolders, ImageSource, ObjectStore
from candid.operations.registry import offered
from candid.operations.rooms import Rooms
from candid.operations.versions import FaceModels
from candid.recording import Recorder, vrf_key
from candid.server.acts import ActsThread
from candid.server.data_folder import DataFolder
from candid.server.engine import open_engine
from candid.server.erasing import Eraser
from candid.server.housekeeping import Housekeeping
from candid.server.quotas import QuotaGate
from candid.server.recording import SOFTWARE, CallRecord, engine_counters, loaded_models, open_folder_recorder
from candid.server.retention import Retention
from candid.server.secrets import Secrets
from candid.vision import Engine, ImageLimits, PixelRoom, VisionError
from candid.vision.calibration import Calibration, CalibrationError
from candid.wire import App, Sample
from candid.wire.binding import bind
from candid.wire.errors import to_refusal
from candid.wire.underway import Underway

# Less room than this for databases and log, and the server reports that it is not ready for more.
LEAST_FREE_BYTES = 64 << 20
# How long an erasure waits for the customer's calls under way before it is put off and tried again.
ENDING_SECONDS = 10.0
DEV_CUSTOMER = "dev"
# A customer has a country; that of whoever tries Candid out is not known, and no company is registered in Antarctica.
DEV_COUNTRY = "AQ"


@dataclass(frozen=True, slots=True)
class ReadyFacts:
    """What the ready file says; the keys are None where there is no development customer."""

    url: str
    region: str
    account: str
    access_key_id: str | None
    secret_access_key: str | None
    log_public_key: str
    data_dir: str


@dataclass(frozen=True, slots=True)
class Application:
    """Everything of one data folder, open."""

    folder: DataFolder
    secrets: Secrets
    customers: Customers
    gallery: Gallery
    engine: Engine
    models: FaceModels
    recorder: Recorder
    acts: ActsThread
    asgi: App

    def ready_facts(self, url: str, *, dev: bool) -> ReadyFacts:
        """What a client needs; with `dev`, of a customer `dev`, opened first where there is none."""
        key = _development_key(self.customers, self.folder.identity.account) if dev else None
        self.acts.enter_now()
        if key is not None:
            self._write_credentials(url, *key)
        return ReadyFacts(
            url=url,
            region=self.folder.identity.region,
            account=self.folder.identity.account,
            access_key_id=key[0] if key else None,
            secret_access_key=key[1] if key else None,
            log_public_key=str(self.secrets.log.verifier),
            data_dir=str(self.folder.path.resolve()),
        )

    def _write_credentials(self, url: str, key_id: str, secret: str) -> None:
        lines = (
            "[candid]",
            f"aws_access_key_id = {key_id}",
            f"aws_secret_access_key = {secret}",
            f"region = {self.folder.identity.region}",
            f"endpoint_url = {url}",
        )
        write_whole(self.folder.credentials, ["\n".join(lines).encode(), b"\n"])


@contextmanager
def open_application(
    folder: DataFolder, secrets: Secrets, config: Config, *, recording: bool = True
) -> Iterator[Application]:
    """Open a data folder for serving while the block runs.

    Args:
        folder: the data folder.
        secrets: its keys.
        config: settings.
        recording: whether calls are recorded. Only a benchmark says no, to measure what recording costs.

    Raises:
        GalleryError, GovernanceError: the folder's databases cannot be used.
        VisionError: the models cannot be used.
        ConfigError: the S3 endpoint is none, or the witness policy cannot be read.
        LedgerError, RecordingError: the log cannot be written.
    """
    with ExitStack() as stack:
        engine = open_engine(config)
        stack.callback(engine.close)
        gallery = open_gallery(folder.gallery, key=secrets.master)
        stack.callback(gallery.close)
        customers = open_customers(folder.governance, key=secrets.master)
        stack.callback(customers.close)
        models = face_models(engine)
        rooms = Rooms(
            engine=engine,
            gallery=gallery,
            images=ImageSource(_object_store(folder, config)),
            models=models,
            limits=ImageLimits(max_pixels=config.max_image_pixels),
            pixels=PixelRoom(config.pixels_at_once),
            keep_crops=config.keep_crops,
        )
        recorder = stack.enter_context(_recording(folder, secrets, config, engine))
        underway = Underway()
        acts = _acts(folder, secrets, config, recorder, customers, gallery, underway, stack)
        operations = offered()
        app = App(
            handlers=bind(operations, rooms=rooms, region=folder.identity.region),
            meters={name: str(operation.bills) for name, operation in operations.items()},
            record=CallRecord(recorder, customers) if recording else None,
            admit=QuotaGate(folder.path / "billing" / "quotas.json", recorder, secrets.log.verifier).admit,
            underway=underway,
            log=folder.ledger,
            to_refusal=to_refusal,
            credentials=customers,
            region=folder.identity.region,
            workers=config.workers,
            queue=config.queue,
            checks={
                "gallery": lambda: gallery.status().trouble,
                "storage": lambda: _storage_trouble(folder),
                "models": lambda: _models_trouble(engine),
                "log": lambda: recorder.trouble,
                "acts": lambda: None if acts.trouble is None else "acts wait for their entries; see the server's log",
            },
            samples=lambda: _samples(engine, gallery, recorder),
        )
        stack.callback(app.finish)  # before acts, log and gallery end
        yield Application(folder, secrets, customers, gallery, engine, models, recorder, acts, app)


@contextmanager
def _recording(folder: DataFolder, secrets: Secrets, config: Config, engine: Engine) -> Iterator[Recorder]:
    """The log, from the entry of the server's start to that of its end."""
    recorder = open_folder_recorder(folder, secrets, config)
    try:
        recorder.start(models=loaded_models(engine), software=SOFTWARE, engine=lambda: engine_counters(engine))
        yield recorder
        recorder.stop()
    finally:
        recorder.close()


def _acts(
    folder: DataFolder,
    secrets: Secrets,
    config: Config,
    recorder: Recorder,
    customers: Customers,
    gallery: Gallery,
    underway: Underway,
    stack: ExitStack,
) -> ActsThread:
    acts = open_acts(folder.governance)
    stack.callback(acts.close)
    eraser = Eraser(
        folder,
        gallery,
        customers,
        acts,
        vrf_key(secrets.log),
        ended=lambda account: underway.wait(account, seconds=ENDING_SECONDS),
    )
    housekeeping = Housekeeping(recorder, customers, gallery)
    retention = Retention(customers, acts, days=config.retention_days)

    def now_and_then() -> None:
        housekeeping()
        retention()

    thread = ActsThread(acts, recorder, eraser, also=now_and_then)
    thread.start()
    stack.callback(thread.close)
    return thread


def face_models(engine: Engine) -> FaceModels:
    """The engine's embedders with their calibrations.

    Raises:
        CalibrationError: the default embedder has none; the message says how to make one.
    """
    calibrations: dict[str, Calibration] = {}
    for contract in engine.contracts:
        try:
            calibrations[contract.id] = engine.calibration(contract.id)
        except CalibrationError:
            # Another can be measured and calibrated, but searches in its collections are refused.
            if contract == engine.default_contract:
                raise
    return FaceModels(engine.contracts, default=engine.default_contract, calibrations=calibrations)


def _storage_trouble(folder: DataFolder) -> str | None:
    free = shutil.disk_usage(folder.path).free
    return None if free >= LEAST_FREE_BYTES else f"{free} bytes are free on the disk of the data folder"


def _models_trouble(engine: Engine) -> str | None:
    try:
        engine.warm_up()
    except VisionError:
        return "a model cannot be used; run `candid models verify`"
    return None


def _object_store(folder: DataFolder, config: Config) -> ObjectStore:
    if not config.s3_endpoint_url:
        return BucketFolders(folder.buckets)
    from candid.operations.s3 import S3Endpoint

    try:
        return S3Endpoint(
            endpoint_url=config.s3_endpoint_url,
            region=config.s3_region,
            access_key_id=config.s3_access_key_id,
            secret_access_key=config.s3_secret_access_key,
        )
    except ValueError as error:
        raise ConfigError("s3.endpoint_url must be a URL such as https://s3.example.org") from error


def _samples(engine: Engine, gallery: Gallery, recorder: Recorder) -> Iterable[Sample]:
    status = gallery.status()
    yield Sample("candid_gallery_collections", "gauge", "Collections of all customers.", status.collections)
    yield Sample("candid_gallery_faces", "gauge", "Faces of all collections.", status.faces)
    yield Sample("candid_gallery_users", "gauge", "Users of all collections.", status.users)
    yield Sample("candid_gallery_index_bytes", "gauge", "Memory of the index.", status.index_bytes)
    log = recorder.log.status()
    yield Sample("candid_log_entries", "gauge", "Durable entries of the log.", log.size)
    yield Sample("candid_log_published_entries", "gauge", "Entries that a public checkpoint covers.", log.published)
    for name, count in engine.counters().items():
        labels = {"model": name}
        yield Sample("candid_engine_passes_total", "counter", "Forward passes.", count.passes, labels)
        yield Sample("candid_engine_rows_total", "counter", "Rows in them.", count.rows, labels)


def _development_key(customers: Customers, account: str) -> tuple[str, str]:
    """The first active key of the customer `dev`; both are made where they are missing."""
    customer = next((each for each in customers.all() if each.account == account), None)
    if customer is None:
        customer = customers.open_customer(name=DEV_CUSTOMER, country=DEV_COUNTRY, account=account)
    if customer.status is Status.UNSCREENED:
        for key in customers.keys(customer.id):
            access = customers.lookup(key.id) if key.active else None
            if access is not None:
                return key.id, access.secret
    issued = customers.issue(customer.id)
    return issued.key.id, issued.secret
