from __future__ import annotations

from pathlib import Path

from candid.wire import Sample
from candid.wire.metrics import Metrics


def test_metrics_count_calls_and_name_nobody(make_app, ask, wire):
    app = make_app(
        samples=lambda: [Sample("candid_engine_passes_total", "counter", "Forward passes.", 7, {"model": 'a"b'})]
    )
    body = {"CollectionId": "staff"}
    for request in (
        wire.signed("DescribeCollection", body),
        wire.signed("DescribeCollection", {}),
        wire.Sent(),
    ):
        ask(request, app)
    page = ask(wire.Sent("GET", "/metrics"), app)
    text = page.body.decode()
    assert page.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    for line in (
        'candid_requests_total{operation="DescribeCollection",result="ok"} 1',
        'candid_requests_total{operation="DescribeCollection",result="InvalidParameterException"} 1',
        'candid_requests_total{operation="unknown",result="UnknownOperationException"} 1',
        'candid_request_seconds_count{operation="DescribeCollection"} 2',
        'candid_engine_passes_total{model="a\\"b"} 7',
        "# TYPE candid_request_seconds histogram",
        "candid_requests_in_flight 0",
        "candid_bodies_held_bytes 0",
    ):
        assert line in text.splitlines()
    assert text.count("# TYPE candid_requests_total ") == 1
    for secret in (wire.KEY, wire.CUSTOMER.account, wire.CUSTOMER.id, wire.CUSTOMER.name, "staff"):
        assert secret not in text


def test_the_histogram_is_cumulative_and_complete():
    metrics = Metrics()
    for seconds in (0.0005, 0.001, 0.3, 99.0):
        metrics.observe(operation="A", result="ok", seconds=seconds, received=10)
    lines = metrics.render().decode().splitlines()
    counts = [int(line.split()[-1]) for line in lines if line.startswith("candid_request_seconds_bucket")]
    assert counts == sorted(counts)
    assert (counts[0], counts[-2], counts[-1]) == (2, 3, 4)
    assert 'candid_request_seconds_bucket{operation="A",le="+Inf"} 4' in lines
    assert 'candid_request_seconds_sum{operation="A"} 99.3015' in lines
    assert 'candid_request_bytes_total{operation="A"} 40' in lines


def test_every_metric_is_documented():
    documented = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text()
    metrics = Metrics()
    metrics.observe(operation="A", result="ok", seconds=1.0, received=1)
    text = metrics.render().decode()
    names = {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE ")}
    assert len(names) == 3
    assert {name for name in names if f"`{name}`" not in documented} == set()
