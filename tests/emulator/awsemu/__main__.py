"""Starts the emulator: `python -m awsemu [--port N] [--until-stdin-closes]`.

It prints one line of JSON, {"endpoint": ..}, when it is ready. With --until-stdin-closes it ends with whoever started it.
"""

import argparse
import json
import os
import sys
import threading

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


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--port", type=int, default=0)
    options.add_argument("--until-stdin-closes", action="store_true")
    given = options.parse_args()
    server = make_server("127.0.0.1", given.port, Shell(), threaded=True, request_handler=Handler)
    server.daemon_threads = True
    print(json.dumps({"endpoint": f"http://127.0.0.1:{server.server_port}"}), flush=True)
    if given.until_stdin_closes:
        threading.Thread(target=lambda: (sys.stdin.buffer.read(), os._exit(0)), daemon=True).start()
    server.serve_forever()


main()
