"""Images from the Dockerfile, built by buildah without a registry: Debian comes from packages, programs from the build.

The stage that compiles is left out, which would take a quarter of an hour: an image with an installed tree stands in for
it, as the Dockerfile provides. All of it is kept in build/images, so that only the first run takes a minute.
"""

import json
import pathlib
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
WORK = ROOT / "build/images"
SUITE = "bookworm"


def run(*command, **options):
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, f"{command}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
    return done.stdout


class Buildah:
    """A store of images of its own."""

    def __call__(self, *arguments, **options):
        return run("buildah", "--root", WORK / "buildah", "--runroot", WORK / "buildah-run", *arguments, **options)

    def build(self, *arguments):
        # chroot: no network of its own and no runtime, which not every test machine permits.
        self("build", "--isolation", "chroot", "--layers", "--pull-never", *arguments)

    def has(self, image):
        return subprocess.run(["buildah", "--root", WORK / "buildah", "--runroot", WORK / "buildah-run", "inspect", "--type",
                               "image", image], capture_output=True, check=False).returncode == 0  # fmt: skip

    def size(self, image):
        """As buildah tells it, in MB."""
        (found,) = [
            entry for entry in json.loads(self("images", "--json")) if f"localhost/{image}" in (entry["names"] or ())
        ]
        number, unit = found["size"].split()
        return float(number) * {"KB": 1e-3, "MB": 1, "GB": 1e3}[unit]


def package_sources():
    """The machine's own, so that mirrors are those that work here."""
    folder = pathlib.Path("/etc/apt")
    files = [folder / "sources.list", *sorted(folder.glob("sources.list.d/*"))]
    return [
        path
        for path in files
        if path.is_file() and SUITE in path.read_text() and "deb.nodesource" not in path.read_text()
    ]


@pytest.fixture(scope="session")
def buildah():
    for program in ("buildah", "mmdebstrap"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    WORK.mkdir(parents=True, exist_ok=True)
    buildah = Buildah()
    yield buildah
    buildah("rm", "--all")


@pytest.fixture(scope="session")
def images(buildah, gust_bin, tmp_path_factory):
    """Builds gust-controller and gust-invoker."""
    context = tmp_path_factory.mktemp("context")
    if not buildah.has("localhost/debian:12"):
        run("mmdebstrap", "--quiet", "--variant=apt", "--include=ca-certificates", "--format=tar",
            "--dpkgopt=path-exclude=/usr/share/man/*", "--dpkgopt=path-exclude=/usr/share/doc/*",
            "--dpkgopt=path-exclude=/usr/share/locale/*", SUITE, context / "debian.tar", *package_sources())  # fmt: skip
        (context / "Dockerfile").write_text("FROM scratch\nADD debian.tar /\n")
        buildah.build("-t", "localhost/debian:12", context)
        (context / "debian.tar").unlink()
    run("cmake", "--install", gust_bin.parent.parent, "--prefix", context / "tree/usr/local", "--strip")
    (context / "Dockerfile").write_text("FROM scratch\nADD tree /\n")
    buildah.build("-t", "localhost/gust-programs", context)
    for target in ("controller", "invoker"):
        buildah.build("--build-arg", "BASE=localhost/debian:12", "--build-arg", "PROGRAMS=localhost/gust-programs",
                      "--target", target, "-t", f"localhost/gust-{target}", ROOT)  # fmt: skip
    return buildah


@pytest.fixture(scope="session")
def roots(images):
    """By the images' names: the folder in which a container of it has its root."""
    return {
        name: images("mount", images("from", f"localhost/gust-{name}").strip()).strip()
        for name in ("controller", "invoker")
    }
