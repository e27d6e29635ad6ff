"""Names that are the same in every run, for ids that AWS makes up.

A thing is called by the address that it is tagged with, else by its name; wherever its id, ARN or host stands, its name does.
"""

import json
import re


class Listing:
    def __init__(self):
        self.names, self.things = {}, []

    def add(self, kind, name, fields, *ids):
        """A thing, and what stands for it in other things."""
        self.things.append((kind, name, fields))
        for part, text in ids:
            if text:
                self.names[text] = f"<{name}{part and ' ' + part}>"

    def maps(self, kinds):
        """Each kind's things by name; those of one name are counted."""
        found = {kind: {} for kind in kinds}
        rendered = [(kind, self.plain(name), self.plain(fields)) for kind, name, fields in self.things]
        for kind, name, fields in sorted(rendered, key=lambda it: json.dumps(it, sort_keys=True, default=str)):
            key, number = name, 1
            while key in found[kind]:
                number += 1
                key = f"{name} #{number}"
            found[kind][key] = fields
        return found

    def plain(self, value):
        """The same without what differs between two equal worlds."""
        if isinstance(value, dict):
            return {self.plain(key): self.plain(it) for key, it in sorted(value.items())}
        if isinstance(value, (list, tuple, set)):
            return sorted((self.plain(it) for it in value), key=lambda it: json.dumps(it, sort_keys=True, default=str))
        if not isinstance(value, str):
            return value
        for text in sorted(self.names, key=len, reverse=True):
            value = value.replace(text, self.names[text])
        return re.sub(r"(:task-definition/[\w-]+):\d+", r"\1", value)


def tags(listed):
    return dict(sorted((tag.get("Key", tag.get("key")), tag.get("Value", tag.get("value"))) for tag in listed or []))


def called(listed, otherwise):
    """What a thing is called."""
    found = tags(listed)
    return found.get("deployer:address") or found.get("Name") or otherwise


def some(it, *keys):
    """The parts of an answer that are told."""
    return {key: it[key] for key in keys if it.get(key) not in (None, "", [], {})}
