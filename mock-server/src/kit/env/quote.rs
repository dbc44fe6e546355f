//! Values in the four forms. A path may hold any character but NUL.

use std::fmt::Write as _;

/// For a POSIX shell: everything is literal between single quotes, but a single quote.
pub(super) fn sh(value: &str) -> String {
    format!("'{}'", value.replace('\'', r"'\''"))
}

/// For PowerShell. It takes typographic quotes for quotes, and its older versions read files in the code page of the
/// machine: what is not printable ASCII is written by its number.
pub(super) fn ps1(value: &str) -> String {
    let mut text = String::from("'");
    for character in value.chars() {
        match character {
            '\'' => text.push_str("''"),
            ' '..='~' => text.push(character),
            _ => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    // Writing to a string does not fail.
                    let _ = write!(text, "' + [char]0x{unit:04X} + '");
                }
            }
        }
    }
    text + "'"
}

/// For readers of `.env`, which differ: bare where all of them agree, in single quotes where most do, and with
/// backslashes in double quotes where nothing else is left.
pub(super) fn dotenv(value: &str) -> String {
    let bare = |character: char| character.is_ascii_alphanumeric() || "_-./:@%+,".contains(character);
    let literal = |character: char| !character.is_control() && character != '\'';
    if !value.is_empty() && value.chars().all(bare) {
        value.to_owned()
    } else if value.chars().all(literal) && !value.contains(r"\\") && !value.ends_with('\\') {
        format!("'{value}'")
    } else {
        let mut text = String::from("\"");
        for character in value.chars() {
            match character {
                '"' | '\\' | '$' | '`' => text.extend(['\\', character]),
                '\n' => text.push_str(r"\n"),
                '\r' => text.push_str(r"\r"),
                _ => text.push(character),
            }
        }
        text + "\""
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_values_stay_readable() {
        for quote in [sh, ps1] {
            assert_eq!(quote("/home/ci/kit/ca.pem"), "'/home/ci/kit/ca.pem'");
        }
        assert_eq!(dotenv("https://127.0.0.1:43121"), "https://127.0.0.1:43121");
    }

    #[test]
    fn nothing_ends_a_value_early() {
        let value = "a b'c\"d$HOME`id`\\e\n商’";
        assert_eq!(sh(value), "'a b'\\''c\"d$HOME`id`\\e\n商’'");
        assert_eq!(
            ps1(value),
            "'a b''c\"d$HOME`id`\\e' + [char]0x000A + '' + [char]0x5546 + '' + [char]0x2019 + ''"
        );
        assert_eq!(ps1("\u{1f600}"), "'' + [char]0xD83D + '' + [char]0xDE00 + ''");
        assert_eq!(dotenv(value), "\"a b'c\\\"d\\$HOME\\`id\\`\\\\e\\n商’\"");
        for (value, quoted) in [
            ("", "''"),
            ("a b", "'a b'"),
            ("$HOME #1 \"x\"", "'$HOME #1 \"x\"'"),
            (r"C:\kit\ca.pem", r"'C:\kit\ca.pem'"),
            (r"C:\kit\", r#""C:\\kit\\""#),
            (r"\\host\kit", r#""\\\\host\\kit""#),
        ] {
            assert_eq!(dotenv(value), quoted);
        }
    }
}
