"""CloudWatch's clients speak CBOR, which moto does not: their requests are turned into its JSON, and the answers back."""

import io
import json
from datetime import datetime

from botocore.parsers import RpcV2CBORParser
from botocore.serialize import RpcV2CBORSerializer
from moto.core.utils import get_service_model

TARGETS = {"GraniteServiceVersion20100801": "cloudwatch"}


def operation(environ):
    """The service and the operation, of such a request: `/service/S/operation/O`."""
    parts = environ.get("PATH_INFO", "").strip("/").split("/")
    if environ.get("HTTP_SMITHY_PROTOCOL") != "rpc-v2-cbor" or len(parts) != 4 or parts[1] not in TARGETS:
        return None
    return parts[1], parts[3]


def seconds(value):
    return value.timestamp() if isinstance(value, datetime) else value.decode()


def request(environ, body):
    """The same request in JSON."""
    asked = operation(environ)
    if asked is None:
        return environ, body
    parser = RpcV2CBORParser()
    data = parser.parse_data_item(parser.get_peekable_stream_from_bytes(body)) if body else {}
    body = json.dumps(data, default=seconds).encode()
    environ = {key: text for key, text in environ.items() if key != "HTTP_SMITHY_PROTOCOL"}
    environ.update({
        "PATH_INFO": "/", "REQUEST_URI": "/", "RAW_URI": "/", "CONTENT_TYPE": "application/x-amz-json-1.0", "CONTENT_LENGTH": str(len(body)),
        "HTTP_X_AMZ_TARGET": ".".join(asked), "wsgi.input": io.BytesIO(body),
    })
    return environ, body


def answer(environ, told):
    """The answer as the client reads it; `environ` is that of its own request."""
    asked = operation(environ)
    if asked is None:
        return told
    status, headers, body = told
    data = json.loads(body or b"{}")
    model = get_service_model(TARGETS[asked[0]])
    writer, out = RpcV2CBORSerializer(), bytearray()
    if status < 300:
        shape = model.operation_model(asked[1]).output_shape
        if shape is None:
            out.extend(b"\xa0")
        else:
            writer._serialize_data_item(out, data, shape)
    else:
        code, message = str(data.get("__type", "")).rsplit("#", 1)[-1], str(data.get("message") or data.get("Message") or "")
        out.extend(b"\xa2")
        for text in ("__type", code, "message", message):
            writer._serialize_type_string(out, text, None, None)
    kept = [(key, text) for key, text in headers if key.lower() not in ("content-type", "content-length")]
    return status, [*kept, ("Content-Type", "application/cbor"), ("smithy-protocol", "rpc-v2-cbor")], bytes(out)
