"""Starts the emulator: `python -m awsemu [--port N] [--until-stdin-closes]`.

It prints one line of JSON, {"endpoint": ..}, when it is ready. With --until-stdin-closes it ends with whoever started it.

A snapshot is a fork: the process stands still as it is, and a child of it serves on, at the same socket, until it is restored. Snapshots
stand on each other: to discard one is to go back to the one before it.
"""

import argparse
import gc
import json
import os
import threading
import time
from socketserver import BaseServer

os.environ.setdefault("MOTO_IAM_LOAD_MANAGED_POLICIES", "true")

from werkzeug.serving import WSGIRequestHandler, make_server  # noqa: E402

from awsemu.server import Shell  # noqa: E402


class Handler(WSGIRequestHandler):
    """Connections stay open, as AWS's do; nothing is logged."""

    protocol_version = "HTTP/1.1"

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
    server.daemon_threads = True
    print(json.dumps({"endpoint": f"http://127.0.0.1:{server.server_port}"}), flush=True)
    watch(given)
    while True:
        shell.pause = lambda: threading.Thread(target=server.shutdown).start()
        # werkzeug's own would close the socket at its end.
        BaseServer.serve_forever(server, 0.02)
        # Whoever asked is still being answered.
        shell.answered.wait()
        time.sleep(0.02)
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
