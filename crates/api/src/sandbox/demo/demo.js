/*
Built from examples/offline-todo; do not edit. Contains:

idb:

ISC License (ISC)
Copyright (c) 2016, Jake Archibald <jaffathecake@gmail.com>

Permission to use, copy, modify, and/or distribute this software for any purpose with or without fee is hereby granted, provided that the above copyright notice and this permission notice appear in all copies.

THE SOFTWARE IS PROVIDED "AS IS" AND THE AUTHOR DISCLAIMS ALL WARRANTIES WITH REGARD TO THIS SOFTWARE INCLUDING ALL IMPLIED WARRANTIES OF MERCHANTABILITY AND FITNESS. IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR ANY SPECIAL, DIRECT, INDIRECT, OR CONSEQUENTIAL DAMAGES OR ANY DAMAGES WHATSOEVER RESULTING FROM LOSS OF USE, DATA OR PROFITS, WHETHER IN AN ACTION OF CONTRACT, NEGLIGENCE OR OTHER TORTIOUS ACTION, ARISING OUT OF OR IN CONNECTION WITH THE USE OR PERFORMANCE OF THIS SOFTWARE.

openapi-fetch:

MIT License

Copyright (c) 2023 Drew Powers

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE.
*/

// node_modules/openapi-fetch/dist/index.mjs
var PATH_PARAM_RE = /\{[^{}]+\}/g;
var supportsRequestInitExt = () => {
  return typeof process === "object" && Number.parseInt(process?.versions?.node?.substring(0, 2)) >= 18 && process.versions.undici;
};
function randomID() {
  return Math.random().toString(36).slice(2, 11);
}
function createClient(clientOptions) {
  let {
    baseUrl = "",
    Request: CustomRequest = globalThis.Request,
    fetch: baseFetch = globalThis.fetch,
    querySerializer: globalQuerySerializer,
    bodySerializer: globalBodySerializer,
    pathSerializer: globalPathSerializer,
    headers: baseHeaders,
    requestInitExt = void 0,
    ...baseOptions
  } = { ...clientOptions };
  requestInitExt = supportsRequestInitExt() ? requestInitExt : void 0;
  baseUrl = removeTrailingSlash(baseUrl);
  const globalMiddlewares = [];
  async function coreFetch(schemaPath, fetchOptions) {
    const {
      baseUrl: localBaseUrl,
      fetch: fetch2 = baseFetch,
      Request: Request2 = CustomRequest,
      headers,
      params = {},
      parseAs = "json",
      querySerializer: requestQuerySerializer,
      bodySerializer = globalBodySerializer ?? defaultBodySerializer,
      pathSerializer: requestPathSerializer,
      body,
      middleware: requestMiddlewares = [],
      ...init
    } = fetchOptions || {};
    let finalBaseUrl = baseUrl;
    if (localBaseUrl) {
      finalBaseUrl = removeTrailingSlash(localBaseUrl) ?? baseUrl;
    }
    let querySerializer = typeof globalQuerySerializer === "function" ? globalQuerySerializer : createQuerySerializer(globalQuerySerializer);
    if (requestQuerySerializer) {
      querySerializer = typeof requestQuerySerializer === "function" ? requestQuerySerializer : createQuerySerializer({
        ...typeof globalQuerySerializer === "object" ? globalQuerySerializer : {},
        ...requestQuerySerializer
      });
    }
    const pathSerializer = requestPathSerializer || globalPathSerializer || defaultPathSerializer;
    const serializedBody = body === void 0 ? void 0 : bodySerializer(
      body,
      // Note: we declare mergeHeaders() both here and below because it’s a bit of a chicken-or-egg situation:
      // bodySerializer() needs all headers so we aren’t dropping ones set by the user, however,
      // the result of this ALSO sets the lowest-priority content-type header. So we re-merge below,
      // setting the content-type at the very beginning to be overwritten.
      // Lastly, based on the way headers work, it’s not a simple “present-or-not” check becauase null intentionally un-sets headers.
      mergeHeaders(baseHeaders, headers, params.header)
    );
    const finalHeaders = mergeHeaders(
      // with no body, we should not to set Content-Type
      serializedBody === void 0 || // if serialized body is FormData; browser will correctly set Content-Type & boundary expression
      serializedBody instanceof FormData ? {} : {
        "Content-Type": "application/json"
      },
      baseHeaders,
      headers,
      params.header
    );
    const finalMiddlewares = [...globalMiddlewares, ...requestMiddlewares];
    const requestInit = {
      redirect: "follow",
      ...baseOptions,
      ...init,
      body: serializedBody,
      headers: finalHeaders
    };
    let id;
    let options;
    let request = new Request2(
      createFinalURL(schemaPath, { baseUrl: finalBaseUrl, params, querySerializer, pathSerializer }),
      requestInit
    );
    let response;
    for (const key in init) {
      if (!(key in request)) {
        request[key] = init[key];
      }
    }
    if (finalMiddlewares.length) {
      id = randomID();
      options = Object.freeze({
        baseUrl: finalBaseUrl,
        fetch: fetch2,
        parseAs,
        querySerializer,
        bodySerializer,
        pathSerializer
      });
      for (const m of finalMiddlewares) {
        if (m && typeof m === "object" && typeof m.onRequest === "function") {
          const result = await m.onRequest({
            request,
            schemaPath,
            params,
            options,
            id
          });
          if (result) {
            if (result instanceof Request2) {
              request = result;
            } else if (result instanceof Response) {
              response = result;
              break;
            } else {
              throw new Error("onRequest: must return new Request() or Response() when modifying the request");
            }
          }
        }
      }
    }
    if (!response) {
      try {
        response = await fetch2(request, requestInitExt);
      } catch (error2) {
        let errorAfterMiddleware = error2;
        if (finalMiddlewares.length) {
          for (let i = finalMiddlewares.length - 1; i >= 0; i--) {
            const m = finalMiddlewares[i];
            if (m && typeof m === "object" && typeof m.onError === "function") {
              const result = await m.onError({
                request,
                error: errorAfterMiddleware,
                schemaPath,
                params,
                options,
                id
              });
              if (result) {
                if (result instanceof Response) {
                  errorAfterMiddleware = void 0;
                  response = result;
                  break;
                }
                if (result instanceof Error) {
                  errorAfterMiddleware = result;
                  continue;
                }
                throw new Error("onError: must return new Response() or instance of Error");
              }
            }
          }
        }
        if (errorAfterMiddleware) {
          throw errorAfterMiddleware;
        }
      }
      if (finalMiddlewares.length) {
        for (let i = finalMiddlewares.length - 1; i >= 0; i--) {
          const m = finalMiddlewares[i];
          if (m && typeof m === "object" && typeof m.onResponse === "function") {
            const result = await m.onResponse({
              request,
              response,
              schemaPath,
              params,
              options,
              id
            });
            if (result) {
              if (!(result instanceof Response)) {
                throw new Error("onResponse: must return new Response() when modifying the response");
              }
              response = result;
            }
          }
        }
      }
    }
    const contentLength = response.headers.get("Content-Length");
    if (response.status === 204 || request.method === "HEAD" || contentLength === "0" && !response.headers.get("Transfer-Encoding")?.includes("chunked")) {
      return response.ok ? { data: void 0, response } : { error: void 0, response };
    }
    if (response.ok) {
      const getResponseData = async () => {
        if (parseAs === "stream") {
          return response.body;
        }
        if (parseAs === "json" && !contentLength) {
          const raw = await response.text();
          return raw ? JSON.parse(raw) : void 0;
        }
        return await response[parseAs]();
      };
      return { data: await getResponseData(), response };
    }
    let error = await response.text();
    try {
      error = JSON.parse(error);
    } catch {
    }
    return { error, response };
  }
  return {
    request(method, url, init) {
      return coreFetch(url, { ...init, method: method.toUpperCase() });
    },
    /** Call a GET endpoint */
    GET(url, init) {
      return coreFetch(url, { ...init, method: "GET" });
    },
    /** Call a PUT endpoint */
    PUT(url, init) {
      return coreFetch(url, { ...init, method: "PUT" });
    },
    /** Call a POST endpoint */
    POST(url, init) {
      return coreFetch(url, { ...init, method: "POST" });
    },
    /** Call a DELETE endpoint */
    DELETE(url, init) {
      return coreFetch(url, { ...init, method: "DELETE" });
    },
    /** Call a OPTIONS endpoint */
    OPTIONS(url, init) {
      return coreFetch(url, { ...init, method: "OPTIONS" });
    },
    /** Call a HEAD endpoint */
    HEAD(url, init) {
      return coreFetch(url, { ...init, method: "HEAD" });
    },
    /** Call a PATCH endpoint */
    PATCH(url, init) {
      return coreFetch(url, { ...init, method: "PATCH" });
    },
    /** Call a TRACE endpoint */
    TRACE(url, init) {
      return coreFetch(url, { ...init, method: "TRACE" });
    },
    /** Register middleware */
    use(...middleware) {
      for (const m of middleware) {
        if (!m) {
          continue;
        }
        if (typeof m !== "object" || !("onRequest" in m || "onResponse" in m || "onError" in m)) {
          throw new Error("Middleware must be an object with one of `onRequest()`, `onResponse() or `onError()`");
        }
        globalMiddlewares.push(m);
      }
    },
    /** Unregister middleware */
    eject(...middleware) {
      for (const m of middleware) {
        const i = globalMiddlewares.indexOf(m);
        if (i !== -1) {
          globalMiddlewares.splice(i, 1);
        }
      }
    }
  };
}
function serializePrimitiveParam(name, value, options) {
  if (value === void 0 || value === null) {
    return "";
  }
  if (typeof value === "object") {
    throw new Error(
      "Deeply-nested arrays/objects aren’t supported. Provide your own `querySerializer()` to handle these."
    );
  }
  return `${name}=${options?.allowReserved === true ? value : encodeURIComponent(value)}`;
}
function serializeObjectParam(name, value, options) {
  if (!value || typeof value !== "object") {
    return "";
  }
  const values = [];
  const joiner = {
    simple: ",",
    label: ".",
    matrix: ";"
  }[options.style] || "&";
  if (options.style !== "deepObject" && options.explode === false) {
    for (const k in value) {
      values.push(k, options.allowReserved === true ? value[k] : encodeURIComponent(value[k]));
    }
    const final2 = values.join(",");
    switch (options.style) {
      case "form": {
        return `${name}=${final2}`;
      }
      case "label": {
        return `.${final2}`;
      }
      case "matrix": {
        return `;${name}=${final2}`;
      }
      default: {
        return final2;
      }
    }
  }
  for (const k in value) {
    const finalName = options.style === "deepObject" ? `${name}[${k}]` : k;
    values.push(serializePrimitiveParam(finalName, value[k], options));
  }
  const final = values.join(joiner);
  return options.style === "label" || options.style === "matrix" ? `${joiner}${final}` : final;
}
function serializeArrayParam(name, value, options) {
  if (!Array.isArray(value)) {
    return "";
  }
  if (options.explode === false) {
    const joiner2 = { form: ",", spaceDelimited: "%20", pipeDelimited: "|" }[options.style] || ",";
    const final = (options.allowReserved === true ? value : value.map((v) => encodeURIComponent(v))).join(joiner2);
    switch (options.style) {
      case "simple": {
        return final;
      }
      case "label": {
        return `.${final}`;
      }
      case "matrix": {
        return `;${name}=${final}`;
      }
      // case "spaceDelimited":
      // case "pipeDelimited":
      default: {
        return `${name}=${final}`;
      }
    }
  }
  const joiner = { simple: ",", label: ".", matrix: ";" }[options.style] || "&";
  const values = [];
  for (const v of value) {
    if (options.style === "simple" || options.style === "label") {
      values.push(options.allowReserved === true ? v : encodeURIComponent(v));
    } else {
      values.push(serializePrimitiveParam(name, v, options));
    }
  }
  return options.style === "label" || options.style === "matrix" ? `${joiner}${values.join(joiner)}` : values.join(joiner);
}
function createQuerySerializer(options) {
  return function querySerializer(queryParams) {
    const search = [];
    if (queryParams && typeof queryParams === "object") {
      for (const name in queryParams) {
        const value = queryParams[name];
        if (value === void 0 || value === null) {
          continue;
        }
        if (Array.isArray(value)) {
          if (value.length === 0) {
            continue;
          }
          search.push(
            serializeArrayParam(name, value, {
              style: "form",
              explode: true,
              ...options?.array,
              allowReserved: options?.allowReserved || false
            })
          );
          continue;
        }
        if (typeof value === "object") {
          search.push(
            serializeObjectParam(name, value, {
              style: "deepObject",
              explode: true,
              ...options?.object,
              allowReserved: options?.allowReserved || false
            })
          );
          continue;
        }
        search.push(serializePrimitiveParam(name, value, options));
      }
    }
    return search.join("&");
  };
}
function defaultPathSerializer(pathname, pathParams) {
  let nextURL = pathname;
  for (const match of pathname.match(PATH_PARAM_RE) ?? []) {
    let name = match.substring(1, match.length - 1);
    let explode = false;
    let style = "simple";
    if (name.endsWith("*")) {
      explode = true;
      name = name.substring(0, name.length - 1);
    }
    if (name.startsWith(".")) {
      style = "label";
      name = name.substring(1);
    } else if (name.startsWith(";")) {
      style = "matrix";
      name = name.substring(1);
    }
    if (!pathParams || pathParams[name] === void 0 || pathParams[name] === null) {
      continue;
    }
    const value = pathParams[name];
    if (Array.isArray(value)) {
      nextURL = nextURL.replace(match, serializeArrayParam(name, value, { style, explode }));
      continue;
    }
    if (typeof value === "object") {
      nextURL = nextURL.replace(match, serializeObjectParam(name, value, { style, explode }));
      continue;
    }
    if (style === "matrix") {
      nextURL = nextURL.replace(match, `;${serializePrimitiveParam(name, value)}`);
      continue;
    }
    nextURL = nextURL.replace(match, style === "label" ? `.${encodeURIComponent(value)}` : encodeURIComponent(value));
  }
  return nextURL;
}
function defaultBodySerializer(body, headers) {
  if (body instanceof FormData) {
    return body;
  }
  if (headers) {
    const contentType = headers.get instanceof Function ? headers.get("Content-Type") ?? headers.get("content-type") : headers["Content-Type"] ?? headers["content-type"];
    if (contentType === "application/x-www-form-urlencoded") {
      return new URLSearchParams(body).toString();
    }
  }
  return JSON.stringify(body);
}
function createFinalURL(pathname, options) {
  let finalURL = `${options.baseUrl}${pathname}`;
  if (options.params?.path) {
    finalURL = options.pathSerializer(finalURL, options.params.path);
  }
  let search = options.querySerializer(options.params.query ?? {});
  if (search.startsWith("?")) {
    search = search.substring(1);
  }
  if (search) {
    finalURL += `?${search}`;
  }
  return finalURL;
}
function mergeHeaders(...allHeaders) {
  const finalHeaders = new Headers();
  for (const h of allHeaders) {
    if (!h || typeof h !== "object") {
      continue;
    }
    const iterator = h instanceof Headers ? h.entries() : Object.entries(h);
    for (const [k, v] of iterator) {
      if (v === null) {
        finalHeaders.delete(k);
      } else if (Array.isArray(v)) {
        for (const v2 of v) {
          finalHeaders.append(k, v2);
        }
      } else if (v !== void 0) {
        finalHeaders.set(k, v);
      }
    }
  }
  return finalHeaders;
}
function removeTrailingSlash(url) {
  if (url.endsWith("/")) {
    return url.substring(0, url.length - 1);
  }
  return url;
}

