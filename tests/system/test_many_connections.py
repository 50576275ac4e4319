"""Many clients at once, each with a TLS connection of its own, as Lithops and its like open them."""

import asyncio
import ssl

CONNECTIONS = 960


async def ask_at_once(port, context, request):
    """Opens all connections before it asks on any; gives the answers' status lines and bodies."""
    all_open = asyncio.Event()
    opened = 0

    async def one():
        nonlocal opened
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, ssl_handshake_timeout=120)
        opened += 1
        if opened == CONNECTIONS:
            all_open.set()
        await all_open.wait()
        writer.write(request)
        answer = await reader.read()  # to its end: the request asks for that
        writer.close()
        head, _, body = answer.partition(b"\r\n\r\n")
        return head.split(b"\r\n")[0], body

    return await asyncio.wait_for(asyncio.gather(*(one() for _ in range(CONNECTIONS))), 240)


def test_960_tls_connections_opened_at_once_are_all_answered(make_cluster, worker):
    with make_cluster(invokers=1, slots=4) as cluster:
        cluster.deploy("task", worker("task"))
        context = ssl.create_default_context(cafile=cluster.ca_file)
        head = f"Host: 127.0.0.1\r\nAuthorization: {cluster.authorization()}\r\nConnection: close\r\n"
        ping = f"GET /ping HTTP/1.1\r\n{head}\r\n".encode()
        answers = asyncio.run(ask_at_once(cluster.port, context, ping))
        assert answers == [(b"HTTP/1.1 200 OK", b"pong")] * CONNECTIONS
        # What each of Lithops' calls is: accepted at once, to wait for one of the four slots.
        target = "/api/v1/namespaces/_/actions/task"
        call = (
            f"POST {target} HTTP/1.1\r\n{head}Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{{}}".encode()
        )
        answers = asyncio.run(ask_at_once(cluster.port, context, call))
        assert {status for status, _ in answers} == {b"HTTP/1.1 202 Accepted"}
        assert len({body for _, body in answers}) == CONNECTIONS, "an activation for each"
        cluster.wait_idle(120)
