//! Keeping keys out of what is said.

/// Flags whose value is a secret.
const FLAGS: [&str; 3] = ["--key", "--admin-token", "--agent-secret"];
/// Parts of a merchant that are secrets.
const PARTS: [&str; 2] = ["key=", "agent_secret="];

/// The bytes of an API key.
const KEY: usize = 32;
/// Less than this is no secret, and hiding it would leave nothing to read.
const LEAST: usize = 4;

/// The text without the secrets of these arguments. Where a blank stands in place of a comma, a key becomes an argument
/// of its own, which an error would repeat.
pub(crate) fn hide(text: &str, arguments: impl Iterator<Item = String>) -> String {
    let mut text = text.to_owned();
    let mut is_secret = false;
    for argument in arguments {
        for secret in within(&argument, is_secret).into_iter().filter(|secret| secret.len() >= LEAST) {
            text = text.replace(secret, "…");
        }
        is_secret = FLAGS.contains(&argument.as_str());
    }
    text
}

fn within(argument: &str, is_secret: bool) -> Vec<&str> {
    if is_secret || (argument.len() == KEY && !argument.starts_with('-')) {
        return vec![argument];
    }
    let of_flag = FLAGS.iter().filter_map(|flag| argument.strip_prefix(flag)?.strip_prefix('='));
    let of_part = PARTS.iter().flat_map(|part| {
        argument.match_indices(part).filter_map(|(at, _)| argument.get(at + part.len()..)?.split(',').next())
    });
    of_flag.chain(of_part).collect()
}

/// A value that an error repeats, unless it may be a key in the wrong place.
pub(crate) fn unless_key(value: &str) -> &str {
    if value.len() == KEY { "…" } else { value }
}

/// The message of a JSON error without the value that it repeats: that may be a key in the wrong place. Of names, which
/// stand in backticks, only those are left out that could be one.
pub(crate) fn mask(message: &str) -> String {
    if let (Some(first), Some(last)) = (message.find('"'), message.rfind('"'))
        && first < last
    {
        let (before, after) = (message.get(..=first), message.get(last..));
        return [before, Some("…"), after].into_iter().flatten().collect();
    }
    let number = message.strip_prefix("invalid type: ").and_then(|rest| rest.split_once('`'));
    match number.and_then(|(kind, rest)| Some((kind, rest.split_once('`')?))) {
        Some((kind, (_, rest))) => format!("invalid type: {kind}`…`{rest}"),
        None => message.split('`').map(unless_key).collect::<Vec<_>>().join("`"),
    }
}

/// A key as it may be shown: its last four characters.
pub(crate) fn shown(key: &str) -> String {
    let start = key.char_indices().rev().nth(3).map_or(0, |(at, _)| at);
    format!("⟨key …{}⟩", key.get(start..).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_hidden_wherever_they_stand() {
        let hidden = |arguments: &[&str]| {
            let text = "unexpected argument 'key=my_k3y,balance=1' or 'my_k3y' or 's3cret'";
            hide(text, arguments.iter().map(|&argument| argument.to_owned()))
        };
        let gone = "unexpected argument 'key=…,balance=1' or '…' or 's3cret'";
        assert_eq!(hidden(&["--merchant", "mch_id=1", "key=my_k3y,balance=1"]), gone);
        assert_eq!(hidden(&["--key", "my_k3y"]), gone);
        assert_eq!(hidden(&["--key=my_k3y"]), gone);
        assert!(!hidden(&["agent_secret=s3cret"]).contains("s3cret"));
        assert!(hidden(&["key="]).contains("my_k3y"));
        assert!(hidden(&["--key", "a"]).contains("argument"));
        let key = "exposed_your_key_here_have_risks";
        assert_eq!(hide(&format!("unexpected '{key}'"), [key.to_owned()].into_iter()), "unexpected '…'");
    }

    #[test]
    fn json_errors_do_not_repeat_values() {
        let text = r#"invalid type: string "a\"key\"b", expected u64"#;
        assert_eq!(mask(text), r#"invalid type: string "…", expected u64"#);
        assert_eq!(
            mask("invalid type: integer `77`, expected a string"),
            "invalid type: integer `…`, expected a string"
        );
        let named = "unknown field `colour`, expected `key`";
        assert_eq!(mask(named), named);
        let key = "unknown variant `exposed_your_key_here_have_risks`, expected `merchant` or `partner`";
        assert_eq!(mask(key), "unknown variant `…`, expected `merchant` or `partner`");
    }

    #[test]
    fn a_key_shows_four_characters() {
        assert_eq!(shown("exposed_your_key_here_have_risks"), "⟨key …isks⟩");
        assert_eq!(shown("abc"), "⟨key …abc⟩");
    }
}
