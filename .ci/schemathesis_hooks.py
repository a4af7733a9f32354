"""Rules that a schema cannot express: which valid values can be combined.

Each rule turns a request that matches the schema into one that the API accepts, so that every rejection of a valid
request is a finding. Requests that are meant to be rejected are not changed.

And a check of the caller, which is a security scheme and therefore not varied otherwise.
"""

import itertools
import re

import requests
import schemathesis
from schemathesis import GenerationMode

# The pattern of If-Match and If-None-Match.
ENTITY_TAGS = re.compile(r'''^(\*|(W/)?"[!#-~]*"(, ?(W/)?"[!#-~]*")*)$''')


@schemathesis.hook
def before_call(context, case, kwargs):
    if case.meta is None or case.meta.generation.mode != GenerationMode.POSITIVE:
        return
    operation = case.operation.definition.raw["operationId"]
    if operation == "listTodos" and case.query:
        # The server generates cursors, each for one list: a made-up cursor is always rejected.
        case.query.pop("cursor", None)
    if operation == "listChanges" and case.query:
        # The server generates tokens, too.
        case.query.pop("since", None)
    if operation in ("updateTodos", "deleteTodos") and not filters(case.query):
        # all=true is required without a filter,
        case.query = {**(case.query or {}), "all": "true"}
    if operation in ("updateTodos", "deleteTodos") and filters(case.query):
        # and rejected with one.
        case.query.pop("all", None)
    body = case.body
    if operation == "updateTodos" and isinstance(body, dict) and body.get("add_tags"):
        # A tag in both is rejected, and so are more than 20 for a todo, which it may reach after many calls: change none.
        body.pop("remove_tags", None)
        case.query = {**(case.query or {}), "id": ["00000000-0000-4000-8000-000000000000"]}
        case.query.pop("all", None)
    for name in ("If-Match", "If-None-Match"):
        # The coverage phase generates values that the pattern forbids.
        if case.headers and not ENTITY_TAGS.match(case.headers.get(name, "*")):
            case.headers[name] = '"0"'
    if case.headers and "If-Match" in case.headers:
        # A made-up tag never matches; these match until the todo has been changed several times.
        if case.headers["If-Match"] != "*":
            case.headers["If-Match"] = '"1", "2", "3", ' + case.headers["If-Match"]


FILTERS = ("id", "q", "priority", "tag", "due_before", "due_after", "has_due", "is_completed")


def filters(query):
    # An empty value or an empty array is no filter.
    return query and any(query.get(name) not in (None, "", []) for name in FILTERS)


# What may stand in X-User-ID and names nobody, None for nothing, with the error_code it gets.
USER = "550e8400-e29b-41d4-a716-446655440000"
NOBODY = itertools.cycle(
    [(value, "MISSING_USER_CONTEXT") for value in (None, "", " ")]
    + [
        (value, "VALIDATION_ERROR")
        for value in ("0", "me", "null", "\xff", USER[1:], f"{{{USER}}}", f"{USER}, {USER}", USER.replace("-", ""), "%00")
    ]
)


@schemathesis.check
def caller_is_required(ctx, response, case):
    """What succeeds for a caller is refused to nobody, each time with another way to be nobody."""
    if response.status_code >= 300 or "X-User-ID" not in response.request.headers:
        return
    value, code = next(NOBODY)
    request = response.request.copy()
    del request.headers["X-User-ID"]
    if value is not None:
        request.headers["X-User-ID"] = value.encode("latin-1")
    with requests.Session() as session:
        answer = session.send(request, verify=response.verify)
    problem = answer.json() if answer.status_code == 400 else {}
    if problem.get("error_code") != code or [it["field"] for it in problem["field_errors"]] != ["X-User-ID"]:
        raise AssertionError(f"with X-User-ID {value!r}: {answer.status_code} {answer.text}, not a 400 {code}")
