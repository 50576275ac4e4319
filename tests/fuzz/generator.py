"""Requests that clients may send, and what can become of them: seeded, so that a run can be repeated."""

import base64
import json
import random

BASE = "/api/v1/namespaces/_"
WORDS = ["task", "p", "t", "r", "_", "guest", "default", "a" * 300, "..", "%2e%2e", "%00", "%zz", "a/b", "ü", " ", "",
         "0" * 32, "f" * 32, "x" * 32, "-1", "0", "200", "201", "99999999999999999999", "true", "True", "maybe",
         "'; DROP TABLE flares; --", "\x7f"]  # fmt: skip
QUERIES = ["blocking", "result", "timeout", "burst", "granularity", "join", "chunk_size", "backend", "overwrite", "force",
           "limit", "skip", "count", "since", "upto", "docs", "name", "code", "detail", "results", "wait", "debug"]  # fmt: skip
VALUES = [
    None,
    True,
    0,
    -1,
    1.5,
    1e308,
    2**70,
    "",
    "x",
    "/_/task",
    "ü\u0000",
    [],
    {},
    [[]],
    {"error": "x"},
    [None] * 50,
]


class Requests:
    """An endless row of requests, as the bytes that go over the wire."""

    def __init__(self, seed, authorization):
        self.random = random.Random(seed)
        self.authorization = authorization

    def next(self):
        """(method, bytes). Most are well-formed and wrong in one or two places; some are broken bytes."""
        method, target, body = self.random.choice([self.entity, self.invocation, self.reading, self.admin])()
        if self.chance(0.3):
            target = self.mutate_target(target)
        if body is not None and self.chance(0.4):
            body = self.mutate_text(body)
        if self.chance(0.03):
            method = self.random.choice(["PATCH", "HEAD", "OPTIONS", "TRACE", "get", "G\x00T", "X" * 40])
        data = (body or "").encode("utf-8", "surrogatepass")
        lines = [f"{method} {target} HTTP/1.1", "Host: x", f"Content-Length: {len(data)}"]
        lines.append("Authorization: " + (self.authorization if self.chance(0.95) else self.wrong_authorization()))
        if self.chance(0.1):
            lines.append(self.random.choice(["x-namespace-id: other", "Content-Type: text/plain", "Accept: \xff",
                                             "X: " + "y" * 5000, "Expect: 100-continue", "Connection: close"]))  # fmt: skip
        request = ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "surrogatepass") + data
        if self.chance(0.05):
            request = self.mutate_bytes(request)
        return method, request

    def chance(self, part):
        return self.random.random() < part

    # Well-formed ones.

    def entity(self):
        name, method = self.random.choice(["a", "b", "p/a", "t", "r", *WORDS]), self.random.choice(
            ["PUT", "GET", "DELETE"]
        )
        collection = self.random.choice(["actions", "packages", "triggers", "rules"])
        body = {
            "actions": {"exec": {"kind": "python:3", "code": "def main(a): return a"}, "limits": {"memory": 128}},
            "packages": {"binding": {"namespace": "_", "name": self.random.choice(["p", "a"])}, "parameters": []},
            "triggers": {"parameters": [{"key": "k", "value": self.random.choice(VALUES)}]},
            "rules": {"trigger": "/_/t", "action": "/_/task"},
        }[collection]
        if self.chance(0.4):
            body = {"annotations": [], "publish": self.random.choice([True, False])}
        query = self.random.choice(["", "?overwrite=true", "?force=true"])
        return method, f"{BASE}/{collection}/{name}{query}", json.dumps(body) if method == "PUT" else None

    def invocation(self):
        # Few of these run: starting processes is not what is tried here.
        name = "task" if self.chance(0.1) else self.random.choice(WORDS)
        if self.chance(0.5):
            return "POST", f"{BASE}/{self.random.choice(['triggers', 'rules'])}/{name}", '{"status": "inactive"}'
        query = "&".join(f"{self.random.choice(QUERIES)}={self.random.choice(WORDS)}" for _ in range(2))
        return "POST", f"{BASE}/actions/{name}?timeout=1000&{query}", json.dumps({"value": [{"n": 1}] * 3})

    def reading(self):
        path = self.random.choice(["actions", "activations", "flares", "packages", "triggers", "rules", "limits",
                                   "activations/" + "0" * 32, "activations/x/logs", "flares/" + "f" * 32,
                                   "actions/p/", "actions/task"])  # fmt: skip
        query = self.random.choice(["", f"?{self.random.choice(QUERIES)}={self.random.choice(WORDS[:-1])}"])
        return "GET", f"{BASE}/{path}{query}", None

    def admin(self):
        return self.random.choice([
            ("GET", "/", None), ("GET", "/ping", None), ("GET", "/api/v1", None), ("GET", "/api/v1/namespaces", None),
            ("GET", "/api/v1/gust/status", None), ("GET", "/api/v1/gust/keys", None),
            ("POST", "/api/v1/gust/keys", json.dumps({"namespace": self.random.choice(VALUES)})),
            ("DELETE", "/api/v1/gust/keys/x", None), ("GET", "https://elsewhere/api/v1/namespaces", None),
        ])  # fmt: skip

    # What is wrong with them.

    def mutate_target(self, target):
        parts = target.replace(" ", "%20").split("/")
        parts[self.random.randrange(len(parts))] = self.random.choice(WORDS).replace(" ", "+")
        return "/".join(parts)

    def mutate_text(self, text):
        if self.chance(0.3):
            return text[: self.random.randrange(len(text) + 1)]
        if self.chance(0.1):
            return "[" * 1000 + text
        try:
            value = json.loads(text)
        except ValueError:
            return text[::-1]
        return json.dumps(self.mutate_json(value))

    def mutate_json(self, value):
        if isinstance(value, dict) and value and self.chance(0.7):
            name = self.random.choice(list(value))
            return {**value, name: self.mutate_json(value[name])}
        if isinstance(value, list) and value and self.chance(0.5):
            return [self.mutate_json(entry) for entry in value]
        return self.random.choice(VALUES)

    def mutate_bytes(self, data):
        data = bytearray(data)
        for _ in range(self.random.randrange(1, 5)):
            where = self.random.randrange(len(data))
            if self.chance(0.5):
                data[where] = self.random.randrange(256)
            else:
                del data[where : where + self.random.randrange(1, 9)]
        return bytes(data)

    def wrong_authorization(self):
        guess = base64.b64encode(self.random.choice(WORDS).encode() + b":" + b"x" * self.random.randrange(70)).decode()
        return self.random.choice(["", "Basic", "Basic %%%", "Bearer x", "Basic " + guess])
