"""What the API's document can't say: what its formats stand for, and which parameters don't go together."""

import ast
import base64
import itertools
import json
import re
import threading

import schemathesis
from hypothesis import strategies as st

# CPython before 3.12 counts the depth of trees that several threads make at once together, and gives up.
parse, turn = ast.parse, threading.RLock()


def parse_alone(*args, **kwargs):
    with turn:
        return parse(*args, **kwargs)


ast.parse = parse_alone

ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Apia"]
ID = "019a0f5e-8f3a-7c21-9d4e-5b6a7c8d9e0f"
serial = itertools.count()


def encoded(place):
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")


def cursor(operation, query):
    """Opaque to clients: a place in this list in this order."""
    if operation == "listApprovals":
        return encoded([1774949400000, ID, "ask.1"])
    if operation == "listUsage":
        groups = query.get("group_by") or []
        groups = [groups] if isinstance(groups, str) else groups
        row = json.dumps([ID, "", ""], separators=(",", ":"))
        return encoded(["usage:" + ",".join(sorted(set(groups))), 20000, row])
    if operation == "listMessages":
        return encoded(["created_at", 1774949400000, ID + ".user"])
    if operation == "listAudit":
        return encoded(["-at", 1774949400000, ID])
    return encoded([query.get("sort", "-created_at"), 1774949400000, ID])


def without_proto(value):
    """The one key that no JSON may have here."""
    if isinstance(value, dict):
        return {key: without_proto(inner) for key, inner in value.items() if key != "__proto__"}
    if isinstance(value, list):
        return [without_proto(inner) for inner in value]
    return value


schemathesis.openapi.format("iana-timezone", st.sampled_from(ZONES))
schemathesis.openapi.format("cursor", st.just("cursor"))


@schemathesis.hook
def before_call(context, case, kwargs):
    # A key that was used with another body is refused: each is used once here.
    key = (case.headers or {}).get("Idempotency-Key")
    if isinstance(key, str) and re.fullmatch("[!-~]{1,200}", key):
        case.headers["Idempotency-Key"] = f"{key}-{next(serial)}"
    # Nobody waits for long: what was made up may never end.
    if isinstance((case.headers or {}).get("Prefer"), str) and case.headers["Prefer"].startswith("wait="):
        case.headers["Prefer"] = "wait=1"
    if case.query and str(case.query.get("wait", "")).isdigit():
        case.query["wait"] = int(case.query["wait"]) % 2
    if (case.operation.definition.raw or {}).get("operationId") == "executeAgent" and "wait" not in (case.query or {}):
        case.query = {**(case.query or {}), "wait": 1}
    # A version that is not there in five seconds is a 503, as documented: nothing made up here gets that far.
    if case.query and str(case.query.get("min_version", "")).isdigit():
        case.query["min_version"] = int(case.query["min_version"]) % 3
    meta = case.meta
    if meta is None or not meta.generation.mode.is_positive:
        return
    # Quotes in a header are beyond its generator.
    match = (case.headers or {}).get("If-Match")
    if match is not None and not re.fullmatch(r'\*|(W/)?"[0-9]{1,15}(-[\w-]*)?"', str(match)):
        case.headers["If-Match"] = "*"
    # Its generator makes strings up where a format's own ones would do.
    for place, name in ((case.query, "timezone"), (case.headers, "Time-Zone")):
        if place and name in place and place[name] not in ZONES:
            place[name] = ZONES[0]
    if isinstance(case.body, (dict, list)):
        case.body = without_proto(case.body)
    if not case.query:
        return
    query = case.query
    operation = (case.operation.definition.raw or {}).get("operationId")
    if "page" in query:
        query.pop("after", None)
        query.pop("before", None)
        query["page"] = 1 + int(query["page"]) % 50
    if "after" in query:
        query.pop("before", None)
    for name in ("after", "before"):
        if name in query and not str(query[name]).isdigit():
            query[name] = cursor(operation, query)
    if operation == "listUsage":
        query.pop("from", None)
        query.pop("to", None)
