//! The entity tag of a list: nothing is read while none of the owner's todos has changed.

use serde_json::json;

use crate::support::{Api, TODOS, path_of};

pub(crate) fn an_unchanged_list_is_not_sent_again(api: Api) {
    let (ann, bob) = (api.user(), api.user());
    let ask = |client: &crate::support::Client<'_>, target: &str, tag: &str| {
        client.call("GET", target).header("If-None-Match", tag).send()
    };
    let targets = [TODOS.to_owned(), format!("{TODOS}?limit=1"), format!("{TODOS}?q=nowhere")];
    let mut todo = ann.create("one");
    ann.create("two");
    for change in 0..3 {
        for target in &targets {
            let whole = ann.get(target.as_str());
            let tag = whole.header("etag").unwrap().to_owned();
            assert!(tag.starts_with("W/\""), "{tag}");
            let again = ask(&ann, target, &tag);
            assert_eq!((again.status, again.header("etag")), (304, Some(&*tag)), "{target}");
            assert_eq!(again.text(), "");
            assert_eq!(again.header("vary"), whole.header("vary"));
            assert_eq!(again.header("cache-control"), whole.header("cache-control"));
            // In a list, without the mark of a weak tag, by HEAD.
            assert_eq!(ask(&ann, target, &format!("\"0\", {}", &tag[2..])).status, 304);
            let head = ann.call("HEAD", target.as_str()).header("If-None-Match", &tag).send();
            assert_eq!(head.status, 304);
            assert_eq!(ask(&bob, target, &tag).status, 200, "another user's tag");
            match change {
                0 => drop(ann.patch(path_of(&todo), &json!({"title": "ONE"})).expect(200)),
                1 => drop(ann.delete(path_of(&todo)).expect(204)),
                _ => drop(ann.create("three")),
            }
            assert_eq!(ask(&ann, target, &tag).status, 200, "{target} after change {change}");
            if change == 0 {
                ann.patch(path_of(&todo), &json!({"title": "one"})).expect(200);
            } else {
                todo = ann.create("one");
            }
        }
    }
}

pub(crate) fn what_changes_nothing_leaves_the_tag(api: Api) {
    let ann = api.user();
    let tag = || ann.get(TODOS).header("etag").unwrap().to_owned();
    let of_nothing = tag();
    assert_eq!(tag(), of_nothing);
    let todo = ann.create("one");
    let before = tag();
    assert_ne!(before, of_nothing);
    ann.patch(path_of(&todo), &json!({"title": "one"})).expect(200);
    let same = json!({"title": "one", "description": null, "is_completed": false});
    ann.put(path_of(&todo), &same).expect(200);
    ann.patch(format!("{TODOS}?all=true"), &json!({"is_completed": false})).expect(200);
    ann.delete(format!("{TODOS}?q=nowhere")).expect(200);
    assert_eq!(tag(), before);
}

pub(crate) fn conditions_on_a_list_follow_the_rules(api: Api) {
    let ann = api.user();
    let ask = |name: &str, value: &str| ann.call("GET", TODOS).header(name, value).send();
    let tag = ann.get(TODOS).header("etag").unwrap().to_owned();
    assert_eq!(ask("If-None-Match", "*").status, 304);
    assert_eq!(ask("If-None-Match", "\"other\"").status, 200);
    assert_eq!(ask("If-Match", "*").status, 200);
    let detail = "The todo does not match the condition; nothing was changed";
    ask("If-Match", &tag).expect_error(412, "PRECONDITION_FAILED", detail);
    ask("If-None-Match", "1").expect_error(400, "VALIDATION_ERROR", "Invalid If-None-Match header");
}
