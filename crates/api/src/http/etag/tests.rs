use super::*;

fn conditions(headers: &[(HeaderName, &'static str)]) -> Result<Conditions, ApiError> {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(name.clone(), HeaderValue::from_static(value));
    }
    Conditions::from_headers(&map)
}

#[test]
fn without_the_headers_there_is_no_condition() {
    let none = conditions(&[]).unwrap();
    assert_eq!(none.versions(), VersionMatch::Any);
    assert_eq!(none.put(), PutCondition::Always);
    assert_eq!(none.read(1), ReadOutcome::Send);
}

#[test]
fn if_match_matches_strong_tags_only() {
    let some = conditions(&[(IF_MATCH, "\"3\", W/\"4\", \"abc\""), (IF_MATCH, "\"5\"")]).unwrap();
    assert_eq!(some.versions(), VersionMatch::OneOf(vec![3, 5]));
    assert_eq!(some.put(), PutCondition::Present(VersionMatch::OneOf(vec![3, 5])));
    assert_eq!(
        [3, 4, 5].map(|it| some.read(it)),
        [ReadOutcome::Send, ReadOutcome::PreconditionFailed, ReadOutcome::Send]
    );
    let any = conditions(&[(IF_MATCH, "*")]).unwrap();
    assert_eq!((any.versions(), any.read(9)), (VersionMatch::Any, ReadOutcome::Send));
}

#[test]
fn tags_are_compared_as_text() {
    for foreign in ["\"abc\"", "\"\"", "\"a,b\",, \"c\"", "\"01\"", "\"+1\"", "\"1.0\"", "\"-0\""] {
        let foreign = conditions(&[(IF_MATCH, foreign), (IF_NONE_MATCH, foreign)]).unwrap();
        assert_eq!(foreign.versions(), VersionMatch::OneOf(vec![]));
    }
}

#[test]
fn if_none_match_compares_weakly() {
    let some = conditions(&[(IF_NONE_MATCH, "\"3\", W/\"4\"")]).unwrap();
    let read = [3, 4, 5].map(|version| some.read(version));
    assert_eq!(read, [ReadOutcome::NotModified, ReadOutcome::NotModified, ReadOutcome::Send]);
    assert_eq!(some.versions(), VersionMatch::NoneOf(vec![3, 4]));
    assert_eq!(some.put(), PutCondition::Unless(vec![3, 4]));
    let any = conditions(&[(IF_NONE_MATCH, "*")]).unwrap();
    assert_eq!((any.read(9), any.put()), (ReadOutcome::NotModified, PutCondition::Absent));
    assert_eq!(any.versions(), VersionMatch::OneOf(vec![]));
}

#[test]
fn both_conditions_must_hold_and_if_match_is_checked_first() {
    let both = conditions(&[(IF_MATCH, "\"3\", \"4\""), (IF_NONE_MATCH, "W/\"4\"")]).unwrap();
    let read = [3, 4, 5].map(|version| both.read(version));
    assert_eq!(
        read,
        [ReadOutcome::Send, ReadOutcome::NotModified, ReadOutcome::PreconditionFailed]
    );
    assert_eq!(both.versions(), VersionMatch::OneOf(vec![3]));
    let never = conditions(&[(IF_MATCH, "*"), (IF_NONE_MATCH, "*")]).unwrap();
    assert_eq!(never.put(), PutCondition::Present(VersionMatch::OneOf(vec![])));
}

#[test]
fn invalid_headers_are_rejected() {
    for value in ["", ",", "3", "\"3", "W/3", "\"3\" \"4\"", "\"3 4\"", "*, \"3\""] {
        assert!(conditions(&[(IF_MATCH, value)]).is_err(), "{value}");
        assert!(conditions(&[(IF_NONE_MATCH, value)]).is_err(), "{value}");
    }
}
