//! The user that a token names.

use todo_domain::UserId;
use uuid::Uuid;

use super::claims::MAX_SUBJECT;
use crate::http::routing::parse_uuid;

/// The user with this subject: the subject itself if it is a UUID, else a UUID version 5 of issuer and subject, which is
/// always the same.
///
/// All issuers share one key set, so that whoever signs for one of them can sign for the others: a UUID does not have to
/// be kept apart by issuer.
#[must_use]
pub fn user_id(issuer: &str, subject: &str) -> UserId {
    let user = parse_uuid(subject.as_bytes()).unwrap_or_else(|| {
        let namespace = Uuid::new_v5(&Uuid::NAMESPACE_URL, issuer.as_bytes());
        Uuid::new_v5(&namespace, subject.as_bytes())
    });
    UserId(user)
}

/// The user with this subject, for operators.
///
/// # Errors
/// If a subject needs an issuer, or cannot be one.
pub fn of_text(subject: &str, issuer: Option<&str>) -> Result<UserId, String> {
    if !(1..=MAX_SUBJECT).contains(&subject.chars().count()) {
        return Err(format!("a subject has 1 to {MAX_SUBJECT} characters"));
    }
    if parse_uuid(subject.as_bytes()).is_none() && issuer.is_none() {
        return Err("a subject that is not a UUID needs its issuer: set --issuer, or JWT_ISSUER to one issuer".to_owned());
    }
    Ok(user_id(issuer.unwrap_or_default(), subject))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ISSUER: &str = "https://issuer.example/";

    fn text(issuer: &str, subject: &str) -> String {
        user_id(issuer, subject).to_string()
    }

    #[test]
    fn a_uuid_is_the_users_id_whatever_the_issuer_and_case() {
        const ID: &str = "550e8400-e29b-41d4-a716-446655440000";
        assert_eq!(text(ISSUER, ID), ID);
        assert_eq!(text("https://other.example/", &ID.to_uppercase()), ID);
    }

    #[test]
    fn any_other_subject_is_mapped_and_stays_the_same_for_ever() {
        // Computed by Python: uuid5(uuid5(NAMESPACE_URL, issuer), subject). Todos are stored under these ids.
        assert_eq!(text(ISSUER, "auth0|62b1c0"), "9a5a80e9-eae1-5ef4-8d48-53b6d0b549f2");
        assert_eq!(text(ISSUER, "é"), "bc5ca350-a407-5674-b88d-5a0252f83cb5");
        assert_eq!(text("", "auth0|62b1c0"), "46c8313d-0bd8-5a48-bf7b-b101b27bc1f1");
    }

    #[test]
    fn other_spellings_of_a_uuid_are_ordinary_subjects() {
        let canonical = text(ISSUER, "550e8400-e29b-41d4-a716-446655440000");
        for other in ["550e8400e29b41d4a716446655440000", "{550e8400-e29b-41d4-a716-446655440000}"]
        {
            assert_ne!(text(ISSUER, other), canonical, "{other}");
        }
    }
}
