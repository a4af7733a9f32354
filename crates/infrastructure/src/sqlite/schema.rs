// @generated automatically by Diesel CLI.

diesel::table! {
    todos (user_id, id) {
        user_id -> Binary,
        id -> Binary,
        title -> Text,
        description -> Nullable<Text>,
        is_completed -> Bool,
        created_at -> BigInt,
        updated_at -> BigInt,
        version -> BigInt,
        title_folded -> Text,
        description_folded -> Nullable<Text>,
        completed_at -> Nullable<BigInt>,
    }
}
