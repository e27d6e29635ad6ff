"""A lasting interpreter for what tests do with boto3: it loads AWS's service models once, not once per question.

One JSON line on stdin asks: a script or a text, its arguments, its environment. One line on stdout answers: what it printed, or
why it failed. Each runs as if it were alone: its own environment, its own session, its own modules of this folder.
"""

import contextlib
import io
import json
import os
import runpy
import sys
import traceback

import boto3
import botocore.loaders
import botocore.session

here = os.path.dirname(os.path.abspath(__file__))
models = botocore.loaders.create_loader()
botocore.session.create_loader = lambda *_: models
plain = dict(os.environ)


def run(asked):
    os.environ.clear()
    os.environ.update(plain, **asked["env"])
    sys.argv = [asked.get("script", "-c"), *asked["arguments"]]
    boto3.DEFAULT_SESSION = None
    for name in [name for name, it in sys.modules.items() if (getattr(it, "__file__", None) or "").startswith(here + os.sep) and name != "__main__"]:
        del sys.modules[name]
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        if "script" in asked:
            sys.path[0] = here
            runpy.run_path(asked["script"], run_name="__main__")
        else:
            exec(compile(asked["text"], "text", "exec"), {"__name__": "__main__"})
    return said.getvalue()


for line in sys.stdin:
    try:
        answer = {"said": run(json.loads(line))}
    except SystemExit as end:
        answer = {"failed": str(end.code)} if end.code else {"said": ""}
    except BaseException:
        answer = {"failed": traceback.format_exc()}
    print(json.dumps(answer), flush=True)
