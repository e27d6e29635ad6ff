"""Requests and refusals on the wire: which operation a request is, and how each service words an error.

SQS, Logs and SSM speak JSON with the operation in a header, IAM and STS forms and XML, S3 paths and queries.
"""

import json
import re
from urllib.parse import parse_qs, unquote

S3_PARTS = {
    "versioning": "BucketVersioning", "encryption": "BucketEncryption", "lifecycle": "BucketLifecycleConfiguration",
    "publicAccessBlock": "PublicAccessBlock", "policy": "BucketPolicy", "cors": "BucketCors", "tagging": "BucketTagging",
    "ownershipControls": "BucketOwnershipControls", "location": "BucketLocation", "notification": "BucketNotificationConfiguration",
}
FORMS = ("iam", "sts", "ec2", "elasticloadbalancing", "rds")
READS = ("Get", "List", "Describe", "Head", "Scan", "Query", "BatchGet")
TARGETS = ("QueueName", "QueueUrl", "RoleName", "logGroupName", "logGroupIdentifier", "logGroupNamePrefix", "resourceArn", "Name", "ResourceId")


class Call:
    """One request, as it came in."""

    def __init__(self, environ, body):
        self.environ, self.body = environ, body
        self.method, self.path = environ["REQUEST_METHOD"], unquote(environ.get("PATH_INFO", "/"))
        self.query = parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True)
        auth = environ.get("HTTP_AUTHORIZATION", "")
        scope = re.search(r"Credential=([A-Z0-9]+)/\d+/([a-z0-9-]+)/([a-z0-9-]+)/", auth)
        self.key, self.region, self.service = scope.groups() if scope else ("", "us-east-1", "unknown")
        owner = re.match(r"AKIA(\d{12})", self.key)
        self.account = owner.group(1) if owner else "123456789012"
        app = re.search(r"app/([A-Za-z0-9!#$%&'*+.^_`|~-]+)", environ.get("HTTP_USER_AGENT", "") + " " + environ.get("HTTP_X_AMZ_USER_AGENT", ""))
        self.client = app.group(1) if app else self.account
        self.data = self.decode()
        self.name = self.operation()
        self.operation_name = f"{self.service}:{self.name}"
        self.beat = self.is_beat()
        # Signs of life come by the clock: where calls are counted they would make no two runs alike.
        self.mutating = not self.name.startswith(READS) and not self.beat
        self.released = self.find_released()
        self.target = self.find_target()

    def decode(self):
        if self.environ.get("HTTP_X_AMZ_TARGET"):
            try:
                return json.loads(self.body or b"{}")
            except ValueError:
                return {}
        if self.service in FORMS:
            return {key: values[0] for key, values in parse_qs(self.body.decode("utf-8", "replace")).items()}
        return {}

    def is_beat(self):
        """A change of a lock holder's record, as `deployer` keeps it in DynamoDB."""
        key = self.data.get("Item", {}).get("lockKey", {}).get("S", "") if self.name == "PutItem" else ""
        return "/holders/" in key and "#version" in self.data.get("ConditionExpression", "")

    def find_released(self):
        """The lock holder's record that is taken away, if that is what it is about."""
        key = self.data.get("Key", {}).get("lockKey", {}).get("S", "") if self.name == "DeleteItem" else ""
        return key if "/holders/" in key else None

    def operation(self):
        target = self.environ.get("HTTP_X_AMZ_TARGET")
        if target:
            return target.rsplit(".", 1)[-1]
        if self.service != "s3":
            return self.data.get("Action", self.method)
        parts = [part for part in self.path.split("/") if part]
        verb = {"GET": "Get", "PUT": "Put", "DELETE": "Delete", "HEAD": "Head", "POST": "Post"}[self.method]
        for query, name in S3_PARTS.items():
            if query in self.query:
                return verb + (name if self.method != "DELETE" or name != "BucketLifecycleConfiguration" else "BucketLifecycle")
        if not parts:
            return "ListBuckets"
        if len(parts) > 1:
            return verb + "Object"
        if "versions" in self.query:
            return "ListObjectVersions"
        if "delete" in self.query:
            return "DeleteObjects"
        return {"GET": "ListObjects", "PUT": "CreateBucket", "DELETE": "DeleteBucket", "HEAD": "HeadBucket", "POST": "PostObject"}[self.method]

    def find_target(self):
        if self.service == "s3":
            return next((part for part in self.path.split("/") if part), "")
        for key in TARGETS:
            if self.data.get(key):
                text = str(self.data[key])
                if key == "QueueUrl":
                    return text.rsplit("/", 1)[-1]
                return text.removesuffix(":*").rsplit(":log-group:", 1)[-1]
        return ""


def error(call, code, message, status=400):
    """A refusal in the service's own words: (status, headers, body)."""
    if call.service == "s3":
        body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{message}</Message></Error>"
        return status, [("Content-Type", "application/xml")], b"" if call.method == "HEAD" else body.encode()
    if call.service == "ec2":
        body = f"<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors></Response>"
        return status, [("Content-Type", "text/xml")], body.encode()
    if call.service in FORMS:
        body = f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
        return status, [("Content-Type", "text/xml")], body.encode()
    headers = [("Content-Type", "application/x-amz-json-1.1"), ("x-amzn-query-error", f"{code};Sender")]
    return status, headers, json.dumps({"__type": code.rsplit(".", 1)[-1], "message": message}).encode()


def missing(call):
    """What a read answers for a thing that is not there (yet)."""
    if call.name == "DescribeLogGroups":
        return 200, [("Content-Type", "application/x-amz-json-1.1")], b'{"logGroups": []}'
    code, status = {
        "sqs": ("AWS.SimpleQueueService.NonExistentQueue", 400), "s3": ("NoSuchBucket", 404), "iam": ("NoSuchEntity", 404),
        "logs": ("ResourceNotFoundException", 400), "ssm": ("ParameterNotFound", 400),
    }.get(call.service, ("ResourceNotFoundException", 400))
    return error(call, code, "not visible yet", status)
