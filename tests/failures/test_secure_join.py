"""Invokers that join over TLS: tokens, certificates that are kept and renewed, and everybody who is to be refused."""

import re
import signal
import subprocess
import time

import pytest

from apart import Apart
from cluster import wait_for

TOKEN = "0123456789abcdef of the configuration"


class Secure(Apart):
    """Its invokers come over the network, with whatever token they are given."""

    def __init__(self, gust_bin, runtime):
        super().__init__(gust_bin, runtime)
        self.invoker_listen = "127.0.0.1:0"

    def new_token(self, *flags):
        done = self.gust("token", "create", *flags)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def join(self, name, token=None, **options):
        self.start_invoker(name, "--controller-grace", "20s", env=self.with_token(token), **options)
        self.wait_joined(name)

    def with_token(self, token):
        return {**self.environment, **({"GUST_JOIN_TOKEN": token} if token else {})}

    def end(self, name):
        self.invokers[name].send_signal(signal.SIGTERM)
        assert self.invokers[name].wait(10) == 0
        wait_for(lambda: name not in self.invoker_pids(), 10, f"{name} leaves")

    def refusal(self, token=None, name="refused", state=None):
        """Exit code and words of an invoker that is refused; at once, not after its grace period."""
        done = subprocess.run(
            [self.gust_bin, "invoker", "--controller", self.invokers_at, "--slots", "1", "--name", name,
             "--controller-grace", "60s", "--state-dir", state or self.state_dir / "refused"],
            env=self.with_token(token), capture_output=True, text=True, check=False, timeout=30)  # fmt: skip
        return done.returncode, done.stderr

    def invoker(self, name):
        return next(entry for entry in self.status()["invokers"] if entry["name"] == name)


@pytest.fixture
def secure(gust_bin, tmp_path):
    parts = Secure(gust_bin, tmp_path)
    try:
        yield parts
    finally:
        parts.kill_all()


@pytest.fixture
def controller(secure):
    """With a state that survives it, and a token of its configuration."""
    secure.start_again = lambda: secure.start_controller("--state", secure.runtime / "state", "--join-token", TOKEN)
    secure.start_again()
    return secure


def test_a_made_token_is_needed_once(controller, worker):
    token = controller.new_token("--ttl", "1h")
    assert re.fullmatch("[0-9a-f]{32}[.][0-9a-f]{64}", token)
    controller.join("node-1", token)
    identity = controller.state_dir / "node-1" / "identity.pem"
    assert identity.stat().st_mode & 0o777 == 0o600
    assert (controller.runtime / "state" / "join-ca.pem").stat().st_mode & 0o777 == 0o600
    controller.deploy("task", worker("task"))
    done = controller.gust("flare", "task", "--workers", 4, "--wait")
    assert done.returncode == 0, done.stderr
    assert controller.invoker("node-1")["certificate_ends"] > controller.invoker("node-1")["joined"] + 6 * 86400
    assert "certificate until" in controller.gust("status").stdout
    listed = controller.gust("token", "list").stdout
    assert token[:32] in listed and token[33:] not in listed
    assert controller.gust("token", "revoke", token[:32]).returncode == 0
    controller.end("node-1")
    controller.join("node-1")
    code, said = controller.refusal(token)
    assert code == 4 and "revoked" in said and token[33:] not in said


def test_the_controllers_end_is_nobodys(controller):
    """Authority and tokens lie in the state: invokers come back by themselves, new ones join."""
    token = controller.new_token()
    controller.join("node-1", token)
    controller.controller.kill()
    controller.controller.communicate()
    controller.start_again()
    controller.wait_joined("node-1")
    controller.start_invoker("node-2", env=controller.with_token(token))
    controller.wait_joined("node-1", "node-2")


def test_without_its_name_it_has_the_one_that_it_joined_with(controller):
    controller.join("node-1", TOKEN)
    controller.end("node-1")
    process = controller.start("invoker", "--controller", controller.invokers_at, "--slots", 1, "--state-dir",
                               controller.state_dir / "node-1")  # fmt: skip
    controller.invokers["node-1"] = process
    controller.wait_joined("node-1")


def test_certificates_are_renewed_while_flares_run(secure, worker):
    secure.start_controller("--join-token", TOKEN, "--certificate-life", "4s")
    secure.join("node-1", TOKEN)
    secure.deploy("task", worker("task"))
    first = secure.invoker("node-1")
    flare = secure.flare("task", [{"do": "sleep", "seconds": 9}] * 2)
    wait_for(lambda: secure.invoker("node-1")["certificate_ends"] > first["certificate_ends"] + 4, 30, "two renewals")
    secure.wait_ended(flare)
    assert secure.look(flare)["state"] == "succeeded"
    assert secure.invoker("node-1")["joined"] == first["joined"]
    secure.end("node-1")
    secure.join("node-1")


