"""CloudWatch alarms: without data at first, kept in their state when they are set anew, and found by several things at once."""

import json

from moto.cloudwatch.models import cloudwatch_backends


def alarms(call):
    return cloudwatch_backends[call.account][call.region].alarms


def before(call, world):
    if call.name == "PutMetricAlarm":
        call.old = alarms(call).get(call.data.get("AlarmName"))
    return None


def after(call, world, answer):
    if call.name == "PutMetricAlarm":
        made = alarms(call)[call.data["AlarmName"]]
        # Fact: a new alarm has no data yet; a replaced one keeps its state and history.
        made.state_value = "INSUFFICIENT_DATA"
        for name in ("state_value", "state_reason", "state_reason_data", "state_updated_timestamp", "history") if call.old else ():
            setattr(made, name, getattr(call.old, name))
    if call.name == "DescribeAlarms":
        return filtered(call, answer)
    return answer


def filtered(call, answer):
    """Fact: what is asked for holds together, and without types composite alarms are left out; moto looks at one thing only."""
    status, headers, body = answer
    data, asked = json.loads(body), call.data
    types = asked.get("AlarmTypes") or ["MetricAlarm"]
    for key in ("MetricAlarms", "CompositeAlarms"):
        data[key] = [it for it in data.get(key, []) if key[:-1] in types and wanted(it, asked)]
    return status, headers, json.dumps(data).encode()


def wanted(alarm, asked):
    names, prefix, state = asked.get("AlarmNames"), asked.get("AlarmNamePrefix"), asked.get("StateValue")
    return (not names or alarm["AlarmName"] in names) and alarm["AlarmName"].startswith(prefix or "") and state in (None, alarm["StateValue"])


def fire(account, region, name, state):
    """What an alarm does by itself; one that is not there does nothing."""
    there = cloudwatch_backends[account][region].alarms.get(name)
    if there is not None and there.state_value != state:
        there.update_state(f"Threshold Crossed: the emulator was told to set it to {state}", "{}", state)
