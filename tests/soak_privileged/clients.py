"""Those who start flares, wait for them, cancel them or forget them; and what they were told."""

import dataclasses
import http.client
import json
import random
import ssl
import threading
import time
import urllib.parse

import kinds

PATIENCE = 20.0  # seconds for which a client looks at one flare, before it leaves it to the accounts
MOST_FORGOTTEN = 30  # flares that run or wait without a client


@dataclasses.dataclass
class Accepted:
    """A flare that the controller has promised to carry out."""

    id: str
    activations: list
    kind: kinds.Kind
    workers: int
    retries: int
    asked_to_cancel: bool = False
    seen: dict | None = None  # how it had ended, the first time that somebody saw it ended


class Connection:
    """One to the controller, made again when it breaks. Not for several threads."""

    def __init__(self, cluster):
        self.cluster = cluster
        self.context = ssl.create_default_context(cafile=cluster.ca_file)
        self.connection = None

    def ask(self, method, target, body=None):
        """Status and body. OSError when the connection breaks, and nobody knows whether the request arrived."""
        if self.connection is None:
            self.connection = http.client.HTTPSConnection(
                "127.0.0.1", self.cluster.port, timeout=60, context=self.context
            )
        try:
            headers = {"Authorization": self.cluster.authorization(), "Content-Type": "application/json"}
            self.connection.request(method, "/api/v1" + target, json.dumps(body) if body is not None else None, headers)
            answer = self.connection.getresponse()
            return answer.status, json.loads(answer.read())
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise OSError(f"{method} {target}: {error!r}") from error

    def close(self):
        if self.connection is not None:
            self.connection.close()
        self.connection = None

    def look(self, flare, wait=0):
        """The flare's record; None when there is none."""
        status, record = self.ask(
            "GET", f"/namespaces/_/flares/{flare}?results=true" + (f"&wait={wait}" if wait else "")
        )
        return record if status == 200 else None


class Client(threading.Thread):
    """Starts one flare after the other until `stop` is set. What it does is decided by its seed alone."""

    def __init__(self, cluster, seed, most_workers, ledger, stop):
        super().__init__(daemon=True)
        self.cluster, self.most_workers, self.ledger, self.stop = cluster, most_workers, ledger, stop
        self.random = random.Random(seed)
        self.connection = Connection(cluster)

    def run(self):
        while not self.stop.is_set():
            try:
                self.one_flare()
            except OSError as error:
                self.ledger.broke(str(error))
                self.stop.wait(0.2)
            except Exception as error:  # whatever it is, the soak must not go on with a client less, and call it well
                self.ledger.problem(f"a client failed: {error!r}")
                raise
        self.connection.close()

    def one_flare(self):
        kind, params, query = kinds.choose(self.random, self.most_workers)
        forget = self.random.random() < 0.25 and not kind.is_endless
        cancel = kind.is_endless or self.random.random() < 0.08
        pause, hesitation = self.random.random() * 0.2, self.random.random() * 1.5
        target = f"/namespaces/_/actions/{kind.action}?" + urllib.parse.urlencode({"burst": "true", **query})
        status, answer = self.connection.ask("POST", target, {"value": params})
        if status != 202:
            self.ledger.refused(status, answer.get("error", ""))
            self.stop.wait(0.2)
            return
        flare = Accepted(answer["flareId"], answer["activationIds"], kind, len(params), query.get("retries", 0))
        self.ledger.accept(flare)
        if cancel:
            self.stop.wait(hesitation)
            self.cancel(flare)
        if not forget or self.ledger.unseen() > MOST_FORGOTTEN:
            self.await_end(flare)
        self.stop.wait(pause)

    def cancel(self, flare):
        flare.asked_to_cancel = True
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                status, answer = self.connection.ask("DELETE", f"/namespaces/_/flares/{flare.id}")
                break
            except OSError as error:  # there is no controller at the moment
                self.ledger.broke(str(error))
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)
        if status not in (200, 409):
            self.ledger.problem(f"flare {flare.id} ({flare.kind.name}) could not be cancelled: {status} {answer}")

    def await_end(self, flare):
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            record = self.connection.look(flare.id, wait=5)
            if record is None:
                self.ledger.problem(f"flare {flare.id} ({flare.kind.name}) was accepted, and is not there")
                return
            if record["stamps"]["ended"]:
                self.ledger.see(flare, record)
                return
        self.cancel(flare)
