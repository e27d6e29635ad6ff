"""Changes one property of one thing in AWS from outside, by boto3: it shares no code with the product.

One JSON text asks: `{type, id, property, before, value, spec, outputs}` for a change, `{type, id, silent, spec, outputs}` for one
that means nothing, `{list: true}` for what there is. Values are in CloudFormation's shapes; none is back to the default.
"""

import json
import sys

from mutators import KINDS
from mutators.common import Cannot, Change


def known():
    return {name: {"properties": sorted(it["properties"]), "silent": sorted(it["silent"])} for name, it in sorted(KINDS.items())}


def mutate(asked):
    change = Change(
        kind=asked["type"], id=asked["id"], spec=asked.get("spec") or {}, outputs=asked.get("outputs") or {},
        property=asked.get("property", ""), before=asked.get("before"), value=asked.get("value"), silent=asked.get("silent", ""),
    )
    kind = KINDS.get(change.kind, {"properties": {}, "silent": {}})
    does = kind["silent"].get(change.silent) if change.silent else kind["properties"].get(change.property)
    if does is None:
        return {"unknown": f"nothing here changes {change.silent or change.property} of {change.kind}"}
    try:
        does(change)
    except Cannot as why:
        return {"cannot": str(why)}
    return {"changed": True}


asked = json.loads(sys.argv[1])
print(json.dumps({"types": known()} if asked.get("list") else mutate(asked)))
