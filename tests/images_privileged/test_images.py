"""Images as their users know them: import, run a flare inside, remove."""

import json
import pathlib
import shutil
import subprocess

import pytest

SECONDS = 60.0


def image(gust, store, *arguments, ok=True):
    done = gust("image", *arguments, env=store, timeout=300)
    assert (done.returncode == 0) == ok, done.stdout + done.stderr
    return done.stdout if ok else done.stderr


@pytest.fixture(scope="module")
def imported(gust, debian, image_store):
    image(gust, image_store, "import", "debian:12", debian)
    return image_store


@pytest.mark.parametrize("driver,runtime", [("sandbox", "runc"), ("oci", "runc"), ("oci", "crun")])
def test_packs_run_inside_and_leave_it_as_it_was(gust, make_cluster, worker, imported, driver, runtime):
    if driver == "oci" and shutil.which(runtime, path="/usr/sbin:/usr/bin:/bin") is None:
        pytest.skip(f"there is no {runtime}")
    store = imported["GUST_IMAGE_DIR"]
    flags = ["--driver", driver, "--oci-runtime", runtime, "--image-dir", store]
    with make_cluster(*flags, invokers=2, slots=4) as cluster:
        cluster.deploy("inside", worker("read_file"), "--image", "debian:12")
        cluster.deploy("outside", worker("read_file"))
        assert cluster.request("GET", "/api/v1/namespaces/_/actions/inside").json()["exec"]["image"] == "debian:12"

        def read(action, path):
            flare = cluster.flare(action, [{"path": path}] * 6, granularity=3)
            ended = cluster.wait_ended(flare, SECONDS)
            assert ended["state"] == "succeeded", ended
            return {entry["result"]["text"] for entry in ended["workers"]}

        # Both at once in one invoker, each with a root of its own.
        assert read("inside", "/etc/gust-image") == {"a Debian with Python, for packs\n"}
        assert read("outside", "/etc/gust-image") == {"none"}
        assert read("inside", "/etc/debian_version").pop().startswith("12")
        if driver == "sandbox":  # its launcher for the image stays
            assert json.loads(image(gust, imported, "list", "--json"))[0]["inUse"]

        # An action without its image fails with the way to get it; the cluster lives on.
        cluster.deploy("lost", worker("read_file"), "--image", "nowhere")
        ended = cluster.wait_ended(cluster.flare("lost", [{"path": "/"}]), SECONDS)
        assert ended["state"] == "failed"
        assert "gust image import nowhere" in ended["cause"]["message"]
        assert read("inside", "/etc/gust-image") == {"a Debian with Python, for packs\n"}
        cluster.wait_idle(SECONDS)


def test_the_process_driver_has_no_images(make_cluster, worker, imported):
    with make_cluster("--driver", "process", "--image-dir", imported["GUST_IMAGE_DIR"], invokers=1) as cluster:
        cluster.deploy("inside", worker("read_file"), "--image", "debian:12")
        ended = cluster.wait_ended(cluster.flare("inside", [{"path": "/"}]), SECONDS)
        assert ended["state"] == "failed"
        assert "--driver sandbox" in ended["cause"]["message"]


def test_other_forms_are_the_same_image(gust, make_cluster, debian, image_store, tmp_path):
    for tool in ("skopeo", "umoci"):
        if shutil.which(tool) is None:
            pytest.skip(f"there is no {tool}")
    layout = tmp_path / "layout"
    root = tmp_path / "root"
    root.mkdir()
    # What packs need and no more: the tools compress all of it several times.
    parts = ["./lib", "./lib64", "./usr/lib*/ld-linux*", "./usr/lib/*/libc.so.6"]
    subprocess.run(["tar", "-xf", debian, "-C", root, "--wildcards", *parts], check=True)
    source = pathlib.Path(__file__).with_name("server.c")
    subprocess.run(["cc", "-O1", "-o", root / "server", source], check=True)
    umoci = ["umoci"]
    subprocess.run([*umoci, "init", "--layout", layout], check=True)
    subprocess.run([*umoci, "new", "--image", f"{layout}:one"], check=True)
    subprocess.run([*umoci, "insert", "--image", f"{layout}:one", root, "/"], check=True)
    variables = ["--config.env", "COLOUR=blue", "--config.workingdir", "/usr"]
    variables += ["--config.entrypoint", "/server", "--config.cmd", "hello from the image"]
    subprocess.run([*umoci, "config", "--image", f"{layout}:one", *variables], check=True)
    saved = tmp_path / "saved.tar"
    policy = ["skopeo", "--insecure-policy", "copy", "--quiet", f"oci:{layout}:one"]
    subprocess.run([*policy, f"docker-archive:{saved}:an/image:1"], check=True)
    image(gust, image_store, "import", "layout", f"oci:{layout}:one")
    image(gust, image_store, "import", "saved", saved)
    found = {entry["name"]: entry for entry in json.loads(image(gust, image_store, "list", "--json"))}
    for name in ("layout", "saved"):
        assert "COLOUR=blue" in found[name]["environment"]
        assert found[name]["workingDirectory"] == "/usr"
        assert found[name]["command"] == ["/server", "hello from the image"]
    for driver in ("sandbox", "oci"):
        serves_by_its_own_command(make_cluster, image_store["GUST_IMAGE_DIR"], driver)
    for name in ("layout", "saved"):
        image(gust, image_store, "rm", name)


def serves_by_its_own_command(make_cluster, store, driver):
    """The image is all of an action; each worker of a pack is a server of its own."""
    with make_cluster("--driver", driver, "--image-dir", store, invokers=1, slots=4) as cluster:
        deployed = cluster.gust("deploy", "served", "--image", "layout")
        assert deployed.returncode == 0, deployed.stderr
        ended = cluster.wait_ended(cluster.flare("served", [{"i": i} for i in range(4)], granularity=4), SECONDS)
        assert ended["state"] == "succeeded", ended
        assert [worker["result"]["greeting"] for worker in ended["workers"]] == ["hello from the image"] * 4
        single = cluster.request("POST", "/api/v1/namespaces/_/actions/served?blocking=true", {"n": 1}).json()
        assert single["response"]["result"]["asked"] > 100 and single["logs"][0].endswith("stdout: run")
        cluster.wait_idle(SECONDS)


def test_says_what_is_wrong(gust, image_store, tmp_path):
    assert "there is no file" in image(gust, image_store, "import", "x", tmp_path / "none.tar", ok=False)
    assert "there is no image 'x'" in image(gust, image_store, "rm", "x", ok=False)
    wrong = image(gust, image_store, "import", "x", "oci:/nowhere", ok=False)
    assert "cannot read 'oci:/nowhere'" in wrong
    # No registry is there; the tool is missing from this PATH.
    done = gust("image", "import", "x", "docker://127.0.0.1:1/x", env={**image_store, "PATH": str(tmp_path)})
    assert done.returncode == 5 and "apt install skopeo umoci" in done.stderr
    unreachable = image(gust, image_store, "import", "x", "docker://127.0.0.1:1/x", ok=False)
    assert "can the registry be reached" in unreachable


def test_a_name_is_removed_with_its_files(gust, imported):
    assert "removed debian:12" in image(gust, imported, "rm", "debian:12")
    assert json.loads(image(gust, imported, "list", "--json")) == []
