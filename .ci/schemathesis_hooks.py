"""What no schema can say: which well-formed values fit together.

Each rule turns a request that the schema allows into one that the API accepts, so that every refusal of a
well-formed request is a finding. Requests that are meant to be refused are left alone.
"""

import re

import schemathesis
from schemathesis import GenerationMode

# The pattern of both headers.
ENTITY_TAGS = re.compile(r'''^(\*|(W/)?"[!#-~]*"(, ?(W/)?"[!#-~]*")*)$''')


@schemathesis.hook
def before_call(context, case, kwargs):
    if case.meta is None or case.meta.generation.mode != GenerationMode.POSITIVE:
        return
    operation = case.operation.definition.raw["operationId"]
    if operation == "listTodos" and case.query:
        # A cursor is made by the server, for one list: one that is made up is always refused.
        case.query.pop("cursor", None)
    if operation in ("updateTodos", "deleteTodos") and not filters(case.query):
        # Without a filter, all must be meant.
        case.query = {**(case.query or {}), "all": "true"}
    if operation in ("updateTodos", "deleteTodos") and filters(case.query):
        # Beside a filter, all cannot be meant.
        case.query.pop("all", None)
    for name in ("If-Match", "If-None-Match"):
        # Its coverage phase makes up values that the pattern forbids.
        if case.headers and not ENTITY_TAGS.match(case.headers.get(name, "*")):
            case.headers[name] = '"0"'
    if case.headers and "If-Match" in case.headers:
        # A tag that is made up is no todo's; these are, until the todo has been changed often.
        if case.headers["If-Match"] != "*":
            case.headers["If-Match"] = '"1", "2", "3", ' + case.headers["If-Match"]


def filters(query):
    return query and ("is_completed" in query or query.get("q") or query.get("id"))
