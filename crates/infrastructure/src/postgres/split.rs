//! Splits SQL text into statements.
//!
//! It implements only as much of the grammar as is needed to find the semicolons between statements. (A complete SQL
//! parser would take longer to compile than this whole crate.) It does not support function bodies with `BEGIN ATOMIC`.

/// A comment or a quoted string is not terminated.
#[derive(Debug, thiserror::Error)]
#[error("cannot split the SQL into statements: unterminated comment or quoted string at {0:?}")]
pub(super) struct UnterminatedToken(String);

/// The statements of an SQL text, without the semicolons between them.
///
/// # Errors
/// If a comment or a quoted string is not terminated.
pub(super) fn split_statements(sql: &str) -> Result<Vec<&str>, UnterminatedToken> {
    let mut statements = Vec::new();
    let (mut start, mut at, mut is_empty) = (0, 0, true);
    while at < sql.len() {
        let token = &sql[at..at + token_length(&sql[..at], &sql[at..])?];
        at += token.len();
        if token == ";" {
            if !is_empty {
                statements.push(sql[start..at - 1].trim());
            }
            (start, is_empty) = (at, true);
        } else {
            let is_comment = token.starts_with("--") || token.starts_with("/*");
            is_empty &= is_comment || token.trim().is_empty();
        }
    }
    if !is_empty {
        statements.push(sql[start..].trim());
    }
    Ok(statements)
}

/// The length, in bytes, of the comment, quoted string or character at the start of `rest`.
fn token_length(before: &str, rest: &str) -> Result<usize, UnterminatedToken> {
    let continues_word = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
    let found = match rest.as_bytes() {
        [b'-', b'-', ..] => return Ok(rest.find('\n').unwrap_or(rest.len())),
        [b'/', b'*', ..] => block_comment(rest),
        [b'\'', ..] => {
            // Only E'…' has backslash escapes.
            let word = before.rsplit(|c| !continues_word(c)).next().unwrap_or_default();
            quoted(rest, '\'', word.eq_ignore_ascii_case("e"))
        }
        [b'"', ..] => quoted(rest, '"', false),
        [b'$', ..] if !before.ends_with(continues_word) => match dollar_tag(rest) {
            Some(tag) => rest[tag.len()..].find(tag).map(|end| end + 2 * tag.len()),
            None => Some(1),
        },
        _ => rest.chars().next().map(char::len_utf8),
    };
    found.ok_or_else(|| UnterminatedToken(rest.chars().take(20).collect()))
}

/// Block comments can be nested.
fn block_comment(rest: &str) -> Option<usize> {
    let (mut depth, mut at) = (0, 0);
    loop {
        let next = rest.get(at..)?;
        if next.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if next.starts_with("*/") {
            depth -= 1;
            at += 2;
        } else {
            at += next.chars().next()?.len_utf8();
        }
        if depth == 0 {
            return Some(at);
        }
    }
}

/// A doubled quote is an escaped quote.
fn quoted(rest: &str, quote: char, has_backslashes: bool) -> Option<usize> {
    let mut characters = rest.char_indices().skip(1).peekable();
    while let Some((at, c)) = characters.next() {
        if c == quote && characters.next_if(|(_, next)| *next == quote).is_none() {
            return Some(at + 1);
        }
        if has_backslashes && c == '\\' {
            characters.next();
        }
    }
    None
}

/// `$$` or `$name$`.
fn dollar_tag(rest: &str) -> Option<&str> {
    let end = rest[1..].find('$')? + 1;
    let name = &rest[1..end];
    let is_name = name.chars().all(|c| c.is_alphanumeric() || c == '_')
        && !name.starts_with(|c: char| c.is_ascii_digit());
    is_name.then(|| &rest[..=end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn semicolons_in_comments_and_quotes_do_not_end_a_statement() {
        fn statements(sql: &str) -> Vec<&str> {
            super::split_statements(sql).unwrap()
        }
        assert_eq!(statements("SELECT 1; SELECT 2;\n"), ["SELECT 1", "SELECT 2"]);
        assert!(statements(" ; -- nothing;\n /* ; */ ;").is_empty());
        for statement in [
            "SELECT 'a;''b', \"c;d\", E'\\';e'",
            "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $body$ BEGIN x := $a$;$a$; END $body$",
            "-- why;\nALTER TABLE a /* ; /* ; */ */ ADD b text COLLATE \"C\" DEFAULT 'x'::text",
            "SELECT E'a''\\';b', e'\\\\', 'c\\', a$b, $1, $2",
            "SELECT a::int, b->>'c', d @> e, f[1:2], 1.5e3, U&'\\0041', B'01', X'ff', :g FROM h WHERE i ~* 'j' AND k <> ALL ($1)",
        ] {
            assert_eq!(statements(statement), [statement]);
            let twice = format!("{statement};\n{statement} ;");
            assert_eq!(statements(&twice), [statement, statement]);
        }
        for unterminated in ["SELECT 'a", "SELECT 1 /* /* */", "SELECT \"a", "SELECT $a$ $b$ $$"] {
            assert!(super::split_statements(unterminated).is_err(), "{unterminated}");
        }
    }

    #[test]
    fn every_migration_can_be_split() {
        for migration in crate::postgres::MIGRATIONS.iter().filter(|it| it.rust.is_none()) {
            assert!(!split_statements(&migration.up).unwrap().is_empty());
            assert!(!split_statements(&migration.down).unwrap().is_empty());
        }
    }
}