// src/api.ts
var TIMEOUT = 2e4;
var Unavailable = class extends Error {
  /** `retryAfter`: how long the server asked to wait, in seconds. */
  constructor(message, retryAfter2 = null) {
    super(message);
    this.retryAfter = retryAfter2;
  }
  retryAfter;
};
var decisive = async (request) => {
  const response = await fetch(request);
  const isProblem = response.headers.get("Content-Type")?.startsWith("application/problem+json") ?? false;
  const isTemporary = response.status >= 500 || [401, 408, 429].includes(response.status);
  if (!response.ok && (isTemporary || !isProblem)) {
    await response.body?.cancel();
    throw new Unavailable(response.status === 401 ? "not signed in" : `status ${response.status}`, retryAfter(response));
  }
  return response;
};
function connect(baseUrl, user2, send = decisive) {
  const identified = (request) => {
    request.headers.set("X-User-ID", user2);
    return send(request);
  };
  const timed = (request) => identified(new Request(request, { signal: AbortSignal.timeout(TIMEOUT) }));
  return { api: createClient({ baseUrl, fetch: timed }), send: identified };
}
function retryAfter(response) {
  const value = response.headers.get("Retry-After");
  if (value === null) {
    return null;
  }
  const seconds = /^\d+$/.test(value) ? Number(value) : (Date.parse(value) - Date.now()) / 1e3;
  return Number.isNaN(seconds) ? null : Math.max(seconds, 0);
}
function explain(problem) {
  const fields = problem.field_errors.map(({ field, message }) => `${field} ${message}`);
  return fields.join("; ") || problem.detail;
}

