"""`python -m local.measure.kit.relay PORT MBPS`: limits the speed of a local server."""

import socket
import sys
import time
from collections.abc import Sequence
from threading import Lock, Thread

PIECE = 1 << 16  # bytes passed on at a time


class Pace:
    """One direction, shared by all connections."""

    def __init__(self, bytes_per_second: float) -> None:
        self._speed = bytes_per_second
        self._lock = Lock()
        self._free_at = 0.0

    def take(self, size: int) -> None:
        """Returns when so many bytes have passed."""
        with self._lock:
            self._free_at = max(self._free_at, time.monotonic()) + size / self._speed
            wait = self._free_at - time.monotonic()
        if wait > 0:
            time.sleep(wait)


def main(argv: Sequence[str]) -> int:
    target, speed = int(argv[0]), float(argv[1]) * 1e6
    request, response = Pace(speed), Pace(speed)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
        while True:
            near, _ = listener.accept()
            far = socket.create_connection(("127.0.0.1", target))
            for ends, pace in (((near, far), request), ((far, near), response)):
                Thread(target=_pass_on, args=(*ends, pace), daemon=True).start()


def _pass_on(source: socket.socket, sink: socket.socket, pace: Pace) -> None:
    sink.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        while data := source.recv(PIECE):
            pace.take(len(data))
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        sink.close()  # the other side is gone


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
