"""Starts the emulator: `python -m awsemu [--port N] [--until-stdin-closes]`.

It prints one line of JSON, {"endpoint": ..}, when it is ready. With --until-stdin-closes it ends with whoever started it.

A snapshot is a fork: the process stands still as it is, and a child of it serves on, at the same socket, until it is restored. Snapshots
stand on each other: to discard one is to go back to the one before it. Connections stay open, as AWS's do, but none outlives a snapshot:
it would be answered by a process that stands still.
"""

import argparse
import contextlib
import gc
import json
import os
import socket
import threading
import time
from socketserver import BaseServer

os.environ.setdefault("MOTO_IAM_LOAD_MANAGED_POLICIES", "true")

from werkzeug.serving import WSGIRequestHandler, make_server  # noqa: E402

from awsemu.server import Shell  # noqa: E402


class Handler(WSGIRequestHandler):
    """What werkzeug makes of a request, answered at once and whole; it would close each connection. Nothing is logged."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self):
        super().setup()
        self.server.open.add(self.connection)

    def finish(self):
        self.server.open.discard(self.connection)
        super().finish()

    def run_wsgi(self):
        if self.headers.get("Expect", "").lower() == "100-continue":
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        head = []

        def start(status, headers):
            told = [("Date", self.date_time_string())] if "date" not in {key.lower() for key, _ in headers} else []
            head.extend([f"HTTP/1.1 {status}", *(f"{key}: {value}" for key, value in headers + told)])
            self.close_connection |= ("Connection", "close") in headers

        parts = self.server.app(self.make_environ(), start)
        body = b"" if self.command == "HEAD" else b"".join(parts)
        self.wfile.write("\r\n".join([*head, "", ""]).encode("latin-1") + body)

    def log_request(self, *_):
        pass

    def log_error(self, *_):
        pass


# How a child says that its parent's state is wanted again, or that of its parent's parent.
RESTORED, DISCARDED = 17, 18


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--port", type=int, default=0)
    options.add_argument("--until-stdin-closes", action="store_true")
    given = options.parse_args()
    shell = Shell()
    server = make_server("127.0.0.1", given.port, shell, threaded=True, request_handler=Handler)
    server.daemon_threads, server.open = True, set()
    print(json.dumps({"endpoint": f"http://127.0.0.1:{server.server_port}"}), flush=True)
    watch(given)
    while True:
        shell.pause = lambda: threading.Thread(target=server.shutdown).start()
        # werkzeug's own would close the socket at its end.
        BaseServer.serve_forever(server, 0.02)
        hang_up(server, shell.asker)
        shell.paused.set()
        # Whoever asked is still being answered.
        shell.answered.wait()
        hang_up(server)
        if shell.wish != "snapshot":
            os._exit(RESTORED if shell.wish == "restore" else DISCARDED)
        stand_still()
        watch(given)


def watch(given):
    def end():
        # Not by `sys.stdin`: its lock would be held for ever in a child.
        while os.read(0, 1):
            pass
        os._exit(0)

    if given.until_stdin_closes:
        threading.Thread(target=end, daemon=True).start()


def hang_up(server, but=None):
    """Ends all connections but one, each after its answer; one that has none after a second without."""
    for how, patience in ((socket.SHUT_RD, 1), (socket.SHUT_RDWR, 0.1)):
        for connection in server.open - {but}:
            with contextlib.suppress(OSError):
                connection.shutdown(how)
        until = time.monotonic() + patience
        while server.open - {but} and time.monotonic() < until:
            time.sleep(0.002)


def stand_still():
    """Comes back in a child, and in another one whenever the child before wished to be restored."""
    # What lives now lives on: the collector need not look at it, and so copy its pages, in any child.
    gc.freeze()
    while True:
        child = os.fork()
        if not child:
            return
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if code == DISCARDED:
            os._exit(RESTORED)
        if code != RESTORED:
            os._exit(code if code >= 0 else 1)


main()