// src/change.ts
var FIELDS = ["title", "description", "is_completed", "priority", "due", "tags"];
var DEFAULTS = { description: null, is_completed: false, priority: "medium", due: null, tags: [] };
function fieldsOf({ title: title2, description, is_completed, priority, due, tags }) {
  return { title: title2, description, is_completed, priority, due, tags };
}
var isSame = (one, other) => JSON.stringify(one) === JSON.stringify(other);
function after(fields, step) {
  switch (step?.kind) {
    case void 0:
      return fields;
    case "create":
    case "restore":
      return step.fields;
    case "remove":
      return null;
    case "edit":
      return fields && { ...fields, ...step.edit };
  }
}
function shown(base, change) {
  return after(after(base && fieldsOf(base), change.sent), change.next);
}
function wanting(change, base, want, isUndo) {
  const before = after(base && fieldsOf(base), change.sent);
  const next = stepBetween(before, want, isUndo || change.sent !== null, change.next);
  return next === null && change.sent === null ? null : { ...change, next, refusal: null };
}
function stepBetween(before, want, wasOnServer, last) {
  if (want === null) {
    return before === null ? null : { kind: "remove" };
  }
  if (before !== null) {
    const edit = pick(want, (field) => !isSame(want[field], before[field]));
    return isEmpty(edit) ? null : { kind: "edit", edit };
  }
  if (last?.kind === "restore") {
    const edit = pick(want, (field) => field in last.edit || !isSame(want[field], last.fields[field]));
    return { kind: "restore", fields: want, edit };
  }
  const isNew = last?.kind === "create" || !wasOnServer;
  return isNew ? { kind: "create", fields: want } : { kind: "restore", fields: want, edit: {} };
}
function confirmed(change) {
  return withNext(change, change.next);
}
function withNext(change, next) {
  return next && { ...change, sent: null, attempts: 0, next };
}
function refused(change, base, why) {
  const want = shown(base, change);
  if (want === null) {
    return { change: null, notice: `was not deleted: ${why}` };
  }
  const next = stepBetween(base && fieldsOf(base), want, change.sent?.kind === "restore", change.sent);
  return { change: withNext({ ...change, refusal: change.next === null ? why : null }, next), notice: null };
}
function rebaseOnEdit(change, base, current) {
  const { sent, next, attempts } = change;
  if (shown(base, change) === null) {
    return isResult(current, base, sent) ? { change: withNext(change, { kind: "remove" }), notice: null } : { change: null, notice: "was edited elsewhere, so it was not deleted" };
  }
  const mayHaveArrived = attempts > 1 && current.version !== (base?.version ?? 0) + 1;
  const [first, last] = [editOf(sent), editOf(next)];
  const isTheirs = (field) => mayHaveArrived && field in first && !isSame(current[field], first[field]) && !isSame(current[field], base?.[field]);
  const mine = { ...current, ...pick({ ...current, ...first }, (field) => !isTheirs(field)), ...last };
  const edit = pick(mine, (field) => !isSame(mine[field], current[field]));
  const lost = FIELDS.filter((field) => isTheirs(field) && !(field in last));
  return {
    change: withNext(change, isEmpty(edit) ? null : { kind: "edit", edit }),
    notice: lost.length === 0 ? null : `was edited elsewhere, too; kept their ${lost.join(", ")}`
  };
}
function rebaseOnDelete(change, base, tombstone) {
  const { sent, next, attempts } = change;
  const fields = shown(base, change);
  if (fields === null || next?.kind === "restore") {
    return { change: withNext(change, next?.kind === "restore" ? next : null), notice: null };
  }
  const isSeen = attempts > 1 && tombstone !== null && tombstone.version > (base?.version ?? 0);
  const edit = { ...isSeen ? {} : editOf(sent), ...editOf(next) };
  return isEmpty(edit) ? { change: null, notice: "was deleted elsewhere" } : { change: withNext(change, { kind: "restore", fields, edit }), notice: "was deleted elsewhere; your edit brought it back" };
}
function editOf(step) {
  return step?.kind === "edit" || step?.kind === "restore" ? step.edit : {};
}
function isResult(current, base, step) {
  const result = step && after(base && fieldsOf(base), step);
  const isNext = current.version === (base?.version ?? 0) + 1;
  return isNext && result !== null && FIELDS.every((field) => isSame(result[field], current[field]));
}
function pick(fields, has) {
  return Object.fromEntries(FIELDS.filter(has).map((field) => [field, fields[field]]));
}
var isEmpty = (edit) => Object.keys(edit).length === 0;

