#!/usr/bin/env python3
"""An action container's server, as OpenWhisk's contract has it: /init once, then /run, on port 8080 and no other.

What it does with a run its parameters say, in `do`; what it was told at /init it gives back in `init`.
"""

import http.server
import json
import os
import socket
import socketserver
import sys

PORT = 8080
SENTINEL = "XXX_THE_END_OF_A_WHISK_ACTIVATION_XXX"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1" if "--keep" in sys.argv else "HTTP/1.0"
    told = None

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/init":
            self.init(body["value"])
        else:
            self.run(body)

    def init(self, value):
        if Handler.told is not None:
            return self.answer(403, {"error": "Cannot initialize the action more than once."})
        if value["code"] == "exit":
            print("last words", file=sys.stderr, flush=True)
            os._exit(3)
        if value["code"] == "refuse":
            return self.answer(502, {"error": "the code does not compile"})
        Handler.told = value
        return self.answer(200, {"ok": True})

    def run(self, body):
        params = body["value"] or {}
        do = params.get("do")
        print("hello from", params.get("name"), flush=True)
        if do == "exit":
            os._exit(7)
        if do == "crash":
            os.abort()
        if do == "hang up":
            return self.connection.close()
        if do == "mutter":
            print("no line's end", end="", flush=True)
        if do != "no sentinel":
            print(SENTINEL, flush=True)
            print(SENTINEL, file=sys.stderr, flush=True)
        if do == "status":
            return self.answer(502, {"error": "it went wrong"})
        if do == "text":
            return self.raw(200, b"hello")
        if do == "error":
            return self.answer(200, {"error": "no"})
        if do == "large":
            return self.answer(200, {"large": "x" * params["size"]})
        if do == "chunks":
            return self.chunks()
        if do == "look":
            return self.answer(200, {"neighbours": [reach(port) for port in listening() if port != self.own_port()]})
        told = {name: value for name, value in body.items() if name != "value"}
        return self.answer(200, {"param": params, "told": told, "init": Handler.told, "pid": os.getpid()})

    def own_port(self):
        return self.server.socket.getsockname()[1]

    def chunks(self):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for part in (b'{"in', b'":"par', b'ts"}'):
            self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
        self.wfile.write(b"0\r\n\r\n")

    def answer(self, status, value):
        self.raw(status, json.dumps(value).encode())

    def raw(self, status, text):
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


def listening():
    """The ports of the loopback interface on which anybody listens."""
    with open("/proc/net/tcp") as table:
        rows = [line.split() for line in table.readlines()[1:]]
    return [int(row[1].split(":")[1], 16) for row in rows if row[3] == "0A" and row[1].startswith("0100007F")]


def reach(port):
    """Whether a stranger gets an answer there."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=0.3):
            return "connected"
    except OSError:
        return "refused"


class Server(socketserver.TCPServer):  # not HTTPServer, which asks for the machine's name
    address_family = socket.AF_INET6 if "--ipv6" in sys.argv else socket.AF_INET
    allow_reuse_address = True


def main():
    if "--silent" in sys.argv:
        sys.exit(4)
    # Another port first, which is not the contract's and stays what it is.
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
    host = "::" if "--ipv6" in sys.argv else "0.0.0.0"
    server = Server((host, PORT), Handler)
    assert server.socket.getsockname()[1] != PORT or "--alone" in sys.argv
    server.serve_forever()


if __name__ == "__main__":
    main()
