"""The small OpenAI on a socket, for as long as a `with` block lasts."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

from local.openai.http.server import SmallServer
from local.openai.serving.app import SmallOpenAI

EVERY = 0.2  # seconds, between two looks at what is to be sent


@contextmanager
def serving(small: SmallOpenAI, port: int = 0, host: str = "127.0.0.1") -> Iterator[str]:
    """The base URL at which `small` answers; port 0 takes any free one."""
    server = SmallServer(small, host, port)
    thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    stopped = Event()
    sending = Thread(target=_send_webhooks, args=(small, stopped), daemon=True)
    sending.start()
    try:
        yield f"http://{host}:{server.server_address[1]}/v1"
    finally:
        stopped.set()
        server.shutdown()
        server.close_connections()
        server.server_close()
        thread.join()


def _send_webhooks(small: SmallOpenAI, stopped: Event) -> None:
    while not stopped.wait(EVERY):
        small.deliver_webhooks()
