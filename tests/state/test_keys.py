"""Keys and namespaces: who has which sees what is its own, and nothing of another's, whatever ids it guesses."""

import contextlib

import pytest

BASE = "/api/v1/namespaces/_"


@pytest.fixture(scope="module")
def cluster(make_cluster, worker):
    with make_cluster(invokers=1, slots=4) as cluster:
        cluster.deploy("task", worker("task"))
        yield cluster


def new_key(cluster, namespace):
    done = cluster.gust("key", "add", namespace)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def with_key(cluster, key):
    """The command line of somebody else, who has been told the endpoint, the certificate and a key."""
    told = {"GUST_ENDPOINT": cluster.endpoint, "GUST_CA_FILE": cluster.ca_file, "GUST_API_KEY": key}
    environment = {**cluster.environment, **told}

    def gust(*arguments):
        process = cluster.start(*arguments, env=environment)
        out, err = process.communicate(timeout=60)
        return process.returncode, out, err

    return gust


def test_a_namespace_of_ones_own(cluster, worker):
    alice = with_key(cluster, new_key(cluster, "alice"))
    assert alice("status")[0] == 0
    assert alice("deploy", "mine", worker("task"))[0] == 0
    code, out, err = alice("flare", "mine", "--workers", "2", "--wait")
    assert code == 0, err
    assert cluster.gust("flare", "mine", "--workers", 1).returncode == 5  # not the operator's
    assert "mine" in alice("activation", "list")[1]
    assert "mine" not in cluster.gust("activation", "list").stdout


def test_nothing_of_anothers(cluster):
    """All that one namespace has, asked for with another's key: not there, by its name as by its id."""
    flare = cluster.flare("task", [{"secret": 1}] * 2, granularity=1)
    ended = cluster.wait_ended(flare)
    activations = cluster.request("GET", f"{BASE}/activations").json()
    for kind, body in (("packages/p", {}), ("triggers/t", {}), ("rules/r", {"trigger": "/_/t", "action": "/_/task"})):
        assert cluster.request("PUT", f"{BASE}/{kind}", body).status == 200
    running = cluster.flare("task", [{"do": "sleep", "seconds": 5}])
    mallory = {"Authorization": cluster.authorization(new_key(cluster, "mallory"))}

    def ask(method, target, body=None):
        return cluster.request(method, target, body, headers=mallory)

    hidden = [f"flares/{flare}", f"flares/{running}", "actions/task", "packages/p", "triggers/t", "rules/r"]
    for entry in activations:
        hidden += [f"activations/{entry['activationId']}{part}" for part in ("", "/logs", "/result")]
    for target in hidden:
        answer = ask("GET", f"{BASE}/{target}")
        assert answer.status == 404, (target, answer.body)
        assert b"secret" not in answer.body
        assert ask("GET", f"/api/v1/namespaces/guest/{target}").status == 403
    for target in ("actions/task", "packages/p", "triggers/t", "rules/r", f"flares/{running}"):
        assert ask("DELETE", f"{BASE}/{target}").status == 404
    assert ask("POST", f"{BASE}/actions/task", {}).status == 404
    assert ask("POST", f"{BASE}/triggers/t", {}).status == 404
    for collection in ("actions", "packages", "triggers", "rules", "activations", "flares"):
        assert ask("GET", f"{BASE}/{collection}").json() == []
    binding = {"binding": {"namespace": "guest", "name": "p"}}
    assert ask("PUT", f"{BASE}/packages/theirs", binding).status == 403
    cluster.wait_running(running)
    assert cluster.look(flare) == ended
    cluster.request("DELETE", f"{BASE}/flares/{running}")


@pytest.mark.parametrize("key", ["us \"er:a\\b'", "ü:ö", "no colon"])
def test_an_operators_key_is_what_he_likes(make_cluster, key):
    with make_cluster(invokers=1, slots=1, environment={"GUST_API_KEY": key}) as cluster:
        code, _, err = with_key(cluster, cluster.key)("status")
        assert code == 0, err
        assert cluster.key == key


def test_a_revoked_key_is_refused_on_open_connections_too(cluster):
    key = new_key(cluster, "bob")
    headers = {"Authorization": cluster.authorization(key)}
    with contextlib.closing(cluster.connect()) as connection:

        def status():
            connection.request("GET", "/api/v1/namespaces", headers=headers)
            response = connection.getresponse()
            response.read()
            return response.status

        assert status() == 200
        assert cluster.gust("key", "revoke", key.split(":")[0]).returncode == 0
        assert status() == 401


def test_only_the_operator(cluster):
    key = new_key(cluster, "carol")
    carol = with_key(cluster, key)
    for arguments in (("add", "carol"), ("list",), ("revoke", key.split(":")[0])):
        code, out, err = carol("key", *arguments)
        assert (code, out) == (4, ""), err
        assert "operator" in err
    listed = cluster.gust("key", "list").stdout
    assert key.split(":")[0] in listed
    assert key.split(":")[1] not in listed
    unknown = cluster.gust("key", "revoke", "0" * 32)
    assert unknown.returncode == 5
    assert "gust key list" in unknown.stderr
    wrong = cluster.gust("key", "add", "a/b")
    assert wrong.returncode == 2
    assert "namespace" in wrong.stderr
