// @generated automatically by Diesel CLI.

diesel::table! {
    todos (user_id, id) {
        user_id -> Uuid,
        id -> Uuid,
        title -> Text,
        description -> Nullable<Text>,
        is_completed -> Bool,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        version -> BigInt,
        title_folded -> Text,
        description_folded -> Nullable<Text>,
        completed_at -> Nullable<Timestamptz>,
    }
}