// src/due.ts
function isOverdue(due, now) {
  return isDate(due) ? due < inputsOf(now.toISOString()).date : new Date(due) < now;
}
function isToday(due, now) {
  return inputsOf(due).date === inputsOf(now.toISOString()).date;
}
function inputsOf(due) {
  if (due === null || isDate(due)) {
    return { date: due ?? "", time: "" };
  }
  const at = new Date(due);
  const [year, month, day, hours, minutes] = [at.getFullYear(), at.getMonth() + 1, at.getDate(), at.getHours(), at.getMinutes()];
  return { date: `${digits(year, 4)}-${digits(month)}-${digits(day)}`, time: `${digits(hours)}:${digits(minutes)}` };
}
function dueOf({ date, time }) {
  if (date === "" || time === "") {
    return date || null;
  }
  return (/* @__PURE__ */ new Date(`${date}T${time}`)).toISOString().replace("Z", "000Z");
}
var isDate = (due) => due.length === "2026-03-01".length;
var digits = (number, length = 2) => `${number}`.padStart(length, "0");

// node_modules/idb/build/index.js
var instanceOfAny = (object, constructors) => constructors.some((c) => object instanceof c);
var idbProxyableTypes;
var cursorAdvanceMethods;
function getIdbProxyableTypes() {
  return idbProxyableTypes || (idbProxyableTypes = [
    IDBIndex,
    IDBObjectStore,
    IDBCursor,
    IDBDatabase,
    IDBTransaction
  ]);
}
function getCursorAdvanceMethods() {
  return cursorAdvanceMethods || (cursorAdvanceMethods = ["advance", "continue", "continuePrimaryKey"].map((method) => IDBCursor.prototype[method]));
}
var transactionDoneMap = /* @__PURE__ */ new WeakMap();
var transformCache = /* @__PURE__ */ new WeakMap();
var reverseTransformCache = /* @__PURE__ */ new WeakMap();
function promisifyRequest(request) {
  const promise = new Promise((resolve, reject) => {
    const unlisten = () => {
      request.removeEventListener("success", success);
      request.removeEventListener("error", error);
    };
    const success = () => {
      resolve(wrap(request.result));
      unlisten();
    };
    const error = () => {
      reject(request.error);
      unlisten();
    };
    request.addEventListener("success", success);
    request.addEventListener("error", error);
  });
  reverseTransformCache.set(promise, request);
  return promise;
}
function cacheDonePromiseForTransaction(tx) {
  if (transactionDoneMap.has(tx))
    return;
  const done2 = new Promise((resolve, reject) => {
    const unlisten = () => {
      tx.removeEventListener("complete", complete);
      tx.removeEventListener("error", error);
      tx.removeEventListener("abort", error);
    };
    const complete = () => {
      resolve();
      unlisten();
    };
    const error = () => {
      reject(tx.error || new DOMException("AbortError", "AbortError"));
      unlisten();
    };
    tx.addEventListener("complete", complete);
    tx.addEventListener("error", error);
    tx.addEventListener("abort", error);
  });
  transactionDoneMap.set(tx, done2);
}
var idbProxyTraps = {
  get(target, prop, receiver) {
    if (target instanceof IDBTransaction) {
      if (prop === "done")
        return transactionDoneMap.get(target);
      if (prop === "store") {
        return receiver.objectStoreNames[1] ? void 0 : receiver.objectStore(receiver.objectStoreNames[0]);
      }
    }
    return wrap(target[prop]);
  },
  set(target, prop, value) {
    target[prop] = value;
    return true;
  },
  has(target, prop) {
    if (target instanceof IDBTransaction && (prop === "done" || prop === "store")) {
      return true;
    }
    return prop in target;
  }
};
function replaceTraps(callback) {
  idbProxyTraps = callback(idbProxyTraps);
}
function wrapFunction(func) {
  if (getCursorAdvanceMethods().includes(func)) {
    return function(...args) {
      func.apply(unwrap(this), args);
      return wrap(this.request);
    };
  }
  return function(...args) {
    return wrap(func.apply(unwrap(this), args));
  };
}
function transformCachableValue(value) {
  if (typeof value === "function")
    return wrapFunction(value);
  if (value instanceof IDBTransaction)
    cacheDonePromiseForTransaction(value);
  if (instanceOfAny(value, getIdbProxyableTypes()))
    return new Proxy(value, idbProxyTraps);
  return value;
}
function wrap(value) {
  if (value instanceof IDBRequest)
    return promisifyRequest(value);
  if (transformCache.has(value))
    return transformCache.get(value);
  const newValue = transformCachableValue(value);
  if (!Object.is(newValue, value)) {
    transformCache.set(value, newValue);
    reverseTransformCache.set(newValue, value);
  }
  return newValue;
}
var unwrap = (value) => reverseTransformCache.get(value);
function openDB(name, version, { blocked, upgrade: upgrade2, blocking, terminated } = {}) {
  const request = indexedDB.open(name, version);
  const openPromise = wrap(request);
  if (upgrade2) {
    request.addEventListener("upgradeneeded", (event) => {
      upgrade2(wrap(request.result), event.oldVersion, event.newVersion, wrap(request.transaction), event);
    });
  }
  if (blocked) {
    request.addEventListener("blocked", (event) => blocked(
      // Casting due to https://github.com/microsoft/TypeScript-DOM-lib-generator/pull/1405
      event.oldVersion,
      event.newVersion,
      event
    ));
  }
  openPromise.then((db) => {
    if (terminated)
      db.addEventListener("close", () => terminated());
    if (blocking) {
      db.addEventListener("versionchange", (event) => blocking(event.oldVersion, event.newVersion, event));
    }
  }).catch(() => {
  });
  return openPromise;
}
var readMethods = ["get", "getKey", "getAll", "getAllKeys", "count"];
var writeMethods = ["put", "add", "delete", "clear"];
var cachedMethods = {};
function getMethod(target, prop) {
  if (!(target instanceof IDBDatabase && !(prop in target) && typeof prop === "string")) {
    return;
  }
  if (cachedMethods[prop])
    return cachedMethods[prop];
  const targetFuncName = prop.replace(/FromIndex$/, "");
  const useIndex = prop !== targetFuncName;
  const isWrite = writeMethods.includes(targetFuncName);
  if (
    // Bail if the target doesn't exist on the target. Eg, getAll isn't in Edge.
    !(targetFuncName in (useIndex ? IDBIndex : IDBObjectStore).prototype) || !(isWrite || readMethods.includes(targetFuncName))
  ) {
    return;
  }
  const method = async function(storeName, ...args) {
    const tx = this.transaction(storeName, isWrite ? "readwrite" : "readonly");
    let target2 = tx.store;
    if (useIndex)
      target2 = target2.index(args.shift());
    return (await Promise.all([
      target2[targetFuncName](...args),
      isWrite && tx.done
    ]))[0];
  };
  return cachedMethods[prop] = method;
}
replaceTraps((oldTraps) => ({
  ...oldTraps,
  get: (target, prop, receiver) => getMethod(target, prop) || oldTraps.get(target, prop, receiver),
  has: (target, prop) => !!getMethod(target, prop) || oldTraps.has(target, prop)
}));
var advanceMethodProps = ["advance", "continue", "continuePrimaryKey"];
var methodMap = {};
var advanceResults = /* @__PURE__ */ new WeakMap();
var ittrProxiedCursorToOriginalProxy = /* @__PURE__ */ new WeakMap();
var cursorIteratorTraps = {
  get(target, prop) {
    if (!advanceMethodProps.includes(prop))
      return target[prop];
    let cachedFunc = methodMap[prop];
    if (!cachedFunc) {
      cachedFunc = methodMap[prop] = function(...args) {
        advanceResults.set(this, ittrProxiedCursorToOriginalProxy.get(this)[prop](...args));
      };
    }
    return cachedFunc;
  }
};
async function* iterate(...args) {
  let cursor = this;
  if (!(cursor instanceof IDBCursor)) {
    cursor = await cursor.openCursor(...args);
  }
  if (!cursor)
    return;
  cursor = cursor;
  const proxiedCursor = new Proxy(cursor, cursorIteratorTraps);
  ittrProxiedCursorToOriginalProxy.set(proxiedCursor, cursor);
  reverseTransformCache.set(proxiedCursor, unwrap(cursor));
  while (cursor) {
    yield proxiedCursor;
    cursor = await (advanceResults.get(proxiedCursor) || cursor.continue());
    advanceResults.delete(proxiedCursor);
  }
}
function isIteratorProp(target, prop) {
  return prop === Symbol.asyncIterator && instanceOfAny(target, [IDBIndex, IDBObjectStore, IDBCursor]) || prop === "iterate" && instanceOfAny(target, [IDBIndex, IDBObjectStore]);
}
replaceTraps((oldTraps) => ({
  ...oldTraps,
  get(target, prop, receiver) {
    if (isIteratorProp(target, prop))
      return iterate;
    return oldTraps.get(target, prop, receiver);
  },
  has(target, prop) {
    return isIteratorProp(target, prop) || oldTraps.has(target, prop);
  }
}));

