"""Wrong requests: the status, a sentence that helps, and nothing left reserved or running."""

import pytest

BASE = "/api/v1/namespaces/_"
TASK = f"{BASE}/actions/task"
DEEP = "100,000 brackets"


pytestmark = pytest.mark.usefixtures("nothing_left")


def refused(answer, status, fragment):
    """Every error has a sentence and a transaction id, or OpenWhisk's command line prints "connection failed"."""
    assert answer.status == status, answer.body
    body = answer.json()
    assert fragment in body["error"]
    assert len(body["code"]) == 32


@pytest.mark.parametrize(
    ("target", "body", "status", "fragment"),
    [
        (f"{BASE}/actions/nobody?burst=true", {"value": [1]}, 404, "there is no action nobody in namespace guest"),
        (f"{BASE}/actions/nobody", {}, 404, "there is no action nobody"),
        (f"{TASK}?burst=true", '{"value": [1', 400, "the body is not JSON: wrong at byte 13"),
        (f"{TASK}?burst=true", b"\xff\xfe", 400, "the body is not JSON"),
        (f"{TASK}?burst=true", DEEP, 400, "the body nests deeper than 128 levels"),
        (f"{TASK}?burst=true", {"value": []}, 400, '"value" is empty'),
        (f"{TASK}?burst=true", {}, 400, '"value" is missing'),
        (f"{TASK}?burst=true", {"value": 3}, 400, '"value" is not an array'),
        (f"{TASK}?burst=true", None, 400, "the body is not JSON"),
        (f"{TASK}?burst=true&granularity=0", {"value": [1]}, 400, "granularity=0 is not a whole number of 1"),
        (f"{TASK}?burst=true&granularity=-1", {"value": [1]}, 400, "granularity=-1 is not a whole number of 1"),
        (f"{TASK}?burst=true&granularity=two", {"value": [1]}, 400, "granularity=two is not a whole number"),
        (f"{TASK}?burst=true&granularity=99999999999", {"value": [1]}, 400, "is not a whole number"),
        (
            f"{TASK}?burst=true&granularity=9",
            {"value": [1] * 9},
            400,
            "larger than any invoker: the largest has 8 slots",
        ),
        (f"{TASK}?burst=true&join=true", {"value": [1]}, 400, "add granularity=<workers a pack>"),
        (f"{TASK}?granularity=2", {}, 400, "add burst=true"),
        (f"{TASK}?burst=perhaps", {"value": [1]}, 400, "burst=perhaps is neither true nor false"),
        (
            f"{TASK}?burst=true",
            {"value": [1] * 17},
            400,
            "invokers have 16: 1 short; use fewer workers or add invokers",
        ),
        (f"{TASK}?burst=true&granularity=3", {"value": [1] * 15}, 400, "lower the granularity or add invokers"),
        (f"{BASE}/actions/huge?burst=true", {"value": [1]}, 400, "pack memory 5 GB is larger than any invoker"),
        (f"{BASE}/actions/huge", {}, 400, "lower limits.memory or add larger invokers"),
        (TASK, "[1]", 400, "the body is not a JSON object"),
        (TASK, "{", 400, "the body is not JSON"),
    ],
)
def test_start(cluster, target, body, status, fragment):
    refused(cluster.request("POST", target, "[" * 100_000 if body == DEEP else body), status, fragment)


@pytest.mark.parametrize(
    ("method", "target", "status", "fragment"),
    [
        ("GET", f"{BASE}/flares/{'0' * 32}", 404, "there is no flare 0000"),
        ("GET", f"{BASE}/flares/zz", 400, "is not a flare id: it must be 32 lower-case hex digits"),
        ("DELETE", f"{BASE}/flares/{'0' * 32}", 404, "there is no flare"),
        ("GET", f"{BASE}/activations/{'0' * 32}", 404, "does not exist, or has not ended yet"),
        ("GET", f"{BASE}/activations/zz", 400, "is not an activation id"),
        ("GET", f"{BASE}/activations?limit=201", 400, "limit=201 is not a whole number of 0 to 200"),
        ("GET", "/api/v1/namespaces/other/actions", 403, "not authorized to access 'other'"),
        ("GET", "/nowhere", 404, "there is nothing at '/nowhere'"),
        ("PATCH", TASK, 405, "does not take PATCH; it takes DELETE, GET, POST, PUT"),
        ("PUT", TASK, 409, "resource already exists"),
    ],
)
def test_other_requests(cluster, method, target, status, fragment):
    refused(cluster.request(method, target), status, fragment)


def test_body_over_the_limit(cluster):
    """Refused by its length alone, before the body is sent."""
    connection = cluster.connect()
    connection.putrequest("POST", f"{TASK}?burst=true")
    connection.putheader("Authorization", cluster.authorization())
    connection.putheader("Content-Length", str((96 << 20) + 1))
    connection.endheaders()
    answer = connection.getresponse()
    assert answer.status == 413
    assert b"over the limit of 96 MB" in answer.read()
    connection.close()


def test_chunked_body_over_the_limit(cluster):
    """Without a length it is refused when it has passed the limit."""
    connection = cluster.connect()
    piece = b"x" * (1 << 20)
    try:
        connection.request("POST", f"{TASK}?burst=true", (piece for _ in range(100)),
                           {"Authorization": cluster.authorization()}, encode_chunked=True)  # fmt: skip
    except (BrokenPipeError, ConnectionResetError):
        pass  # the server need not read on
    else:
        assert connection.getresponse().status == 413
    connection.close()


@pytest.mark.parametrize("key", [None, "guest:wrong", "nobody:0123", "gust:"])
@pytest.mark.parametrize("target", [f"{TASK}?burst=true", TASK])
def test_keys(cluster, key, target):
    header = cluster.authorization(key) if key else None
    answer = cluster.request("POST", target, {"value": [1]}, {"Authorization": header})
    refused(answer, 401, "authentication")
    assert answer.headers["WWW-Authenticate"].startswith("Basic")


@pytest.mark.parametrize("header", ["Bearer x", "Basic", "Basic !!!", "Basic " + "QUFB" * 1000])
def test_odd_authorization(cluster, header):
    refused(cluster.request("GET", "/api/v1/namespaces", headers={"Authorization": header}), 401, "authentication")


def test_noise_on_the_port(cluster):
    """What is no HTTP ends that connection, and nothing else."""
    connection = cluster.connect(tls=False)
    connection.connect()
    connection.sock.sendall(b"\x00\x01 HELLO\r\n\r\n")
    connection.sock.settimeout(15)
    said = connection.sock.recv(1000)
    assert said == b"" or b" 400 " in said
    connection.close()
    assert cluster.request("GET", "/ping").status == 200
