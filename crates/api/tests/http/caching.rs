//! How caches treat the responses: a browser cache that several users may share.

use std::time::SystemTime;

use http::{HeaderMap, Request};
use http_cache_semantics::{AfterResponse, BeforeRequest, CacheOptions, CachePolicy};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Api, Response, TODOS, path_of, todo_path};

/// The cache of one browser, by RFC 9111: private, with several stored responses per URL. Like Chromium, and as section
/// 4.3.1 allows, it revalidates a response that was stored for other request headers.
struct Browser<'a> {
    api: &'a Api,
    stored: Vec<Stored>,
    /// The statuses of the responses from the server.
    asked: Vec<u16>,
}

struct Stored {
    target: String,
    policy: CachePolicy,
    tag: Option<String>,
    body: Value,
}

impl<'a> Browser<'a> {
    fn new(api: &'a Api) -> Self {
        Self { api, stored: Vec::new(), asked: Vec::new() }
    }

    /// What a page gets when it fetches this URL on behalf of a user.
    #[expect(clippy::disallowed_methods, reason = "a browser has its own clock")]
    fn fetch(&mut self, user: &str, target: &str) -> Value {
        let request = Request::get(self.api.server.url(target)).header("X-User-ID", user);
        let request = request.body(()).unwrap();
        let now = SystemTime::now();
        for index in 0..self.stored.len() {
            let Stored { policy, body, .. } = &self.stored[index];
            match policy.before_request(&request, now) {
                BeforeRequest::Fresh(_) => return body.clone(),
                BeforeRequest::Stale { request: revalidation, matches: true } => {
                    let response = self.ask(user, target, &revalidation.headers);
                    let Stored { policy, body, .. } = &mut self.stored[index];
                    match policy.after_response(&revalidation, &http_response(&response), now) {
                        AfterResponse::NotModified(refreshed, _) => *policy = refreshed,
                        AfterResponse::Modified(renewed, _) => {
                            (*policy, *body) = (renewed, response.json());
                        }
                    }
                    return body.clone();
                }
                BeforeRequest::Stale { .. } => {}
            }
        }
        let variant = self.stored.iter().find(|it| it.target == target && it.tag.is_some());
        let mut headers = HeaderMap::new();
        if let Some(tag) = variant.and_then(|it| it.tag.as_deref()) {
            headers.insert("if-none-match", tag.parse().unwrap());
        }
        let body = variant.map(|it| it.body.clone());
        let response = self.ask(user, target, &headers);
        if response.status == 304 {
            return body.unwrap();
        }
        let options = CacheOptions { shared: false, ..CacheOptions::default() };
        let policy = CachePolicy::new_options(&request, &http_response(&response), now, options);
        if policy.is_storable() {
            self.stored.push(Stored {
                target: target.to_owned(),
                policy,
                tag: response.header("etag").map(str::to_owned),
                body: response.json(),
            });
        }
        response.json()
    }

    fn ask(&mut self, user: &str, target: &str, headers: &HeaderMap) -> Response {
        let mut call = self.api.user_with_id(user).call("GET", target);
        for (name, value) in conditions(headers) {
            call = call.header(name, value);
        }
        let response = call.send_unchecked();
        self.asked.push(response.status);
        response
    }
}

fn conditions(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    let named = headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap()));
    named.filter(|(name, _)| name.starts_with("if-"))
}

fn http_response(response: &Response) -> http::Response<()> {
    let builder = http::Response::builder().status(response.status);
    let headers = response.headers.iter();
    headers.fold(builder, |builder, (name, value)| builder.header(name, value)).body(()).unwrap()
}

/// Both todos have the same id and version, and so the same entity tag.
pub(crate) fn a_shared_browser_cache_shows_each_user_their_own_todos(api: Api) {
    let (ann, bob) = (api.user(), api.user());
    let path = todo_path(&Uuid::new_v4().to_string());
    for (user, title) in [(&ann, "Ann's"), (&bob, "Bob's")] {
        let whole = json!({"title": title, "description": null, "is_completed": false});
        user.call("PUT", &path).json(&whole).send_unchecked().expect(201);
    }
    let mut browser = Browser::new(&api);
    for _ in 0..2 {
        for (user, title) in [(&ann, "Ann's"), (&bob, "Bob's")] {
            let todo = browser.fetch(user.id(), &path);
            assert_eq!((&todo["title"], &todo["user_id"]), (&json!(title), &json!(user.id())));
            assert_eq!(browser.fetch(user.id(), TODOS)["items"], json!([todo]));
        }
    }
    // It is a cache all the same.
    browser.asked.clear();
    assert_eq!(browser.fetch(ann.id(), "/openapi.json"), browser.fetch(bob.id(), "/openapi.json"));
    assert_eq!(browser.asked, [200, 304]);
}

pub(crate) fn responses_that_depend_on_the_caller_vary_by_it(api: Api) {
    let ann = api.user();
    let path = path_of(&ann.create("Cached"));
    let varies = |response: &Response, status: u16, cache_control: &str| {
        assert_eq!(response.status, status);
        let vary = response.header_list("vary");
        assert!(vary.contains(&"x-user-id".to_owned()), "{status}: {vary:?}");
        // Together with the other values, in one line.
        assert!(vary.contains(&"Origin".to_owned()), "{status}: {vary:?}");
        assert_eq!(response.header("cache-control"), Some(cache_control), "{status}");
    };
    // Two users' todos of one id and one version have the same tag.
    let never_stored = |response: &Response, status| varies(response, status, "no-store");
    never_stored(&ann.get(&path), 200);
    never_stored(&ann.head(&path), 200);
    never_stored(&ann.call("GET", &path).header("If-None-Match", "\"1\"").send(), 304);
    never_stored(&ann.call("GET", &path).header("If-Match", "\"2\"").send(), 412);
    let private = |response: &Response, status| varies(response, status, "private, no-cache");
    private(&api.user().get(&path), 404);
    private(&api.anonymous().get(&path), 400);
    private(&ann.get(todo_path("17")), 400);
    private(&ann.get(TODOS), 200);
    private(&ann.get(format!("{TODOS}?limit=0")), 422);
    private(&ann.get(format!("{TODOS}/stats")), 200);
    private(&ann.post(&json!({})), 422);
    private(&ann.call("POST", TODOS).body("x").send(), 415);
    private(&ann.delete(&path), 204);
    for other in ["/health", "/openapi.json", "/nowhere"] {
        let response = ann.get(other);
        assert!(!response.header_list("vary").contains(&"x-user-id".to_owned()), "{other}");
    }
}
