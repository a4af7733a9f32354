#!/usr/bin/env bash
# Makes every call of the API against a running server, and checks the statuses and the parts of the responses that
# clients rely on. Needs bash and curl.
#
#   scripts/tour.sh [base URL]          default: http://127.0.0.1:8000
#
# ORIGIN is one of the server's CORS_ALLOWED_ORIGINS; default: http://localhost:3000.
#
# Prints a line per call; exits with 1 if a call failed. Uses new users for each run, and deletes their todos at the
# end.
set -u

base=${1:-http://127.0.0.1:8000}
origin=${ORIGIN:-http://localhost:3000}
todos=/api/v1/todos
files=$(mktemp -d)
calls=0
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

# Prints the result of the previous call.
report() {
    if [ -z "$name" ]; then return; fi
    calls=$((calls + 1))
    if [ -z "$wrong" ]; then
        echo "ok      $name"
    else
        failed=$((failed + 1))
        printf 'FAILED  %s%s\n        response: %s %s\n' "$name" "$wrong" "$status" "$(head -c 600 "$files/body")"
    fi
    name=
}

problem() {
    wrong+=$(printf '\n        %s' "$1")
}

# call NAME STATUS METHOD PATH [arguments of curl]: on behalf of $user, or without a user if that is empty.
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

# The same with a JSON body: send NAME STATUS METHOD PATH BODY [arguments of curl]
send() {
    call "${@:1:4}" -H 'Content-Type: application/json' --data-binary "$5" "${@:6}"
}

# Checks that the body contains this text.
contains() {
    grep -qF -- "$1" "$files/body" || problem "the body does not contain: $1"
}

# Checks that the body is this text.
is() {
    [ "$(cat "$files/body")" = "$1" ] || problem "the body is not: $1"
}

# Checks that the response has this header; the value is a regular expression.
header() {
    grep -qiE -- "^$1: $2.?\$" "$files/head" || problem "no header $1: $2"
}

# Checks that the response is an error with this code, in the common format.
error() {
    header content-type "application/problem[+]json"
    contains '"type":"about:blank"'
    contains "\"status\":$status"
    contains "\"error_code\":\"$1\""
    contains '"field_errors":['
    contains '"request_id":"'
}

# Sets the variable to the first text or number with this name in the body.
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
contains '"title":"Buy groceries"'
contains '"description":"Milk"'
contains '"is_completed":false'
contains '"version":1'
contains "\"user_id\":\"$alice\""
header etag '"1"'
header x-request-id '[0-9a-f-]{36}'
take id id
take created_at created_at
header location "$todos/$id"
[[ $created_at =~ ^[0-9-]{10}T[0-9:]{8}\.[0-9]{6}Z$ ]] || problem "created_at is $created_at"

send 'create: title alone; read-only fields are ignored' 201 POST $todos \
    "{\"title\":\" Zażółć 50%_ß \",\"id\":\"$absent\",\"version\":9,\"completed_at\":null}"
contains '"title":" Zażółć 50%_ß "'
contains '"description":null'
contains '"is_completed":false'
contains '"version":1'
take second id

send 'create: an empty description is not null' 201 POST $todos '{"title":"x","description":""}'
contains '"description":""'
take third id

send 'create: empty title' 422 POST $todos '{"title":""}'
error VALIDATION_ERROR
contains '"detail":"Validation error"'
contains '"field":"title"'
send 'create: title of white space' 422 POST $todos '{"title":" \t\u00a0"}'
error VALIDATION_ERROR
send 'create: over-long title' 422 POST $todos "{\"title\":\"$text256\"}"
contains 'must be at most 255 characters long, but has 256'
send 'create: U+0000 in a text' 422 POST $todos '{"title":"a\u0000b"}'
error VALIDATION_ERROR
send 'create: every invalid field is named' 422 POST $todos '{"title":null,"description":7}'
contains '"field":"title"'
contains '"field":"description"'
send 'create: an unknown field, with a suggestion' 422 POST $todos '{"title":"x","completed":true}'
contains '"field":"completed","message":"is unknown; did you mean is_completed?"'
send 'create: a completed todo' 201 POST $todos '{"title":"Done","is_completed":true}'
contains '"is_completed":true'
take done_id id
call 'create: and delete it again' 204 DELETE "$todos/$done_id"
send 'create: not JSON' 422 POST $todos '{"title":'
contains '"field":"body"'
send 'create: not an object' 422 POST $todos '["x"]'
contains '"field":"body"'
call 'create: another media type' 415 POST $todos -d 'title=x'
error UNSUPPORTED_MEDIA_TYPE
head -c 65537 /dev/zero | tr '\0' ' ' >"$files/big"
send 'create: body over 64 KiB' 413 POST $todos "@$files/big"
error PAYLOAD_TOO_LARGE

# --- The caller ---

user=
send 'no user' 400 POST $todos '{"title":"x"}'
error MISSING_USER_CONTEXT
contains '"detail":"User context required"'
call 'an empty user' 400 GET $todos -H 'X-User-ID;'
error MISSING_USER_CONTEXT
call 'a user that is not a UUID' 400 GET $todos -H 'X-User-ID: me'
error VALIDATION_ERROR
contains '"detail":"Invalid user ID format"'

# --- Get ---

user=$alice
call 'get' 200 GET "$todos/$id"
contains "\"id\":\"$id\""
header etag '"1"'
header content-type application/json
call 'get: HEAD' 200 HEAD "$todos/$id"
header etag '"1"'
call 'get: If-None-Match with the current version' 304 GET "$todos/$id" -H 'If-None-Match: "1"'
header etag '"1"'
is ''
call 'get: If-None-Match with another version' 200 GET "$todos/$id" -H 'If-None-Match: "7"'
call 'get: If-Match with another version' 412 GET "$todos/$id" -H 'If-Match: "7"'
error PRECONDITION_FAILED
call 'get: a tag is compared character by character' 200 GET "$todos/$id" -H 'If-None-Match: "01"'
header vary '.*x-user-id.*'
call 'get: an unknown parameter' 422 GET "$todos/$id?fields=title"
contains '"field":"fields"'
call 'get: absent' 404 GET "$todos/$absent"
error NOT_FOUND
contains '"detail":"Todo not found"'
call 'get: malformed id' 400 GET "$todos/7"
error VALIDATION_ERROR
contains '"detail":"Invalid todo ID format"'
user=$bob
call "get: another user's" 404 GET "$todos/$id"
error NOT_FOUND
contains '"detail":"Todo not found"'

# --- List ---

call 'list: empty' 200 GET $todos
is '{"items":[],"count":0,"next_cursor":null}'
user=$alice
call 'list: all, newest first' 200 GET $todos
contains '"count":3,"next_cursor":null}'
[[ $(cat "$files/body") == *"$third"*"$second"*"$id"* ]] || problem 'not newest first'
call 'list: by time of the last change' 200 GET "$todos?sort=updated_at"
[[ $(cat "$files/body") == *"$id"*"$second"*"$third"* ]] || problem 'not in the order of the last change'
call 'list: a page' 200 GET "$todos?limit=2"
contains '"count":2'
header link "<$todos\\?limit=2&cursor=[A-Za-z0-9_-]+>; rel=\"next\""
take cursor next_cursor
call 'list: the last page' 200 GET "$todos?limit=2&cursor=$cursor"
contains "\"id\":\"$id\""
contains '"count":1,"next_cursor":null}'
call 'list: a cursor of another order' 422 GET "$todos?limit=2&sort=created_at&cursor=$cursor"
error VALIDATION_ERROR
contains '"field":"cursor"'
call 'list: a damaged cursor' 422 GET "$todos?limit=2&cursor=x$cursor"
contains '"field":"cursor"'
call 'list: every invalid parameter is named' 422 GET "$todos?limit=201&sort=completed_at&is_completed=1"
error VALIDATION_ERROR
contains '"field":"limit"'
contains '"field":"sort"'
contains '"field":"is_completed"'
call 'list: search, in any case' 200 GET "$todos?q=ZA%C5%BB%C3%93%C5%81%C4%86"
contains "\"id\":\"$second\""
contains '"count":1'
call 'list: search, wildcards are ordinary' 200 GET "$todos?q=%25_SS"
contains '"count":1'
call 'list: search in descriptions' 200 GET "$todos?q=milk"
contains "\"id\":\"$id\""
call 'list: search, decomposed' 200 GET "$todos?q=zaz%CC%87o%CC%81%C5%82c%CC%81"
contains "\"id\":\"$second\""
call 'list: by ids' 200 GET "$todos?id=$id&id=$third&id=$absent"
contains '"count":2'
call 'list: an empty cursor is the first page' 200 GET "$todos?limit=1&cursor="
contains "\"id\":\"$third\""
call 'list: an unknown parameter, with a suggestion' 422 GET "$todos?completed=true"
contains 'did you mean is_completed?'
call 'list: completed ones' 200 GET "$todos?is_completed=true"
is '{"items":[],"count":0,"next_cursor":null}'

# --- Update ---

send 'update: title' 200 PATCH "$todos/$id" '{"title":"Buy flowers"}'
contains '"title":"Buy flowers"'
contains '"description":"Milk"'
contains '"version":2'
contains "\"created_at\":\"$created_at\""
header etag '"2"'
send 'update: completion' 200 PATCH "$todos/$id" '{"is_completed":true}'
contains '"is_completed":true'
contains '"version":3'
send 'update: null clears the description' 200 PATCH "$todos/$id" '{"description":null}'
contains '"description":null'
contains '"version":4'
send 'update: no fields' 200 PATCH "$todos/$id" '{}'
contains '"version":4'
send 'update: the same value' 200 PATCH "$todos/$id" '{"is_completed":true}'
contains '"version":4'
call 'update: the next read sees it' 200 GET "$todos/$id"
contains '"version":4'
send 'update: empty title' 422 PATCH "$todos/$id" '{"title":""}'
error VALIDATION_ERROR
send 'update: null for a required value' 422 PATCH "$todos/$id" '{"title":null,"is_completed":null}'
contains '"field":"title"'
contains '"field":"is_completed"'
send 'update: If-Match with the current version' 200 PATCH "$todos/$id" '{"is_completed":false}' -H 'If-Match: "4"'
contains '"version":5'
send 'update: If-Match with an old version' 412 PATCH "$todos/$id" '{"title":"y"}' -H 'If-Match: "4"'
error PRECONDITION_FAILED
contains '"current":{'
contains '"title":"Buy flowers"'
header etag '"5"'
send 'update: If-None-Match with the current version' 412 PATCH "$todos/$id" '{"title":"y"}' -H 'If-None-Match: "5"'
error PRECONDITION_FAILED
send 'update: an unknown field' 422 PATCH "$todos/$id" '{"completed":true}'
contains '"field":"completed"'
send 'update: a malformed condition' 400 PATCH "$todos/$id" '{}' -H 'If-Match: 4'
error VALIDATION_ERROR
contains '"field":"If-Match"'
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
contains "\"id\":\"$own\""
contains '"version":1'
header location "$todos/$own"
header etag '"1"'
send 'put: repeated, changes nothing' 200 PUT "$todos/$own" "$whole"
contains '"version":1'
send 'put: replaces' 200 PUT "$todos/$own" '{"title":"Call dad","description":"Now","is_completed":true}'
contains '"title":"Call dad"'
contains '"version":2'
send 'put: every field is required' 422 PUT "$todos/$own" '{}'
contains '"field":"title"'
contains '"field":"description"'
contains '"field":"is_completed"'
send 'put: only if absent' 412 PUT "$todos/$own" "$whole" -H 'If-None-Match: *'
error PRECONDITION_FAILED
contains '"title":"Call dad"'
send 'put: If-Match with an old version' 412 PUT "$todos/$own" "$whole" -H 'If-Match: "1"'
error PRECONDITION_FAILED
send 'put: If-Match on an absent todo' 412 PUT "$todos/$absent" "$whole" -H 'If-Match: "1"'
error PRECONDITION_FAILED
contains '"current":null'
user=$bob
send "put: another user's id is free" 201 PUT "$todos/$own" "$whole"
contains "\"user_id\":\"$bob\""
contains '"version":1'

# --- Counters and bulk calls ---

user=$alice
call 'who am I' 200 GET "${todos%/todos}/me"
is "{\"user_id\":\"$alice\",\"subject\":null,\"expires_at\":null}"
call 'stats' 200 GET "$todos/stats"
is '{"total":4,"active":3,"completed":1,"overdue":0,"by_priority":{"low":0,"medium":3,"high":0}}'
call 'stats: filtered' 200 GET "$todos/stats?is_completed=false&q=x"
contains '{"total":1,"active":1,"completed":0,'
call 'events: what a stream is like' 200 HEAD "$todos/events"
header content-type text/event-stream
header x-accel-buffering no
call 'events: damaged token' 422 GET "$todos/events?since=x"
error VALIDATION_ERROR
send 'update many' 200 PATCH "$todos?is_completed=false" '{"is_completed":true}'
is '{"affected":3}'
send 'update many: none match' 200 PATCH "$todos?is_completed=false" '{"is_completed":true}'
is '{"affected":0}'
call 'list: completed ones, last changed first, as a page' 200 GET "$todos?is_completed=true&sort=-updated_at&limit=3"
contains '"count":3'
contains '"next_cursor":"'
send 'update many: no filter' 422 PATCH $todos '{"is_completed":false}'
error VALIDATION_ERROR
contains '"field":"all"'
send 'update many: all' 200 PATCH "$todos?all=true" '{"is_completed":false}'
is '{"affected":4}'
call 'delete many: by search' 200 DELETE "$todos?q=z%C4%85" # "zą", which no todo contains
is '{"affected":0}'
call 'delete many: a misspelt filter' 422 DELETE "$todos?all=true&completed=true"
contains '"field":"completed"'
call 'delete many: all together with a filter' 422 DELETE "$todos?all=true&is_completed=true"
contains '"field":"all"'
call 'delete many: limit is rejected' 422 DELETE "$todos?is_completed=true&limit=1"
contains '"field":"limit"'
call 'delete many: by ids' 200 DELETE "$todos?id=$absent"
is '{"affected":0}'
call 'delete many: no filter' 422 DELETE $todos
error VALIDATION_ERROR
contains '"field":"all"'

# --- Priority, due time, tags ---

carol=$(uuid)
user=$carol
rent=$(uuid)
send 'fields: the defaults' 201 POST $todos '{"title":"Plant tulips"}'
contains '"priority":"medium","due":null,"tags":[]'
take tulips id
send 'fields: a date comes back as it is' 201 PUT "$todos/$rent" \
    '{"title":"Pay the rent","description":null,"is_completed":false,"priority":"high","due":"2026-03-01","tags":[" Home ","HOME","money"]}'
contains '"priority":"high","due":"2026-03-01","tags":["Home","money"]'
send 'fields: an instant comes back in UTC' 201 POST $todos \
    '{"title":"Call the plumber","priority":"low","due":"2026-03-01T09:00:00+01:00","tags":["home"]}'
contains '"priority":"low","due":"2026-03-01T08:00:00.000000Z","tags":["home"]'
take plumber id
send 'fields: every invalid value is named' 422 POST $todos \
    '{"title":"x","priority":"urgent","due":"2026-02-30","tags":["a,b"]}'
error VALIDATION_ERROR
contains '"field":"priority"'
contains '"field":"due"'
contains '"field":"tags[0]"'
send 'fields: null is only a due time' 422 PATCH "$todos/$rent" '{"priority":null,"tags":null}'
contains '"field":"priority"'
contains '"field":"tags"'
send 'put: fields that older clients do not know stay' 200 PUT "$todos/$rent" \
    '{"title":"Pay the rent","description":"By Friday","is_completed":false}'
contains '"priority":"high","due":"2026-03-01","tags":["Home","money"]'
call 'list: by tags, in any case' 200 GET "$todos?tag=HOME&tag=Money"
contains "\"id\":\"$rent\""
contains '"count":1'
call 'list: by priorities' 200 GET "$todos?priority=low&priority=high"
contains '"count":2'
call 'list: not due' 200 GET "$todos?has_due=false"
contains "\"id\":\"$tulips\""
contains '"count":1'
today='due_after=2026-02-28T23:59:59.999999%2B01:00&due_before=2026-03-02T00:00:00%2B01:00'
call 'list: due on a day in a zone, first due first' 200 GET "$todos?$today&sort=due"
contains '"count":2'
[[ $(cat "$files/body") == *"$plumber"*"$rent"* ]] || problem 'not in the order of the due times'
call 'list: overdue in a zone' 200 GET "$todos?is_completed=false&due_before=2026-03-01T10:00:00%2B01:00"
contains "\"id\":\"$plumber\""
contains '"count":1'
call 'list: a + that is not escaped' 422 GET "$todos?due_before=2026-03-01T10:00:00+01:00"
contains '"field":"due_before"'
contains '%2B'
call 'list: todos that are not due come last' 200 GET "$todos?sort=-due"
[[ $(cat "$files/body") == *"$rent"*"$plumber"*"$tulips"* ]] || problem 'not in the order of the due times'
call 'list: a page by due time' 200 GET "$todos?sort=due&limit=2"
take cursor next_cursor
call 'list: the last page by due time' 200 GET "$todos?sort=due&limit=2&cursor=$cursor"
contains "\"id\":\"$tulips\""
contains '"count":1,"next_cursor":null}'
call 'list: most important first' 200 GET "$todos?sort=-priority"
[[ $(cat "$files/body") == *"$rent"*"$tulips"*"$plumber"* ]] || problem 'not in the order of the priorities'
call 'list: by title' 200 GET "$todos?sort=title"
[[ $(cat "$files/body") == *"$plumber"*"$rent"*"$tulips"* ]] || problem 'not in the order of the titles'
call 'stats: overdue in a zone' 200 GET "$todos/stats?now=2026-03-01T10:00:00%2B01:00"
is '{"total":3,"active":3,"completed":0,"overdue":1,"by_priority":{"low":1,"medium":1,"high":1}}'
call 'stats: now is an instant' 422 GET "$todos/stats?now=2026-03-01"
contains '"field":"now"'
call 'tags' 200 GET "${todos%/todos}/tags"
is '{"items":[{"name":"Home","count":2},{"name":"money","count":1}]}'
send 'tags: rename' 200 PATCH "${todos%/todos}/tags/home" '{"name":"House / flat"}'
is '{"affected":2}'
send 'tags: rename, none has it' 200 PATCH "${todos%/todos}/tags/home" '{"name":"House"}'
is '{"affected":0}'
send 'tags: rename, invalid' 422 PATCH "${todos%/todos}/tags/money" '{"name":"a,b"}'
contains '"field":"name"'
send 'update many: priority, due time, tags' 200 PATCH "$todos?tag=money" \
    '{"priority":"low","due":null,"add_tags":["bank"],"remove_tags":["MONEY"]}'
is '{"affected":1}'
call 'update many: the next read sees it' 200 GET "$todos/$rent"
contains '"priority":"low","due":null,"tags":["House / flat","bank"]'
call 'tags: delete, percent-encoded' 200 DELETE "${todos%/todos}/tags/house%20%2F%20flat"
is '{"affected":2}'
user=$bob
call "tags: another user's" 200 GET "${todos%/todos}/tags"
is '{"items":[]}'
user=$carol
call 'delete many: by priority' 200 DELETE "$todos?priority=low&priority=medium"
is '{"affected":3}'

# --- Delete ---

user=$alice
call 'delete: If-Match with an old version' 412 DELETE "$todos/$id" -H 'If-Match: "1"'
error PRECONDITION_FAILED
contains '"current":{'
user=$bob
call "delete: another user's" 404 DELETE "$todos/$id"
error NOT_FOUND
user=$alice
call 'delete: its owner still has it' 200 GET "$todos/$id"
call 'delete' 204 DELETE "$todos/$id"
is ''
call 'delete: afterwards it is absent' 404 GET "$todos/$id"
error NOT_FOUND
call 'delete: absent' 404 DELETE "$todos/$id"
error NOT_FOUND
call 'delete many: all' 200 DELETE "$todos?all=true"
is '{"affected":3}'
user=$bob
call "delete many: other users' todos are not affected" 200 GET "$todos/stats"
contains '{"total":1,"active":1,"completed":0,'
call 'delete many: by completion' 200 DELETE "$todos?is_completed=false"
is '{"affected":1}'

# --- Health, documentation, errors, CORS ---

user=
call 'health' 200 GET /health
is '{"status":"healthy"}'
call 'health: ready' 200 GET /health/ready
call 'the API description' 200 GET /openapi.json
contains '"openapi": "3.1'
call 'the API browser' 200 GET /docs
contains '<html'
call 'the API browser: its files' 200 GET /docs/swagger-ui-bundle.js
call 'the API browser: its icon' 200 GET /favicon.ico
call 'the API browser: where browsers are led' 307 GET /
call 'unknown route' 404 GET /api/v1/nothing
error NOT_FOUND
contains '"detail":"Resource not found"'
call 'other method' 405 PUT $todos
error METHOD_NOT_ALLOWED
header allow 'GET, HEAD, POST, PATCH, DELETE'
call "the client's request id is kept" 404 GET /api/v1/nothing -H 'X-Request-ID: tour-1'
header x-request-id tour-1
contains '"request_id":"tour-1"'
call 'CORS: preflight' 200 OPTIONS $todos -H "Origin: $origin" \
    -H 'Access-Control-Request-Method: PATCH' -H 'Access-Control-Request-Headers: x-user-id,if-match,content-type'
header access-control-allow-origin "($origin|[*])"
header access-control-allow-methods '.*PATCH.*'
header access-control-allow-headers '.*x-user-id.*'
call 'CORS: preflight with tracing headers' 200 OPTIONS $todos -H "Origin: $origin" \
    -H 'Access-Control-Request-Method: GET' -H 'Access-Control-Request-Headers: authorization,traceparent'
call 'CORS: errors have the headers, too' 400 GET $todos -H "Origin: $origin"
error MISSING_USER_CONTEXT
header access-control-allow-origin "($origin|[*])"
header access-control-expose-headers '.*etag.*'

report
echo
echo "$calls calls, $failed failed"
[ "$failed" -eq 0 ]