def test_one_that_has_ended_needs_a_token(secure):
    secure.start_controller("--join-token", TOKEN, "--certificate-life", "2s")
    secure.join("node-1", TOKEN)
    ends = secure.invoker("node-1")["certificate_ends"]
    secure.end("node-1")
    wait_for(lambda: time.time() > ends + 3, 10, "the certificate's end")
    code, said = secure.refusal(name="node-1", state=secure.state_dir / "node-1")
    assert code == 4 and "gust token create" in said
    secure.join("node-1", TOKEN)


@pytest.mark.parametrize(
    ("token", "fragment"),
    [("guessed", "does not know this invoker's join token"), ("0" * 32 + "." + "0" * 64, "no join token 000"),
     (None, "--join-token")],
)  # fmt: skip
def test_wrong_tokens_are_refused(controller, token, fragment):
    code, said = controller.refusal(token)
    assert code == 4, said
    assert fragment in said
    assert not (controller.state_dir / "refused" / "identity.pem").exists()


def test_expired_tokens_are_refused(controller):
    token = controller.new_token("--ttl", "1ms")
    wait_for(lambda: "expired" in controller.gust("token", "list").stdout, 10, "it expires")
    code, said = controller.refusal(token)
    assert code == 4 and "expired" in said


def test_names(controller):
    """One that is taken, and one that is not the certificate's."""
    controller.join("node-1", TOKEN)
    code, said = controller.refusal(TOKEN, name="node-1")
    assert code == 2 and "node-1" in said
    controller.end("node-1")
    code, said = controller.refusal(name="node-2", state=controller.state_dir / "node-1")
    assert code == 2 and "--name node-1" in said


def test_a_controller_without_tls(secure):
    secure.start_controller()
    code, said = secure.refusal(TOKEN)
    assert code == 2 and "start it with --join-token" in said
    done = secure.gust("token", "create")
    assert done.returncode == 2 and "--join-token" in done.stderr
    secure.join("node-1")  # as ever
    assert "certificate_ends" not in secure.invoker("node-1")


def test_another_controller_in_its_place(secure):
    secure.start_controller("--join-token", TOKEN)
    secure.join("node-1", TOKEN)
    secure.end("node-1")
    secure.controller.kill()
    secure.controller.communicate()
    (secure.runtime / "controller" / "join-ca.pem").unlink()
    secure.start_controller("--join-token", "what a man in the middle made up")
    code, said = secure.refusal(TOKEN, name="node-1", state=secure.state_dir / "node-1")
    assert code == 4 and "not the controller that it should be" in said
    code, said = secure.refusal(name="node-1", state=secure.state_dir / "node-1")
    assert code == 4 and "authority is another" in said


def test_made_tokens_alone(secure):
    """Nothing secret in the configuration: TLS is asked for as such."""
    secure.start_controller("--invoker-tls")
    code, said = secure.refusal("")
    assert code == 4 and "gust token create" in said
    secure.join("node-1", secure.new_token())


def test_only_the_operator_makes_tokens(controller):
    key = controller.gust("key", "add", "alice").stdout.strip()
    environment = {**controller.environment, "GUST_API_KEY": key}
    for arguments in (("create",), ("list",), ("revoke", "0" * 32)):
        process = controller.start("token", *arguments, env=environment)
        out, err = process.communicate(timeout=60)
        assert (process.returncode, out) == (4, ""), err
    unknown = controller.gust("token", "revoke", "0" * 32)
    assert unknown.returncode == 5 and "gust token list" in unknown.stderr
    wrong = controller.gust("token", "create", "--ttl", "soon")
    assert wrong.returncode == 2 and "--ttl" in wrong.stderr


def test_an_authority_of_ones_own(secure, tmp_path):
    """One that was made elsewhere is used as it is; a file that is not there, or is none, is an error."""
    own = tmp_path / "ca.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
         tmp_path / "key.pem", "-out", tmp_path / "cert.pem", "-days", "2", "-subj", "/CN=ours"],
        check=True, capture_output=True)  # fmt: skip
    own.write_text((tmp_path / "cert.pem").read_text() + (tmp_path / "key.pem").read_text())
    secure.start_controller("--join-token", TOKEN, "--join-ca", own)
    secure.join("node-1", TOKEN)
    assert (tmp_path / "cert.pem").read_text() in (secure.state_dir / "node-1" / "identity.pem").read_text()
    for file in (tmp_path / "absent.pem", tmp_path / "cert.pem"):
        done = secure.gust("controller", "--listen", "127.0.0.1:0", "--invoker-listen", "127.0.0.1:0", "--join-token",
                           TOKEN, "--join-ca", file)  # fmt: skip
        assert done.returncode == 2 and file.name in done.stderr
