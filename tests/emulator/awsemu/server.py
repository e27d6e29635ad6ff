"""The shell around moto: one lock, faults, freezing, counting, and the control paths under /_emulator/.

moto's backends race, so a request runs from its due events to its last byte under one lock; bodies are read and latency is
slept outside of it.
"""

import copy
import functools
import io
import json
import socket
import threading
import time
import traceback

from moto import backends
from moto.core import responses
from moto.core.base_backend import BackendDict
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from awsemu import autoscaling, cbor, cloudmap, cloudwatch, dynamodb, ec2, ecs, elb, iam, logs, rds, s3, sqs, ssm
from awsemu.clients import Client
from awsemu.wire import Call, error, missing
from awsemu.world import World

PLUGINS = {"application-autoscaling": autoscaling, "dynamodb": dynamodb, "ec2": ec2, "ecs": ecs, "elasticloadbalancing": elb, "iam": iam, "logs": logs, "monitoring": cloudwatch, "rds": rds, "s3": s3, "servicediscovery": cloudmap, "sqs": sqs, "ssm": ssm}

# moto looks its services up in the file system, and the methods of a class in the class, at every call.
SERVICES = frozenset(backends.list_of_moto_modules())
backends.list_of_moto_modules = lambda: SERVICES
responses.method_names_from_class = functools.cache(responses.method_names_from_class)

# Nobody has anything there.
NOWHERE = "999999999999"


