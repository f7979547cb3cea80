import pytest
from hypothesis import given
from hypothesis import strategies as st

from candid.ledger import UrlSource, public_file, verify_log
from candid.ledger.layout import Layout
from candid.ledger.tiles import Tile

FOREVER = "public, max-age=31536000, immutable"


def test_the_checkpoint_is_never_kept_and_tiles_are_for_ever(tmp_path):
    checkpoint = public_file(tmp_path, "checkpoint")
    assert (checkpoint.path, checkpoint.cache_control) == (tmp_path / "checkpoint", "no-cache")
    assert checkpoint.content_type == "text/plain; charset=utf-8"
    for path in ("tile/0/000", "tile/1/000.p/7", "tile/entries/x001/234", "tile/63/000.p/1"):
        found = public_file(tmp_path, path)
        assert found.path == tmp_path / path
        assert (found.content_type, found.cache_control) == ("application/octet-stream", FOREVER)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/checkpoint",
        "checkpoint/",
        "Checkpoint",
        ".state/journal",
        ".state/signed",
        "tile",
        "tile/",
        "tile/0",
        "tile/0/../../.state/journal",
        "tile/0/../0/000",
        "tile/0/000/",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/0",
        "tile/00/000",
        "tile/64/000",
        "tile/0/.000.tmp",
        "tile/entries/000.p/../000",
        "tile/0/x000/001",
        "tile/0/٠٠٠",
        "tile/0/000\n",
        "tile/0/000%2e",
        "tile\\0\\000",
    ],
)
def test_nothing_else_is_reachable(tmp_path, path):
    assert public_file(tmp_path, path) is None


@given(st.text(max_size=30), st.sampled_from(["", "tile/", "tile/0/", "tile/entries/", "tile/0/000.p/"]))
def test_no_text_leads_out_of_the_folder(tmp_path_factory, text, before):
    folder = tmp_path_factory.getbasetemp()
    found = public_file(folder, before + text)
    if found is not None:
        assert found.path == folder / (before + text)
        assert before + text == "checkpoint" or Tile.parse(before + text).path == before + text


def test_every_file_of_a_log_but_the_private_ones_is_served(workshop):
    log = workshop.create(600)
    log.append(b"one more")
    log.publish()
    layout = Layout(workshop.folder)
    files = [path for path in workshop.folder.rglob("*") if path.is_file()]
    private = [path for path in files if public_file(workshop.folder, str(path.relative_to(log.folder))) is None]
    assert len(files) > 8
    assert {path.parent for path in private} == {layout.state}


def test_a_log_is_verified_over_http_by_the_paths_that_are_served(workshop, servers):
    workshop.create(600).close()
    with servers.running(servers.Log(workshop.folder)) as server:
        done = verify_log(UrlSource(server.url), workshop.signer.verifier)
    assert done.signed.size == 600
    assert server.asked[0] == "/log/checkpoint"
    assert "/log/tile/entries/002.p/88" in server.asked
