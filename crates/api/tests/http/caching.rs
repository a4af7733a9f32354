//! What caches make of the answers: a browser's, which several users may share.

use std::time::SystemTime;

use http_cache_semantics::{AfterResponse, BeforeRequest, CacheOptions, CachePolicy};
use serde_json::{Value, json};
use ureq::http::{HeaderMap, Request, Response};
use uuid::Uuid;

use crate::support::{Answer, Api, TODOS, at, path_of};

/// The cache of one browser, by RFC 9111: private, and several stored answers for each address. As Chromium does, and
/// section 4.3.1 allows, it asks the server by their entity tags whether one that was stored for other request headers
/// will do.
struct Browser<'a> {
    api: &'a Api,
    stored: Vec<Stored>,
    /// The statuses of the answers that came from the server.
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

    /// What a page sees that fetches this on behalf of a user.
    #[expect(clippy::disallowed_methods, reason = "a browser has a clock of its own")]
    fn fetch(&mut self, user: &str, target: &str) -> Value {
        let request = Request::get(self.api.server.url(target)).header("X-User-ID", user);
        let request = request.body(()).unwrap();
        let now = SystemTime::now();
        for index in 0..self.stored.len() {
            let Stored { policy, body, .. } = &self.stored[index];
            match policy.before_request(&request, now) {
                BeforeRequest::Fresh(_) => return body.clone(),
                BeforeRequest::Stale { request: revalidation, matches: true } => {
                    let answer = self.ask(user, target, &revalidation.headers);
                    let Stored { policy, body, .. } = &mut self.stored[index];
                    match policy.after_response(&revalidation, &response(&answer), now) {
                        AfterResponse::NotModified(refreshed, _) => *policy = refreshed,
                        AfterResponse::Modified(renewed, _) => {
                            (*policy, *body) = (renewed, answer.json());
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
        let answer = self.ask(user, target, &headers);
        if answer.status == 304 {
            return body.unwrap();
        }
        let options = CacheOptions { shared: false, ..CacheOptions::default() };
        let policy = CachePolicy::new_options(&request, &response(&answer), now, options);
        if policy.is_storable() {
            self.stored.push(Stored {
                target: target.to_owned(),
                policy,
                tag: answer.header("etag").map(str::to_owned),
                body: answer.json(),
            });
        }
        answer.json()
    }

    fn ask(&mut self, user: &str, target: &str, headers: &HeaderMap) -> Answer {
        let mut call = self.api.named(user).call("GET", target);
        for (name, value) in conditions(headers) {
            call = call.header(name, value);
        }
        let answer = call.send_unchecked();
        self.asked.push(answer.status);
        answer
    }
}

fn conditions(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    let named = headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap()));
    named.filter(|(name, _)| name.starts_with("if-"))
}

fn response(answer: &Answer) -> Response<()> {
    let response = Response::builder().status(answer.status);
    let headers = answer.headers.iter();
    headers.fold(response, |response, (name, value)| response.header(name, value)).body(()).unwrap()
}

/// The same id, the same version, and so the same entity tag.
pub(crate) fn a_browser_that_two_users_share_shows_each_their_own(api: Api) {
    let (ann, bob) = (api.user(), api.user());
    let path = at(&Uuid::new_v4().to_string());
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

pub(crate) fn every_answer_that_depends_on_the_caller_says_so(api: Api) {
    let ann = api.user();
    let path = path_of(&ann.create("Cached"));
    let varies = |answer: &Answer, status: u16, cache_control: &str| {
        assert_eq!(answer.status, status);
        let vary = answer.listed("vary");
        assert!(vary.contains(&"x-user-id".to_owned()), "{status}: {vary:?}");
        // Beside what else there is, in one line.
        assert!(vary.contains(&"Origin".to_owned()), "{status}: {vary:?}");
        assert_eq!(answer.header("cache-control"), Some(cache_control), "{status}");
    };
    // Two users' todos of one id and one version have the same tag.
    let never_stored = |answer: &Answer, status| varies(answer, status, "no-store");
    never_stored(&ann.get(&path), 200);
    never_stored(&ann.head(&path), 200);
    never_stored(&ann.call("GET", &path).header("If-None-Match", "\"1\"").send(), 304);
    never_stored(&ann.call("GET", &path).header("If-Match", "\"2\"").send(), 412);
    let private = |answer: &Answer, status| varies(answer, status, "private, no-cache");
    private(&api.user().get(&path), 404);
    private(&api.nobody().get(&path), 400);
    private(&ann.get(at("17")), 400);
    private(&ann.get(TODOS), 200);
    private(&ann.get(format!("{TODOS}?limit=0")), 422);
    private(&ann.get(format!("{TODOS}/stats")), 200);
    private(&ann.post(&json!({})), 422);
    private(&ann.call("POST", TODOS).body("x").send(), 415);
    private(&ann.delete(&path), 204);
    for other in ["/health", "/openapi.json", "/nowhere"] {
        let answer = ann.get(other);
        assert!(!answer.listed("vary").contains(&"x-user-id".to_owned()), "{other}");
    }
}
