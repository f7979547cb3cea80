"""Small files that hold many pixels do not exhaust the memory of a server."""

from __future__ import annotations

import os
import sys
import threading
import time
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image as PillowImage
from tests.conftest import RunningServer, start_server

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
MEGAPIXELS = 36


def resident_mib(running: RunningServer) -> float:
    pages = int(Path(f"/proc/{running.process.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def test_large_images_at_once_wait_for_room(tmp_path: Path) -> None:
    file = BytesIO()
    PillowImage.new("RGB", (6000, 6000), (120, 90, 60)).save(file, "JPEG", quality=30)
    room = {"CANDID_PIXELS_AT_ONCE": str(MEGAPIXELS * 1_000_000)}
    running = start_server(tmp_path / "data", environment=room)
    try:
        running.client().detect_faces(Image={"Bytes": file.getvalue()})
        alone, peak, done = resident_mib(running), [0.0], threading.Event()

        def watch() -> None:
            while not done.is_set():
                peak[0] = max(peak[0], resident_mib(running))
                time.sleep(0.005)

        def call() -> None:
            assert running.client().detect_faces(Image={"Bytes": file.getvalue()})["FaceDetails"] == []

        watcher = threading.Thread(target=watch)
        threads = [threading.Thread(target=call) for _ in range(6)]
        for thread in (watcher, *threads):
            thread.start()
        for thread in threads:
            thread.join()
        done.set()
        watcher.join()
        # One such image takes about 300 MB while it is decoded; six at once would take 1.8 GB.
        assert peak[0] < alone + 600
        assert resident_mib(running) < alone + 150
    finally:
        assert running.stop() == 0
