use actix_web::http::header::{HeaderName, IF_MATCH, IF_NONE_MATCH};
use actix_web::test::TestRequest;

use super::*;

fn conditions(
    headers: &[(HeaderName, &str)],
) -> Result<(ReadConditions, WriteConditions), ApiError> {
    let request = headers.iter().cloned().fold(TestRequest::get(), TestRequest::append_header);
    let (request, mut payload) = (request.to_http_request(), Payload::None);
    Ok((
        ReadConditions::from_request(&request, &mut payload).into_inner()?,
        WriteConditions::from_request(&request, &mut payload).into_inner()?,
    ))
}

#[test]
fn without_the_headers_there_is_no_condition() {
    let none = conditions(&[]).unwrap();
    assert_eq!(none.1.versions(), VersionMatch::Any);
    assert_eq!(none.1.put(), PutCondition::Always);
    assert_eq!(none.0.outcome(1), ReadOutcome::Send);
}

#[test]
fn if_match_matches_strong_tags_only() {
    let some = conditions(&[(IF_MATCH, "\"3\", W/\"4\", \"abc\""), (IF_MATCH, "\"5\"")]).unwrap();
    assert_eq!(some.1.versions(), VersionMatch::OneOf(vec![3, 5]));
    assert_eq!(some.1.put(), PutCondition::Present(VersionMatch::OneOf(vec![3, 5])));
    assert_eq!(
        [3, 4, 5].map(|it| some.0.outcome(it)),
        [ReadOutcome::Send, ReadOutcome::PreconditionFailed, ReadOutcome::Send]
    );
    let any = conditions(&[(IF_MATCH, "*")]).unwrap();
    assert_eq!((any.1.versions(), any.0.outcome(9)), (VersionMatch::Any, ReadOutcome::Send));
}

#[test]
fn tags_are_compared_as_text() {
    for foreign in ["\"abc\"", "\"\"", "\"a,b\",, \"c\"", "\"01\"", "\"+1\"", "\"1.0\"", "\"-0\""] {
        let foreign = conditions(&[(IF_MATCH, foreign), (IF_NONE_MATCH, foreign)]).unwrap();
        assert_eq!(foreign.1.versions(), VersionMatch::OneOf(vec![]));
    }
}

#[test]
fn if_none_match_compares_weakly() {
    let some = conditions(&[(IF_NONE_MATCH, "\"3\", W/\"4\"")]).unwrap();
    let read = [3, 4, 5].map(|version| some.0.outcome(version));
    assert_eq!(read, [ReadOutcome::NotModified, ReadOutcome::NotModified, ReadOutcome::Send]);
    assert_eq!(some.1.versions(), VersionMatch::NoneOf(vec![3, 4]));
    assert_eq!(some.1.put(), PutCondition::Unless(vec![3, 4]));
    let any = conditions(&[(IF_NONE_MATCH, "*")]).unwrap();
    assert_eq!((any.0.outcome(9), any.1.put()), (ReadOutcome::NotModified, PutCondition::Absent));
    assert_eq!(any.1.versions(), VersionMatch::OneOf(vec![]));
}

#[test]
fn both_conditions_must_hold_and_if_match_is_checked_first() {
    let both = conditions(&[(IF_MATCH, "\"3\", \"4\""), (IF_NONE_MATCH, "W/\"4\"")]).unwrap();
    let read = [3, 4, 5].map(|version| both.0.outcome(version));
    assert_eq!(
        read,
        [ReadOutcome::Send, ReadOutcome::NotModified, ReadOutcome::PreconditionFailed]
    );
    assert_eq!(both.1.versions(), VersionMatch::OneOf(vec![3]));
    let never = conditions(&[(IF_MATCH, "*"), (IF_NONE_MATCH, "*")]).unwrap();
    assert_eq!(never.1.put(), PutCondition::Present(VersionMatch::OneOf(vec![])));
}

#[test]
fn invalid_headers_are_rejected() {
    for value in ["", ",", "3", "\"3", "W/3", "\"3\" \"4\"", "\"3 4\"", "*, \"3\""] {
        assert!(conditions(&[(IF_MATCH, value)]).is_err(), "{value}");
        assert!(conditions(&[(IF_NONE_MATCH, value)]).is_err(), "{value}");
    }
}
