//! Names of properties as Rust has them, and back again as serde does it.

/// Words that Rust keeps for itself.
const KEYWORDS: &[&str] = &[
    "as", "async", "await", "break", "const", "continue", "dyn", "else", "enum", "extern", "fn", "for", "if", "impl",
    "in", "let", "loop", "match", "mod", "move", "mut", "pub", "ref", "return", "static", "struct", "trait", "type",
    "unsafe", "use", "where", "while", "abstract", "become", "box", "do", "final", "macro", "override", "priv", "try",
    "typeof", "unsized", "virtual", "yield", "gen",
];
/// Names that Rust does not even take raw.
const NEVER: &[&str] = &["self", "super", "crate", "true", "false"];

/// `KmsKeyId` is `kms_key_id`, `RoleARN` is `role_arn`, `SSESpecification` is `sse_specification`.
pub fn snake(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut found = String::new();
    for (at, letter) in letters.iter().enumerate() {
        if !letter.is_ascii_alphanumeric() {
            found.push('_');
            continue;
        }
        let before = at.checked_sub(1).and_then(|at| letters.get(at));
        let after = letters.get(at + 1);
        let starts = letter.is_ascii_uppercase()
            && before.is_some_and(|it| it.is_ascii_lowercase() || it.is_ascii_digit())
            || letter.is_ascii_uppercase()
                && before.is_some_and(char::is_ascii_uppercase)
                && after.is_some_and(char::is_ascii_lowercase);
        if starts {
            found.push('_');
        }
        found.push(letter.to_ascii_lowercase());
    }
    found
}

/// The first letter of each word is large, all others are as they are.
pub fn pascal(name: &str) -> String {
    let words = name.split(|letter: char| !letter.is_ascii_alphanumeric());
    let capital = |word: &str| word.get(..1).map(|first| first.to_ascii_uppercase() + &word[1..]);
    words.filter_map(capital).collect()
}

/// A field's name in Rust.
pub fn ident(property: &str) -> String {
    let name = snake(property);
    match name.as_str() {
        it if NEVER.contains(&it) || it.starts_with(|first: char| first.is_ascii_digit()) => format!("the_{it}"),
        it if KEYWORDS.contains(&it) => format!("r#{it}"),
        _ => name,
    }
}

/// True if serde's `PascalCase` makes `property` of `ident`.
pub fn comes_back(property: &str, ident: &str) -> bool {
    pascal(ident.trim_start_matches("r#")) == property
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        let pairs = [
            ("KmsKeyId", "kms_key_id", true),
            ("RoleARN", "role_arn", false),
            ("SSESpecification", "sse_specification", false),
            ("Type", "r#type", true),
            ("S3Bucket", "s3_bucket", true),
            ("EC2Config", "ec2_config", false),
            ("Self", "the_self", false),
            ("camelCase", "camel_case", false),
        ];
        for (property, name, back) in pairs {
            assert_eq!(ident(property), name);
            assert_eq!(comes_back(property, name), back, "{property}");
        }
    }
}