// src/store.ts
var VERSION = 2;
var Store = class _Store {
  constructor(db, notify2) {
    this.db = db;
    this.notify = notify2;
  }
  db;
  notify;
  /** Opens the copy of a user. `notify` gets a text for the user when a change meets one that was made elsewhere. */
  static async open(user2, notify2) {
    const db = await openDB(`offline-todo-${user2}`, VERSION, {
      async upgrade(db2, before, _, tx) {
        if (before === 0) {
          db2.createObjectStore("todos", { keyPath: "id" });
          db2.createObjectStore("outbox", { keyPath: "id" });
          db2.createObjectStore("meta");
        } else {
          await upgrade(tx);
        }
      },
      // A newer version of the page is open in another tab, and waits to upgrade the database.
      blocking: () => location.reload()
    });
    return new _Store(db, notify2);
  }
  /** All todos as the user sees them, newest first. */
  async items() {
    const tx = this.db.transaction(["todos", "outbox"]);
    const [todos, changes] = await Promise.all([tx.objectStore("todos").getAll(), tx.objectStore("outbox").getAll()]);
    const items2 = new Map(todos.map((todo) => [todo.id, { ...todo, isUnsent: false, refusal: null }]));
    for (const change of changes) {
      const { id, created_at, refusal } = change;
      const fields = shown(items2.get(id) ?? null, change);
      if (fields === null) {
        items2.delete(id);
      } else {
        items2.set(id, { ...fields, id, created_at, isUnsent: true, refusal });
      }
    }
    return [...items2.values()].sort((a, b) => compare(b.created_at, a.created_at) || compare(b.id, a.id));
  }
  // What the user does.
  create(fields) {
    return this.#want(crypto.randomUUID(), (/* @__PURE__ */ new Date()).toISOString(), () => fields);
  }
  /** If the todo was deleted elsewhere at this moment, the edit brings it back. */
  edit(item, edit) {
    return this.#want(item.id, item.created_at, (now) => ({ ...now ?? fieldsOf(item), ...edit }), true);
  }
  remove({ id, created_at }) {
    return this.#want(id, created_at, () => null);
  }
  /** Undoes a removal. */
  restore(item) {
    return this.#want(item.id, item.created_at, (now) => now ?? fieldsOf(item), true);
  }
  async #want(id, created_at, change, isUndo = false) {
    const tx = this.db.transaction(["todos", "outbox"], "readwrite", { durability: "strict" });
    const [todos, outbox] = [tx.objectStore("todos"), tx.objectStore("outbox")];
    const base = await todos.get(id) ?? null;
    const old = await outbox.get(id) ?? empty(id, created_at);
    const changed = wanting(old, base, change(shown(base, old)), isUndo);
    await (changed === null ? outbox.delete(id) : outbox.put(changed));
    await tx.done;
  }
  // What the sync loop does. Only one tab runs it.
  /** The ids of the todos with something to send, in the order in which they were changed. */
  async pending() {
    const changes = await this.db.getAll("outbox");
    return changes.filter(({ refusal }) => refusal === null).sort((a, b) => a.queued_at - b.queued_at).map(({ id }) => id);
  }
  /** The next step of a todo. It is noted as sent before it is: if the tab is closed now, it may or may not have arrived. */
  async begin(id) {
    const tx = this.db.transaction(["todos", "outbox"], "readwrite");
    const change = await tx.objectStore("outbox").get(id);
    const base = await tx.objectStore("todos").get(id) ?? null;
    const step = change?.sent ?? change?.next ?? null;
    if (change === void 0 || step === null || change.refusal !== null) {
      return null;
    }
    const next = change.sent === null ? null : change.next;
    await tx.objectStore("outbox").put({ ...change, sent: step, attempts: change.attempts + 1, next });
    await tx.done;
    return { id, step, base };
  }
  /** Notes what became of the step that was sent. */
  async settle({ id, base }, outcome) {
    const tx = this.db.transaction(["todos", "outbox"], "readwrite");
    const change = await tx.objectStore("outbox").get(id);
    if (change !== void 0) {
      switch (outcome.kind) {
        case "done":
          await set(tx, id, outcome.todo, confirmed(change));
          break;
        case "edited elsewhere":
          await this.#rebased(tx, change, base, outcome.current, rebaseOnEdit(change, base, outcome.current));
          break;
        case "deleted elsewhere":
          await this.#rebased(tx, change, base, null, rebaseOnDelete(change, base, null));
          break;
        case "refused":
          await this.#rebased(tx, change, base, base, refused(change, base, outcome.why));
      }
    }
    await tx.done;
  }
  /** The token of the change feed; undefined before the first sync. */
  since() {
    return this.db.get("meta", "since");
  }
  /** Applies what has changed, together with the token after it: a page is applied once, or again as a whole. */
  async apply(items2, deleted, since) {
    const tx = this.db.transaction(["todos", "outbox", "meta"], "readwrite");
    await Promise.all(items2.map((todo) => this.#receive(tx, todo.id, todo, null)));
    await Promise.all(deleted.map((tombstone) => this.#receive(tx, tombstone.id, null, tombstone)));
    await tx.objectStore("meta").put(since, "since");
    await tx.done;
  }
  /** Replaces all todos. What is not named was deleted. Unsent changes stay. */
  async replace(all, since) {
    const tx = this.db.transaction(["todos", "outbox", "meta"], "readwrite");
    const gone = (await tx.objectStore("todos").getAllKeys()).filter((id) => !all.has(id));
    await Promise.all(gone.map((id) => this.#receive(tx, id, null, null)));
    await Promise.all([...all.values()].map((todo) => this.#receive(tx, todo.id, todo, null)));
    await tx.objectStore("meta").put(since, "since");
    await tx.done;
  }
  async #receive(tx, id, todo, tombstone) {
    const base = await tx.objectStore("todos").get(id) ?? null;
    const change = await tx.objectStore("outbox").get(id);
    if (change === void 0 || base?.version === todo?.version) {
      await set(tx, id, todo, change ?? null);
    } else if (todo === null) {
      await this.#rebased(tx, change, base, null, rebaseOnDelete(change, base, tombstone));
    } else {
      await this.#rebased(tx, change, base, todo, rebaseOnEdit(change, base, todo));
    }
  }
  async #rebased(tx, old, base, todo, { change, notice }) {
    await set(tx, old.id, todo, change);
    if (notice !== null) {
      this.notify(`“${(shown(base, old) ?? todo ?? base)?.title ?? ""}” ${notice}.`);
    }
  }
};
async function upgrade(tx) {
  for (let at = await tx.objectStore("todos").openCursor(); at !== null; at = await at.continue()) {
    await at.update({ ...DEFAULTS, ...at.value });
  }
  for (let at = await tx.objectStore("outbox").openCursor(); at !== null; at = await at.continue()) {
    const { sent, next } = at.value;
    await at.update({ ...at.value, sent: sent && withDefaults(sent), next: next && withDefaults(next) });
  }
  await tx.objectStore("meta").delete("since");
}
function withDefaults(step) {
  return "fields" in step ? { ...step, fields: { ...DEFAULTS, ...step.fields } } : step;
}
async function set(tx, id, todo, change) {
  const [todos, outbox] = [tx.objectStore("todos"), tx.objectStore("outbox")];
  await Promise.all([
    todo === null ? todos.delete(id) : todos.put(todo),
    change === null ? outbox.delete(id) : outbox.put(change)
  ]);
}
function empty(id, created_at) {
  return { id, created_at, queued_at: Date.now(), sent: null, attempts: 0, next: null, refusal: null };
}
var compare = (a, b) => a < b ? -1 : a > b ? 1 : 0;

// src/alarm.ts
var Alarm = class {
  #rung = /* @__PURE__ */ new Set();
  #check = () => void 0;
  reset() {
    this.#rung.clear();
  }
  ring(reason) {
    this.#rung.add(reason);
    this.#check();
  }
  /** Waits for this many milliseconds, or until it rings for one of the reasons. */
  wait(milliseconds, reasons) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.#check = () => {
        if (reasons.some((reason) => this.#rung.has(reason))) {
          clearTimeout(timer);
          resolve();
        }
      };
      this.#check();
    });
  }
};

// src/events.ts
var SILENCE = 5e4;
async function* changeEvents(send, url, since) {
  const silent = new AbortController();
  const headers = { Accept: "text/event-stream", "Last-Event-ID": since };
  let timer = setTimeout(() => silent.abort(), SILENCE);
  try {
    const response = await send(new Request(url, { headers, cache: "no-store", signal: silent.signal }));
    if (!response.ok || response.body === null) {
      throw new Unavailable(`status ${response.status}`);
    }
    yield since;
    let [id, isChange] = [since, false];
    for await (const line of lines(response.body)) {
      clearTimeout(timer);
      timer = setTimeout(() => silent.abort(), SILENCE);
      if (line === "" && isChange) {
        yield id;
      }
      isChange = line !== "" && (isChange || line === "event: change");
      id = line.startsWith("id: ") ? line.slice("id: ".length) : id;
    }
  } finally {
    clearTimeout(timer);
    silent.abort();
  }
}
async function* lines(body) {
  const decoder = new TextDecoder();
  const reader = body.getReader();
  let rest = "";
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    const [...whole] = (rest + decoder.decode(part.value, { stream: true })).split(/\r?\n/);
    rest = whole.pop() ?? "";
    yield* whole;
  }
}

// src/sync.ts
var POLL = { alone: 5e3, streaming: 3e5 };
var BACKOFF = { first: 1e3, last: 6e4 };
var MAX_RETRY_AFTER = 36e5;
var PAGE = 500;
var Sync = class {
  /** `report` is called whenever the local copy may have changed, and when the state does. */
  constructor(store2, server, report) {
    this.store = store2;
    this.server = server;
    this.report = report;
  }
  store;
  server;
  report;
  #loop = new Alarm();
  #stream = new Alarm();
  #listening = null;
  #isStreaming = false;
  /** Runs from when no other tab has the lock until this tab is closed. */
  async run(lock) {
    const ring = () => [this.#loop, this.#stream].forEach((alarm) => alarm.ring("network"));
    addEventListener("online", ring);
    document.addEventListener("visibilitychange", () => document.hidden || ring());
    await navigator.locks.request(lock, () => this.#run());
  }
  /** There is something to send, or to get. */
  wake() {
    this.#loop.ring("news");
  }
  async #run() {
    for (let failures = 0; ; ) {
      this.#loop.reset();
      this.report("syncing");
      try {
        await this.#push();
        await this.#pull();
        this.report("synced");
        this.#listening ??= this.#listen();
        const isDone = (await this.store.pending()).length === 0;
        failures = isDone ? 0 : failures + 1;
        const [again] = backoff(failures, null);
        await this.#loop.wait(!isDone ? again : this.#isStreaming ? POLL.streaming : POLL.alone, ["news", "network"]);
      } catch (error) {
        this.report("offline");
        await this.#loop.wait(...backoff(failures++, error));
      }
    }
  }
  /** Sends all steps of all todos. An error ends it; the step is repeated in the next round. */
  async #push() {
    for (const id of await this.store.pending()) {
      for (let job = await this.store.begin(id); job !== null; job = await this.store.begin(id)) {
        const outcome = await this.#send(job);
        if (outcome === null) {
          break;
        }
        await this.store.settle(job, outcome);
        this.report("syncing");
      }
    }
  }
  /** Sends a step. Null: the todo was deleted elsewhere, and the change feed will tell at which version. */
  async #send({ id, step, base }) {
    const { api } = this.server;
    const path = { todo_id: id };
    const ifMatch = { path, header: { "If-Match": `"${base?.version ?? 0}"` } };
    const ifAbsent = { path, header: { "If-None-Match": "*" } };
    const url = "/api/v1/todos/{todo_id}";
    switch (step.kind) {
      case "create": {
        const { data, error } = await api.PUT(url, { params: ifAbsent, body: step.fields });
        return data === void 0 ? failed(error) : done(data);
      }
      case "restore": {
        const first = await api.PUT(url, { params: ifAbsent, body: step.fields });
        if (first.data !== void 0) {
          return done(first.data);
        }
        if (!("current" in first.error) || first.error.current !== null) {
          return failed(first.error);
        }
        const { data, error } = await api.PUT(url, { params: { path }, body: step.fields });
        return data === void 0 ? failed(error) : done(data);
      }
      case "edit": {
        const { data, error } = await api.PATCH(url, { params: ifMatch, body: step.edit });
        return data !== void 0 ? done(data) : error.error_code === "NOT_FOUND" ? null : failed(error);
      }
      case "remove": {
        const { error } = await api.DELETE(url, { params: ifMatch });
        return error === void 0 || error.error_code === "NOT_FOUND" ? done(null) : failed(error);
      }
    }
  }
  /** Gets what has changed since the last time, page by page. */
  async #pull() {
    let since = await this.store.since();
    let all = since === void 0 ? /* @__PURE__ */ new Map() : null;
    for (let hasMore = true; hasMore; ) {
      const query = since === void 0 ? { limit: PAGE } : { limit: PAGE, since };
      const { data, error } = await this.server.api.GET("/api/v1/todos/changes", { params: { query } });
      if (data === void 0) {
        if (since === void 0) {
          throw new Unavailable(explain(error));
        }
        [since, all] = [void 0, /* @__PURE__ */ new Map()];
        continue;
      }
      if (all === null) {
        await this.store.apply(data.items, data.deleted, data.next);
      } else {
        data.items.forEach((todo) => all?.set(todo.id, todo));
        data.deleted.forEach(({ id }) => all?.delete(id));
        if (!data.has_more) {
          await this.store.replace(all, data.next);
        }
      }
      [since, hasMore] = [data.next, data.has_more];
    }
  }
  /** Listens to the event stream. While there is none, the loop polls. */
  async #listen() {
    const { send, events } = this.server;
    for (let failures = 0; ; ) {
      this.#stream.reset();
      let cause = null;
      try {
        const since = await this.store.since() ?? "";
        for await (const next of changeEvents(send, events, since)) {
          [failures, this.#isStreaming] = [0, true];
          if (next !== await this.store.since()) {
            this.wake();
          }
        }
      } catch (error) {
        cause = error;
      }
      if (this.#isStreaming) {
        this.#isStreaming = false;
        this.wake();
      }
      await this.#stream.wait(...backoff(failures++, cause));
    }
  }
};
var done = (todo) => ({ kind: "done", todo });
function failed(problem) {
  if (!("current" in problem)) {
    return { kind: "refused", why: explain(problem) };
  }
  return problem.current === null ? { kind: "deleted elsewhere" } : { kind: "edited elsewhere", current: problem.current };
}
function backoff(failures, error) {
  if (error instanceof Unavailable && error.retryAfter !== null) {
    return [Math.min(error.retryAfter * 1e3, MAX_RETRY_AFTER) + Math.random() * BACKOFF.first, []];
  }
  const longest = Math.min(BACKOFF.first * 2 ** failures, BACKOFF.last);
  return [longest * (0.5 + Math.random() / 2), ["network"]];
}