class Shell:
    def __init__(self):
        self.app = DomainDispatcherApplication(create_backend_app)
        self.lock = threading.RLock()
        self.clients, self.unsupported, self.stale, self.answers, self.tokens = {}, [], {}, {}, {}
        self.world = World()
        self.pause, self.wish, self.asker = None, None, None
        self.paused, self.answered = threading.Event(), threading.Event()

    def client(self, name):
        with self.lock:
            return self.clients.setdefault(name, Client())

    def __call__(self, environ, start):
        length = int(environ.get("CONTENT_LENGTH") or 0)
        body = environ["wsgi.input"].read(length) if length else b""
        if environ.get("HTTP_TRANSFER_ENCODING") == "chunked":
            body = environ["wsgi.input"].read()
        environ["wsgi.input"] = io.BytesIO(body)
        environ["CONTENT_LENGTH"] = str(len(body))
        if environ.get("PATH_INFO", "").startswith("/_emulator/"):
            answer = self.control(environ, body)
            reply = self.reply(start, 200, [("Content-Type", "application/json")], json.dumps(answer).encode(), [("Connection", "close")])
            self.answered.set()
            return reply
        try:
            asked = environ
            environ, body = cbor.request(environ, body)
            answer = cbor.answer(asked, self.serve(Call(environ, body)))
        except Drop:
            # Closing alone leaves the connection open for as long as somebody else holds the socket.
            environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
            raise ConnectionResetError from None
        return self.reply(start, *answer)

    def reply(self, start, status, headers, body, more=()):
        kept = [(key, value) for key, value in headers if key.lower() not in ("content-length", "connection")]
        start(f"{status} X", [*kept, ("Content-Length", str(len(body))), *more])
        return [body]

    def serve(self, call):
        client = self.client(call.client)
        with self.lock:
            client.count(call)
        try:
            if client.options["latency_ms"]:
                time.sleep(client.options["latency_ms"] / 1000)
            if client.meets_freeze(call, "before"):
                client.hold()
                raise Drop
            fault = client.fault(call)
            refusal = refuse(call, fault)
            if refusal:
                return refusal
            with self.lock:
                try:
                    answer = self.run(call, client)
                except Exception:
                    # A behaviour of ours that broke is no answer of AWS either.
                    answer = self.not_supported(call, traceback.format_exc())
            if client.meets_freeze(call, "after"):
                client.hold()
                raise Drop
            if fault == "lost_answer":
                raise Drop
            return answer
        finally:
            with self.lock:
                client.in_flight -= 1

    def run(self, call, client):
        """The operation itself, between the behaviours of its service."""
        self.world.settle()
        stale = self.stale_answer(call) or self.late_answer(call, client)
        if stale:
            return stale
        return client.reword(call, self.fresh(call, client))

    def fresh(self, call, client):
        token = self.token(call)
        if token in self.tokens:
            return self.tokens[token]
        plugin = PLUGINS.get(call.service)
        answer = plugin.before(call, self.world) if plugin else None
        answer = answer or self.moto(call)
        if plugin and answer[0] < 300:
            answer = plugin.after(call, self.world, answer) or answer
        if answer[0] >= 300 and hasattr(plugin, "refusal"):
            answer = plugin.refusal(call, answer)
        if token and answer[0] < 300:
            self.tokens[token] = answer
        if call.mutating and answer[0] < 300 and client.options["stale_reads"]:
            self.stale[(call.account, call.service, call.target)] = client.options["stale_reads"]
        if call.mutating and answer[0] < 300:
            client.changed_something(call)
        client.refused += call.mutating and answer[0] >= 400
        if not call.mutating:
            self.answers[self.read_key(call)] = answer
        return answer

    def token(self, call):
        """Fact: a create with a token that was seen before answers what it answered then; moto does not look at tokens."""
        token = call.data.get("ClientToken") or call.data.get("clientToken") or call.data.get("CreatorRequestId")
        # Cloud Map tells of a repeated one in its own way.
        return (call.account, call.operation_name, token) if token and call.mutating and call.name != "CreatePrivateDnsNamespace" else None

    def read_key(self, call):
        return (call.account, call.service, call.name, call.target, call.environ.get("QUERY_STRING", ""), call.body)

    def stale_answer(self, call):
        """Fact: for a while after a change reads may not see it: an older answer, or none at all."""
        key = (call.account, call.service, call.target)
        if call.mutating or not call.target or not self.stale.get(key):
            return None
        self.stale[key] -= 1
        return self.answers.get(self.read_key(call)) or missing(call)

    def late_answer(self, call, client):
        """Fact: after a create a read may find nothing for a while, and after a change tell the old values (aws-facts 1.4, 24.7)."""
        return (self.answers.get(self.read_key(call)) or self.nowhere(call)) if client.is_late(call) else None

    def nowhere(self, call):
        """What a service answers where the thing is not: in an account that has nothing. Buckets are everybody's, so S3's is in words."""
        if call.service == "s3":
            return missing(call)
        other = copy.copy(call)
        other.account, other.environ = NOWHERE, {**call.environ, "wsgi.input": io.BytesIO(call.body)}
        plugin = PLUGINS.get(call.service)
        answer = (plugin.before(other, self.world) if plugin else None) or self.moto(other)
        return plugin.refusal(other, answer) if answer[0] >= 300 and hasattr(plugin, "refusal") else answer

    def moto(self, call):
        got = {}
        # The access key says whose account it is: tests run side by side, each in its own.
        call.environ["HTTP_X_MOTO_ACCOUNT_ID"] = call.account

        def start(status, headers, *_):
            got["status"], got["headers"] = int(status.split()[0]), headers

        try:
            parts = self.app(call.environ, start)
            body = b"".join(parts)
        except Exception:
            return self.not_supported(call, traceback.format_exc())
        if got["status"] >= 500 or got["status"] == 404 and body.startswith(b"<!doctype"):
            return self.not_supported(call, body[:500].decode("utf-8", "replace"))
        return got["status"], got["headers"], body

    def not_supported(self, call, why):
        self.unsupported.append({"operation": call.operation_name, "why": why[-1500:]})
        return error(call, "EmulatorUnsupported", f"the emulator cannot do {call.operation_name}", 400)

    def control(self, environ, body):
        call = Call(environ, b"")
        data = {**{key: values[0] for key, values in call.query.items()}, **(json.loads(body) if body else {})}
        what = environ["PATH_INFO"].removeprefix("/_emulator/")
        client = self.client(data.get("client", ""))
        if what == "frozen":
            return client.wait_frozen(float(data.get("wait_ms", 0)) / 1000)
        if what in ("snapshot", "restore", "discard"):
            return self.hand_over(what, environ["werkzeug.socket"])
        with self.lock:
            return self.command(what, data, client) or {}

    def hand_over(self, what, asker):
        """All accounts at once, with everything that is due: see `__main__`. Answered when nobody else is any more: whoever asks next is to be
        answered by who is there then."""
        self.wish, self.asker = what, asker
        self.answered.clear()
        self.paused.clear()
        self.pause()
        self.paused.wait()
        return {}

    def command(self, what, data, client):
        if what == "options":
            client.set({key: value for key, value in data.items() if key != "client"})
        elif what == "freeze":
            client.unfreeze()
            client.freeze = {key: value for key, value in data.items() if key != "client"}
        elif what == "unfreeze":
            client.unfreeze()
        elif what == "advance":
            self.world.offset += float(data["seconds"])
            self.world.settle()
        elif what == "calls":
            return {"total": client.total, "mutating": client.mutating, "refused": client.refused, "by_operation": client.by_operation,
                    "max_in_flight": client.max_in_flight, "log": client.log, "faults": client.met}
        elif what == "calls/clear":
            client.clear()
        elif what == "alarm":
            self.alarm(data, client)
        elif what == "unsupported":
            return {"operations": self.unsupported}
        elif what == "reset":
            self.reset(data.get("account"))

    def alarm(self, data, client):
        """Sets an alarm's state, after a while if so wished, of an account or of the one that the client called last."""
        account, region = data.get("account") or client.account, data.get("region", "eu-west-1")
        self.world.at(float(data.get("after", 0)), lambda: cloudwatch.fire(account, region, data["name"], data.get("state", "ALARM")))
        self.world.settle()

    def reset(self, account):
        """Forgets an account, or all of them."""
        for backends in BackendDict._instances:
            for owner in list(backends) if account is None else [account]:
                if owner in backends:
                    for backend in backends[owner].values():
                        backend.reset()
        self.tokens = {key: answer for key, answer in self.tokens.items() if account not in (None, key[0])}
        self.world.forget(account)
        if account is None:
            self.world = World()


class Drop(Exception):
    """The connection is closed without an answer."""


def refuse(call, fault):
    if fault == "throttle":
        return error(call, "SlowDown" if call.service == "s3" else "ThrottlingException", "Rate exceeded", 503 if call.service == "s3" else 400)
    if fault in ("500", "503"):
        return error(call, "InternalError" if fault == "500" else "ServiceUnavailable", "try again", int(fault))
    if fault == "denied":
        code = "AccessDeniedException" if call.environ.get("HTTP_X_AMZ_TARGET") else "AccessDenied"
        return error(call, code, f"not authorized to perform: {call.operation_name}", 403 if call.service in ("s3", "iam") else 400)
    if fault == "reset":
        raise Drop
    return None
