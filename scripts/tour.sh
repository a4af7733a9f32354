#!/usr/bin/env bash
# Makes every call of the API against a running server, and checks its status and the parts of its answer that
# clients rely on. Needs bash and curl.
#
#   scripts/tour.sh [base URL]          default: http://127.0.0.1:8000
#
# ORIGIN is one of the server's CORS_ALLOWED_ORIGINS; default: http://localhost:3000.
#
# Prints a line for each call; exits with 1 when one of them failed. Works with users of its own, made up for
# this run, and removes their todos at the end.
set -u

base=${1:-http://127.0.0.1:8000}
origin=${ORIGIN:-http://localhost:3000}
todos=/api/v1/todos
files=$(mktemp -d)
made=0
failed=0
name=

finish() {
    report
    rm -rf "$files"
}

# A random UUID (version 4).
uuid() {
    local hex=
    while [ ${#hex} -lt 32 ]; do hex+=$(printf '%04x' $((RANDOM * 2 + RANDOM % 2))); done
    echo "${hex:0:8}-${hex:8:4}-4${hex:13:3}-a${hex:17:3}-${hex:20:12}"
}

# Prints how the call before went.
report() {
    if [ -z "$name" ]; then return; fi
    made=$((made + 1))
    if [ -z "$wrong" ]; then
        echo "ok      $name"
    else
        failed=$((failed + 1))
        printf 'FAILED  %s%s\n        answer: %s %s\n' "$name" "$wrong" "$status" "$(head -c 600 "$files/body")"
    fi
    name=
}

problem() {
    wrong+=$(printf '\n        %s' "$1")
}

# call NAME STATUS METHOD PATH [curl's arguments]: as $user, or as nobody when that is empty.
call() {
    report
    name=$1 wrong=
    local expected=$2 method=$3 path=$4 how=(-X "$3")
    shift 4
    if [ "$method" = HEAD ]; then how=(--head); fi
    if [ -n "$user" ]; then how+=(-H "X-User-ID: $user"); fi
    : >"$files/body"
    status=$(curl -sS --max-time 10 -o "$files/body" -D "$files/head" -w '%{http_code}' "${how[@]}" "$@" \
        "$base$path" 2>"$files/curl") || problem "$(cat "$files/curl")"
    if [ "$status" != "$expected" ]; then problem "status is not $expected"; fi
}

# The same with a JSON body: send NAME STATUS METHOD PATH BODY [curl's arguments]
send() {
    call "${@:1:4}" -H 'Content-Type: application/json' --data-binary "$5" "${@:6}"
}

# The body holds this text.
holds() {
    grep -qF -- "$1" "$files/body" || problem "the body does not hold: $1"
}

# The body is this text.
is() {
    [ "$(cat "$files/body")" = "$1" ] || problem "the body is not: $1"
}

# The answer has this header; the value is a regular expression.
header() {
    grep -qiE -- "^$1: $2.?\$" "$files/head" || problem "no header $1: $2"
}

# The answer is an error of this code, in the one shape.
error() {
    header content-type "application/problem[+]json"
    holds '"type":"about:blank"'
    holds "\"status\":$status"
    holds "\"error_code\":\"$1\""
    holds '"field_errors":['
    holds '"request_id":"'
}

# Sets the variable to the text (or number) that the body has under this name first.
take() {
    local value
    value=$(grep -oE "\"$2\":(\"[^\"]*\"|[0-9]+)" "$files/body" | head -n 1)
    value=${value#*:} value=${value#\"}
    printf -v "$1" %s "${value%\"}"
}

trap finish EXIT

alice=$(uuid)
bob=$(uuid)
absent=$(uuid)
text256=$(printf '%0256d' 0)

# --- Create ---

user=$alice
send 'create: title and description' 201 POST $todos '{"title":"Buy groceries","description":"Milk"}'
holds '"title":"Buy groceries"'
holds '"description":"Milk"'
holds '"is_completed":false'
holds '"version":1'
holds "\"user_id\":\"$alice\""
header etag '"1"'
header x-request-id '[0-9a-f-]{36}'
take id id
take created_at created_at
header location "$todos/$id"
[[ $created_at =~ ^[0-9-]{10}T[0-9:]{8}\.[0-9]{6}Z$ ]] || problem "created_at is $created_at"

send 'create: title alone; read-only fields are ignored' 201 POST $todos \
    "{\"title\":\" Zażółć 50%_ß \",\"id\":\"$absent\",\"version\":9,\"completed_at\":null}"
holds '"title":" Zażółć 50%_ß "'
holds '"description":null'
holds '"is_completed":false'
holds '"version":1'
take second id

send 'create: an empty description is not null' 201 POST $todos '{"title":"x","description":""}'
holds '"description":""'
take third id

send 'create: empty title' 422 POST $todos '{"title":""}'
error VALIDATION_ERROR
holds '"detail":"Validation error"'
holds '"field":"title"'
send 'create: title of white space' 422 POST $todos '{"title":" \t\u00a0"}'
error VALIDATION_ERROR
send 'create: over-long title' 422 POST $todos "{\"title\":\"$text256\"}"
holds 'must be at most 255 characters long, but has 256'
send 'create: U+0000 in a text' 422 POST $todos '{"title":"a\u0000b"}'
error VALIDATION_ERROR
send 'create: every bad field is named at once' 422 POST $todos '{"title":null,"description":7}'
holds '"field":"title"'
holds '"field":"description"'
send 'create: an unknown field, and what was probably meant' 422 POST $todos '{"title":"x","completed":true}'
holds '"field":"completed","message":"is not known here; did you mean is_completed?"'
send 'create: completed already' 201 POST $todos '{"title":"Done","is_completed":true}'
holds '"is_completed":true'
take done_id id
call 'create: which is removed again' 204 DELETE "$todos/$done_id"
send 'create: not JSON' 422 POST $todos '{"title":'
holds '"field":"body"'
send 'create: not an object' 422 POST $todos '["x"]'
holds '"field":"body"'
call 'create: another media type' 415 POST $todos -d 'title=x'
error UNSUPPORTED_MEDIA_TYPE
head -c 65537 /dev/zero | tr '\0' ' ' >"$files/big"
send 'create: body over 64 KiB' 413 POST $todos "@$files/big"
error PAYLOAD_TOO_LARGE

# --- The caller ---

user=
send 'no user' 400 POST $todos '{"title":"x"}'
error MISSING_USER_CONTEXT
holds '"detail":"User context required"'
call 'an empty user' 400 GET $todos -H 'X-User-ID;'
error MISSING_USER_CONTEXT
call 'a user that is no UUID' 400 GET $todos -H 'X-User-ID: me'
error VALIDATION_ERROR
holds '"detail":"Invalid user ID format"'

# --- Get ---

user=$alice
call 'get' 200 GET "$todos/$id"
holds "\"id\":\"$id\""
header etag '"1"'
header content-type application/json
call 'get: HEAD' 200 HEAD "$todos/$id"
header etag '"1"'
call 'get: a version that the client has' 304 GET "$todos/$id" -H 'If-None-Match: "1"'
header etag '"1"'
is ''
call 'get: a version that the client has not' 200 GET "$todos/$id" -H 'If-None-Match: "7"'
call 'get: only of a version' 412 GET "$todos/$id" -H 'If-Match: "7"'
error PRECONDITION_FAILED
call 'get: a tag is compared character by character' 200 GET "$todos/$id" -H 'If-None-Match: "01"'
header vary '.*x-user-id.*'
call 'get: an unknown parameter' 422 GET "$todos/$id?fields=title"
holds '"field":"fields"'
call 'get: absent' 404 GET "$todos/$absent"
error NOT_FOUND
holds '"detail":"Todo not found"'
call 'get: malformed id' 400 GET "$todos/7"
error VALIDATION_ERROR
holds '"detail":"Invalid todo ID format"'
user=$bob
call "get: another user's" 404 GET "$todos/$id"
error NOT_FOUND
holds '"detail":"Todo not found"'

# --- List ---

call 'list: nothing' 200 GET $todos
is '{"items":[],"count":0,"next_cursor":null}'
user=$alice
call 'list: all, newest first' 200 GET $todos
holds '"count":3,"next_cursor":null}'
[[ $(cat "$files/body") == *"$third"*"$second"*"$id"* ]] || problem 'not the newest first'
call 'list: the last changed last' 200 GET "$todos?sort=updated_at"
[[ $(cat "$files/body") == *"$id"*"$second"*"$third"* ]] || problem 'not the first changed first'
call 'list: a page' 200 GET "$todos?limit=2"
holds '"count":2'
header link "<$todos\\?limit=2&cursor=[A-Za-z0-9_-]+>; rel=\"next\""
take cursor next_cursor
call 'list: the last page' 200 GET "$todos?limit=2&cursor=$cursor"
holds "\"id\":\"$id\""
holds '"count":1,"next_cursor":null}'
call 'list: a cursor of another order' 422 GET "$todos?limit=2&sort=created_at&cursor=$cursor"
error VALIDATION_ERROR
holds '"field":"cursor"'
call 'list: a damaged cursor' 422 GET "$todos?limit=2&cursor=x$cursor"
holds '"field":"cursor"'
call 'list: every bad parameter is named at once' 422 GET "$todos?limit=201&sort=title&is_completed=1"
error VALIDATION_ERROR
holds '"field":"limit"'
holds '"field":"sort"'
holds '"field":"is_completed"'
call 'list: search, in any case' 200 GET "$todos?q=ZA%C5%BB%C3%93%C5%81%C4%86"
holds "\"id\":\"$second\""
holds '"count":1'
call 'list: search, wildcards are ordinary' 200 GET "$todos?q=%25_SS"
holds '"count":1'
call 'list: search in descriptions' 200 GET "$todos?q=milk"
holds "\"id\":\"$id\""
call 'list: search, decomposed' 200 GET "$todos?q=zaz%CC%87o%CC%81%C5%82c%CC%81"
holds "\"id\":\"$second\""
call 'list: of these ids' 200 GET "$todos?id=$id&id=$third&id=$absent"
holds '"count":2'
call 'list: an empty cursor is the first page' 200 GET "$todos?limit=1&cursor="
holds "\"id\":\"$third\""
call 'list: an unknown parameter, and what was probably meant' 422 GET "$todos?completed=true"
holds 'did you mean is_completed?'
call 'list: completed ones' 200 GET "$todos?is_completed=true"
is '{"items":[],"count":0,"next_cursor":null}'

# --- Update ---

send 'update: title' 200 PATCH "$todos/$id" '{"title":"Buy flowers"}'
holds '"title":"Buy flowers"'
holds '"description":"Milk"'
holds '"version":2'
holds "\"created_at\":\"$created_at\""
header etag '"2"'
send 'update: completion' 200 PATCH "$todos/$id" '{"is_completed":true}'
holds '"is_completed":true'
holds '"version":3'
send 'update: null clears the description' 200 PATCH "$todos/$id" '{"description":null}'
holds '"description":null'
holds '"version":4'
send 'update: nothing' 200 PATCH "$todos/$id" '{}'
holds '"version":4'
send 'update: what is so already' 200 PATCH "$todos/$id" '{"is_completed":true}'
holds '"version":4'
call 'update: is seen by the next read' 200 GET "$todos/$id"
holds '"version":4'
send 'update: empty title' 422 PATCH "$todos/$id" '{"title":""}'
error VALIDATION_ERROR
send 'update: null where there must be a value' 422 PATCH "$todos/$id" '{"title":null,"is_completed":null}'
holds '"field":"title"'
holds '"field":"is_completed"'
send 'update: the version that the client means' 200 PATCH "$todos/$id" '{"is_completed":false}' -H 'If-Match: "4"'
holds '"version":5'
send 'update: a version that is gone' 412 PATCH "$todos/$id" '{"title":"y"}' -H 'If-Match: "4"'
error PRECONDITION_FAILED
holds '"current":{'
holds '"title":"Buy flowers"'
header etag '"5"'
send 'update: not of a version' 412 PATCH "$todos/$id" '{"title":"y"}' -H 'If-None-Match: "5"'
error PRECONDITION_FAILED
send 'update: an unknown field' 422 PATCH "$todos/$id" '{"completed":true}'
holds '"field":"completed"'
send 'update: a condition that cannot be read' 400 PATCH "$todos/$id" '{}' -H 'If-Match: 4'
error VALIDATION_ERROR
holds '"field":"If-Match"'
send 'update: absent' 404 PATCH "$todos/$absent" '{"title":"y"}'
error NOT_FOUND
user=$bob
send "update: another user's" 404 PATCH "$todos/$id" '{"title":"y"}'
error NOT_FOUND

# --- Put ---

user=$alice
own=$(uuid)
whole='{"title":"Call mum","description":null,"is_completed":false}'
send 'put: creates' 201 PUT "$todos/$own" "$whole"
holds "\"id\":\"$own\""
holds '"version":1'
header location "$todos/$own"
header etag '"1"'
send 'put: again, changes nothing' 200 PUT "$todos/$own" "$whole"
holds '"version":1'
send 'put: replaces' 200 PUT "$todos/$own" '{"title":"Call dad","description":"Now","is_completed":true}'
holds '"title":"Call dad"'
holds '"version":2'
send 'put: everything is required' 422 PUT "$todos/$own" '{}'
holds '"field":"title"'
holds '"field":"description"'
holds '"field":"is_completed"'
send 'put: only create' 412 PUT "$todos/$own" "$whole" -H 'If-None-Match: *'
error PRECONDITION_FAILED
holds '"title":"Call dad"'
send 'put: only replace, a version that is gone' 412 PUT "$todos/$own" "$whole" -H 'If-Match: "1"'
error PRECONDITION_FAILED
send 'put: only replace, where nothing is' 412 PUT "$todos/$absent" "$whole" -H 'If-Match: "1"'
error PRECONDITION_FAILED
holds '"current":null'
user=$bob
send "put: another user's id is free" 201 PUT "$todos/$own" "$whole"
holds "\"user_id\":\"$bob\""
holds '"version":1'

# --- Counters, and many at once ---

user=$alice
call 'stats' 200 GET "$todos/stats"
is '{"total":4,"active":3,"completed":1}'
call 'stats: of what matches' 200 GET "$todos/stats?is_completed=false&q=x"
is '{"total":1,"active":1,"completed":0}'
send 'update many' 200 PATCH "$todos?is_completed=false" '{"is_completed":true}'
is '{"affected":3}'
send 'update many: none is left' 200 PATCH "$todos?is_completed=false" '{"is_completed":true}'
is '{"affected":0}'
call 'list: completed ones, last changed first, in pages' 200 GET "$todos?is_completed=true&sort=-updated_at&limit=3"
holds '"count":3'
holds '"next_cursor":"'
send 'update many: no filter' 422 PATCH $todos '{"is_completed":false}'
error VALIDATION_ERROR
holds '"field":"all"'
send 'update many: all' 200 PATCH "$todos?all=true" '{"is_completed":false}'
is '{"affected":4}'
call 'delete many: by search' 200 DELETE "$todos?q=z%C4%85" # "zą", which nothing holds
is '{"affected":0}'
call 'delete many: a misspelt filter' 422 DELETE "$todos?all=true&completed=true"
holds '"field":"completed"'
call 'delete many: all beside a filter' 422 DELETE "$todos?all=true&is_completed=true"
holds '"field":"all"'
call 'delete many: no limit' 422 DELETE "$todos?is_completed=true&limit=1"
holds '"field":"limit"'
call 'delete many: of these ids' 200 DELETE "$todos?id=$absent"
is '{"affected":0}'
call 'delete many: no filter' 422 DELETE $todos
error VALIDATION_ERROR
holds '"field":"all"'

# --- Delete ---

call 'delete: a version that is gone' 412 DELETE "$todos/$id" -H 'If-Match: "1"'
error PRECONDITION_FAILED
holds '"current":{'
user=$bob
call "delete: another user's" 404 DELETE "$todos/$id"
error NOT_FOUND
user=$alice
call 'delete: it is still there for its owner' 200 GET "$todos/$id"
call 'delete' 204 DELETE "$todos/$id"
is ''
call 'delete: it is gone' 404 GET "$todos/$id"
error NOT_FOUND
call 'delete: absent' 404 DELETE "$todos/$id"
error NOT_FOUND
call 'delete many: all' 200 DELETE "$todos?all=true"
is '{"affected":3}'
user=$bob
call "delete many: stops at the user's own" 200 GET "$todos/stats"
is '{"total":1,"active":1,"completed":0}'
call 'delete many: by completion' 200 DELETE "$todos?is_completed=false"
is '{"affected":1}'

# --- The rest ---

user=
call 'health' 200 GET /health
is '{"status":"healthy"}'
call 'health: ready' 200 GET /health/ready
call 'the API description' 200 GET /openapi.json
holds '"openapi": "3.1'
call 'the API browser' 200 GET /docs
holds '<html'
call 'the API browser: its files' 200 GET /docs/swagger-ui-bundle.js
call 'the API browser: its icon' 200 GET /favicon.ico
call 'the API browser: where browsers are led' 307 GET /
call 'unknown route' 404 GET /api/v1/nothing
error NOT_FOUND
holds '"detail":"Resource not found"'
call 'other method' 405 PUT $todos
error METHOD_NOT_ALLOWED
header allow 'GET, HEAD, POST, PATCH, DELETE'
call 'a request id is taken over' 404 GET /api/v1/nothing -H 'X-Request-ID: tour-1'
header x-request-id tour-1
holds '"request_id":"tour-1"'
call 'CORS: a page asks first' 200 OPTIONS $todos -H "Origin: $origin" \
    -H 'Access-Control-Request-Method: PATCH' -H 'Access-Control-Request-Headers: x-user-id,if-match,content-type'
header access-control-allow-origin "($origin|[*])"
header access-control-allow-methods '.*PATCH.*'
header access-control-allow-headers '.*x-user-id.*'
call 'CORS: libraries for tracing may add their headers' 200 OPTIONS $todos -H "Origin: $origin" \
    -H 'Access-Control-Request-Method: GET' -H 'Access-Control-Request-Headers: authorization,traceparent'
call 'CORS: errors carry it, too' 400 GET $todos -H "Origin: $origin"
error MISSING_USER_CONTEXT
header access-control-allow-origin "($origin|[*])"
header access-control-expose-headers '.*etag.*'

report
echo
echo "$made calls, $failed failed"
[ "$failed" -eq 0 ]