// src/tags.ts
function tagsOf(text) {
  return unique(text.split(",").map((tag) => tag.trim()).filter((tag) => tag !== ""));
}
function unique(tags) {
  const seen = /* @__PURE__ */ new Set();
  return tags.filter((tag) => seen.size < seen.add(fold(tag)).size);
}
function hasTag(tags, wanted) {
  return tags.some((tag) => fold(tag) === fold(wanted));
}
var fold = (tag) => tag.normalize().toUpperCase();

// src/demo.ts
var SHOWN = 3e4;
var MINUTE = 6e4;
var PRIORITIES = ["low", "medium", "high"];
var users = element("user", HTMLSelectElement);
var stateText = element("state", HTMLElement);
var newTodo = element("new", HTMLFormElement);
var title = element("title", HTMLInputElement);
var filters = element("filters", HTMLFormElement);
var dueFilter = element("due", HTMLSelectElement);
var tagFilter = element("tag", HTMLSelectElement);
var undo = element("undo", HTMLElement);
var notices = element("notices", HTMLElement);
var list = element("todos", HTMLElement);
var template = element("item", HTMLTemplateElement);
var user = new URLSearchParams(location.search).get("user") ?? users.value;
users.value = user;
users.addEventListener("change", () => location.assign(`?user=${users.value}`));
var tabs = new BroadcastChannel(`offline-todo-${user}`);
var tell = (message) => tabs.postMessage(message);
var store = await Store.open(user, (text) => {
  notify(text);
  tell({ kind: "notice", text });
});
var sync = new Sync(store, { ...connect(location.origin, user), events: `${location.origin}/api/v1/todos/events` }, (state) => {
  tell({ kind: "changed", isEdit: false, state });
  void render(state);
});
tabs.addEventListener("message", ({ data: message }) => {
  if (message.kind === "notice") {
    notify(message.text);
    return;
  }
  if (message.isEdit) {
    sync.wake();
  }
  void render(message.state);
});
async function edited(edit) {
  list.ariaBusy = String(++writing > 0);
  await edit;
  tell({ kind: "changed", isEdit: true, state: null });
  sync.wake();
  await render(null);
  list.ariaBusy = String(--writing > 0);
}
var writing = 0;
newTodo.addEventListener("submit", (event) => {
  event.preventDefault();
  if (title.value.trim() !== "") {
    filters.reset();
    void edited(store.create({ ...DEFAULTS, title: title.value }));
    newTodo.reset();
  }
});
filters.addEventListener("change", () => void render(null));
setInterval(() => void render(null), MINUTE);
function passes({ due, tags, is_completed }, now) {
  const isDue = dueFilter.value === "" || due !== null && (dueFilter.value === "today" ? isToday(due, now) : !is_completed && isOverdue(due, now));
  return isDue && (tagFilter.value === "" || hasTag(tags, tagFilter.value));
}
function offerTags(items2) {
  const selected = tagFilter.value;
  const tags = unique([...selected === "" ? [] : [selected], ...items2.flatMap(({ tags: tags2 }) => tags2)]).sort();
  if (document.activeElement !== tagFilter && tags.join() !== [...tagFilter.options].slice(1).map(({ value }) => value).join()) {
    tagFilter.replaceChildren(new Option("any tags", ""), ...tags.map((tag) => new Option(tag)));
    tagFilter.value = selected;
  }
}
var removed = null;
var hideUndo = 0;
function remove(item) {
  removed = item;
  child(undo, "span", HTMLElement).textContent = `Deleted “${item.title}”.`;
  undo.hidden = false;
  clearTimeout(hideUndo);
  hideUndo = setTimeout(() => undo.hidden = true, SHOWN);
  void edited(store.remove(item));
}
child(undo, "button", HTMLButtonElement).addEventListener("click", () => {
  undo.hidden = true;
  if (removed !== null) {
    void edited(store.restore(removed));
  }
});
function notify(text) {
  const notice = document.createElement("li");
  notice.textContent = text;
  notices.append(notice);
  setTimeout(() => notice.remove(), SHOWN);
}
var lastState = "syncing";
var renders = 0;
async function render(state) {
  lastState = state ?? lastState;
  const own = ++renders;
  const items2 = await store.items();
  if (own !== renders) {
    return;
  }
  const now = /* @__PURE__ */ new Date();
  offerTags(items2);
  const unsent = items2.filter(({ isUnsent }) => isUnsent).length;
  stateText.dataset["state"] = lastState;
  stateText.textContent = unsent === 0 ? lastState : `${lastState}, ${unsent} unsent`;
  const rows = new Map([...list.children].map((row) => [row.id, row]));
  const shown2 = items2.filter((item) => passes(item, now)).map((item) => show(item, now, rows.get(item.id)));
  if (shown2.some((row, index) => row !== list.children[index]) || shown2.length !== rows.size) {
    const focused = document.activeElement;
    isMoving = true;
    list.replaceChildren(...shown2);
    if (focused instanceof HTMLElement && focused.isConnected) {
      focused.focus();
    }
    isMoving = false;
  }
}
var isMoving = false;
function show(item, now, row) {
  const shown2 = row ?? added(item.id);
  items.set(shown2, item);
  shown2.ariaLabel = item.title;
  child(shown2, "[type=checkbox]", HTMLInputElement).checked = item.is_completed;
  setText(child(shown2, ".title", HTMLInputElement), item.title);
  setText(child(shown2, ".description", HTMLInputElement), item.description ?? "");
  setText(child(shown2, ".priority", HTMLSelectElement), item.priority);
  const { date, time } = inputsOf(item.due);
  setText(child(shown2, ".date", HTMLInputElement), date);
  setText(child(shown2, ".time", HTMLInputElement), time);
  setText(child(shown2, ".tags", HTMLInputElement), item.tags.join(", "));
  child(shown2, ".mark", HTMLElement).textContent = item.refusal ?? (item.isUnsent ? "unsent" : "");
  shown2.classList.toggle("completed", item.is_completed);
  shown2.classList.toggle("overdue", item.due !== null && !item.is_completed && isOverdue(item.due, now));
  child(shown2, ".date", HTMLInputElement).classList.toggle("none", date === "");
  child(shown2, ".time", HTMLInputElement).classList.toggle("none", time === "");
  shown2.setAttribute("data-priority", item.priority);
  return shown2;
}
list.addEventListener("focusout", () => void render(null));
var items = /* @__PURE__ */ new WeakMap();
function added(id) {
  const row = document.createElement("li");
  row.id = id;
  row.append(...document.importNode(child(template.content, "li", HTMLElement), true).children);
  const on = (selector, event, act) => {
    child(row, selector, HTMLElement).addEventListener(event, () => {
      const item = items.get(row);
      if (item !== void 0) {
        act(item);
      }
    });
  };
  const input = (selector) => child(row, selector, HTMLInputElement);
  on("[type=checkbox]", "change", (item) => void edited(store.edit(item, { is_completed: input("[type=checkbox]").checked })));
  on(".title", "change", (item) => void edited(store.edit(item, { title: input(".title").value })));
  on(".description", "change", (item) => void edited(store.edit(item, { description: input(".description").value })));
  on(".tags", "change", (item) => void edited(store.edit(item, { tags: tagsOf(input(".tags").value) })));
  on(".priority", "change", (item) => {
    const { value } = child(row, ".priority", HTMLSelectElement);
    void edited(store.edit(item, { priority: PRIORITIES.find((it) => it === value) ?? "medium" }));
  });
  const setDue = (item) => {
    const [inputs, before] = [{ date: input(".date").value, time: input(".time").value }, inputsOf(item.due)];
    const isWhole = !input(".date").validity.badInput && !input(".time").validity.badInput;
    if (!isMoving && isWhole && (inputs.date !== before.date || inputs.time !== before.time)) {
      void edited(store.edit(item, { due: dueOf(inputs) }));
    }
  };
  on(".date", "blur", setDue);
  on(".time", "blur", setDue);
  on("button", "click", remove);
  return row;
}
function setText(input, text) {
  if (input !== document.activeElement) {
    input.value = text;
  }
}
function element(id, type) {
  return child(document, `#${id}`, type);
}
function child(parent, selector, type) {
  const found = parent.querySelector(selector);
  if (!(found instanceof type)) {
    throw new Error(`no ${selector}`);
  }
  return found;
}
await render("syncing");
void navigator.storage.persist();
if ("serviceWorker" in navigator) {
  void navigator.serviceWorker.register("sw.js");
}
await sync.run(`offline-todo-${user}`);
