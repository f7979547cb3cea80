"""Room for pixels: taken, waited for in order, given back when the image is freed."""

from __future__ import annotations

import threading
import time
from io import BytesIO

import pytest
from PIL import Image as PillowImage

from candid.vision import ImageLimits, InvalidImage, NoPixelRoom, PixelRoom, decode_image

LIMITS = ImageLimits()


def png(side: int) -> bytes:
    file = BytesIO()
    PillowImage.new("RGB", (side, side), (10, 200, 30)).save(file, "PNG")
    return file.getvalue()


def free(room: PixelRoom) -> int:
    return room._free


def test_room_lasts_as_long_as_the_image() -> None:
    room = PixelRoom(50_000)
    image = decode_image(png(100), limits=LIMITS, room=room)
    assert free(room) == 40_000
    copy = image.pixels.copy()
    del image
    assert free(room) == 50_000
    assert copy.shape == (100, 100, 3)


def test_an_image_that_cannot_be_decoded_gives_its_room_back() -> None:
    room = PixelRoom(50_000)
    broken = bytearray(png(100))
    broken[60] ^= 0xFF
    with pytest.raises(InvalidImage):
        decode_image(bytes(broken), limits=LIMITS, room=room)
    assert free(room) == 50_000


def test_an_image_larger_than_all_room_waits_for_all_of_it() -> None:
    room = PixelRoom(5_000)
    image = decode_image(png(100), limits=LIMITS, room=room)
    assert free(room) == 0
    del image
    assert free(room) == 5_000


def test_who_waits_too_long_is_refused() -> None:
    room = PixelRoom(10_000, patience=0.05)
    held = decode_image(png(100), limits=LIMITS, room=room)
    with pytest.raises(NoPixelRoom, match="try again"):
        decode_image(png(100), limits=LIMITS, room=room)
    del held
    assert decode_image(png(100), limits=LIMITS, room=room).width == 100
    assert free(room) == 10_000


def test_a_large_image_is_not_passed_over() -> None:
    room = PixelRoom(100)
    room.take(60)
    order: list[str] = []

    def take(name: str, pixels: int) -> None:
        room.take(pixels)
        order.append(name)
        room.give(pixels)

    large = threading.Thread(target=take, args=("large", 100))
    large.start()
    while not room._waiting:
        time.sleep(0.001)
    small = threading.Thread(target=take, args=("small", 10))
    small.start()
    while len(room._waiting) < 2:
        time.sleep(0.001)
    room.give(60)
    large.join()
    small.join()
    assert order == ["large", "small"]
    assert free(room) == 100


def test_many_threads_never_hold_more_than_there_is() -> None:
    room, held, most, lock = PixelRoom(1000), [0], [0], threading.Lock()

    def work(pixels: int) -> None:
        for _ in range(50):
            room.take(pixels)
            with lock:
                held[0] += pixels
                most[0] = max(most[0], held[0])
            with lock:
                held[0] -= pixels
            room.give(pixels)

    threads = [threading.Thread(target=work, args=(n,)) for n in (100, 300, 500, 700, 1000, 50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most[0] <= 1000
    assert free(room) == 1000
