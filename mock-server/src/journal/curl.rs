//! A record as a command line for `curl` that sends the same bytes again.

use std::fmt::Write as _;

use http::{Method, header};

use super::Record;

/// The files that `curl` is to take, by their paths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CurlFiles<'a> {
    /// The authority that vouches for the server, PEM.
    pub ca: Option<&'a str>,
    /// The client certificate, PEM.
    pub certificate: Option<&'a str>,
    /// Its key, PEM.
    pub key: Option<&'a str>,
}

/// What `curl` would add of its own.
const ADDED: [header::HeaderName; 3] = [header::ACCEPT, header::CONTENT_TYPE, header::USER_AGENT];

/// What belongs to a connection, or what `curl` knows better.
const OWN: [header::HeaderName; 5] =
    [header::HOST, header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::CONNECTION, header::EXPECT];

impl Record {
    /// A command for a POSIX shell that sends the same request to `base_url`, such as `https://127.0.0.1:4711`. A
    /// body that is not plain text, or may be too long for an argument, comes in by a pipe.
    pub fn to_curl(&self, base_url: &str, files: &CurlFiles<'_>) -> String {
        let mut parts = vec!["curl -sS -i --http1.1 --globoff --path-as-is".to_owned()];
        let mut give = |option: &str, value: &[u8]| parts.push(format!("{option} {}", word(value)));
        match self.method {
            Method::HEAD => give("-X HEAD --head --url", self.url(base_url).as_bytes()),
            _ => {
                give("-X", self.method.as_str().as_bytes());
                give("--url", self.url(base_url).as_bytes());
            }
        }
        if let Some(ca) = files.ca {
            give("--cacert", ca.as_bytes());
        }
        if let Some(certificate) = files.certificate {
            // A colon would begin a pass phrase.
            give("--cert", certificate.replace('\\', "\\\\").replace(':', "\\:").as_bytes());
        }
        if let Some(key) = files.key {
            give("--key", key.as_bytes());
        }
        for header in self.sent_again() {
            give("-H", &header);
        }
        let piped = !is_argument(&self.body);
        match (piped, self.body.is_empty() && !takes_a_body(&self.method)) {
            (_, true) => {}
            (true, _) => parts.push("--data-binary @-".to_owned()),
            (false, _) => give("--data-binary", &self.body),
        }
        let note = if self.trimmed { "# The body was too large to be kept.\n" } else { "" };
        let pipe = if piped { format!("printf {} | ", format(&self.body)) } else { String::new() };
        format!("{note}{pipe}{}\n", parts.join(" \\\n  "))
    }

    fn url(&self, base_url: &str) -> String {
        format!("{}{}", base_url.trim_end_matches('/'), self.target)
    }

    /// The headers, and those that `curl` must not make up.
    fn sent_again(&self) -> Vec<Vec<u8>> {
        let own = self.headers.iter().filter(|(name, _)| !OWN.contains(name));
        let own = own.map(|(name, value)| match value.as_bytes() {
            b"" => format!("{name};").into_bytes(),
            value => [name.as_str().as_bytes(), b": ", value].concat(),
        });
        let added = ADDED.iter().filter(|name| !self.headers.contains_key(*name));
        own.chain(added.map(|name| format!("{name}:").into_bytes())).collect()
    }
}

fn takes_a_body(method: &Method) -> bool {
    [Method::POST, Method::PUT, Method::PATCH].contains(method)
}

/// Whether a body can be an argument: text that a terminal shows, not too long, and not what `curl` takes for the
/// name of a file.
fn is_argument(body: &[u8]) -> bool {
    body.len() <= 64 * 1024 && !body.starts_with(b"@") && plain(body).is_some()
}

/// Text without control characters but line feeds and tabs.
fn plain(bytes: &[u8]) -> Option<&str> {
    let control = |c: char| c.is_control() && c != '\n' && c != '\t';
    str::from_utf8(bytes).ok().filter(|text| !text.contains(control))
}

/// One word for the shell.
fn word(bytes: &[u8]) -> String {
    let harmless = |byte: &u8| byte.is_ascii_alphanumeric() || b"/.:_-".contains(byte);
    match plain(bytes) {
        Some(text) if !text.is_empty() && bytes.iter().all(harmless) => text.to_owned(),
        Some(text) => format!("'{}'", text.replace('\'', r"'\''")),
        None => format!("\"$(printf {})\"", format(bytes)),
    }
}

/// Any bytes as the format of `printf`, quoted.
fn format(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() + 2);
    text.push('\'');
    for byte in bytes {
        match byte {
            b'\n' => text.push_str("\\n"),
            b'%' => text.push_str("%%"),
            b'\\' | b'\'' | b'-' => push_octal(&mut text, *byte),
            b' '..=b'~' => text.push(char::from(*byte)),
            _ => push_octal(&mut text, *byte),
        }
    }
    text.push('\'');
    text
}

fn push_octal(text: &mut String, byte: u8) {
    // Writing to a string cannot fail.
    let _ = write!(text, "\\{byte:03o}");
}

#[cfg(all(test, unix))]
mod tests {
    use std::io::Write as _;
    use std::process::Command;

    use bytes::Bytes;
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::super::samples::record;
    use super::*;

    /// What `curl` would be given: its arguments, and what it would read.
    fn given(record: &Record, base_url: &str, files: &CurlFiles<'_>) -> (Vec<Vec<u8>>, Vec<u8>) {
        let curl =
            r#"curl() { printf '%s\0' "$@"; for last do :; done; if [ "$last" = @- ]; then cat; fi; }"#;
        let script = format!("{curl}\n{}", record.to_curl(base_url, files));
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(script.as_bytes()).unwrap();
        let output = Command::new("sh").arg(file.path()).output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
        let piped = output.stdout.windows(3).position(|part| part == b"@-\0");
        let (arguments, read) = output.stdout.split_at(piped.map_or(output.stdout.len(), |place| place + 3));
        let arguments = arguments.strip_suffix(b"\0").unwrap().split(|byte| *byte == 0);
        (arguments.map(<[u8]>::to_vec).collect(), read.to_vec())
    }

    /// The body that `curl` would send.
    fn sent(record: &Record) -> Vec<u8> {
        let (arguments, read) = given(record, "http://127.0.0.1:1", &CurlFiles::default());
        let place = arguments.iter().position(|argument| argument == b"--data-binary").unwrap();
        match &*arguments[place + 1] {
            b"@-" => read,
            body => body.to_vec(),
        }
    }

    #[test]
    fn a_request_becomes_a_command() {
        let mut record = record(1, &[("remark", "it's")]);
        record.headers.insert(header::HOST, HeaderValue::from_static("api.mch.weixin.qq.com"));
        record.headers.insert(header::USER_AGENT, HeaderValue::from_static("a$(b)`c`\"d\" 'e'"));
        record.headers.insert("x-empty", HeaderValue::from_static(""));
        record.headers.insert("x-bytes", HeaderValue::from_bytes(b"\xff'%").unwrap());
        record.target.push_str("?a='b'&c[1]=$d");
        let files = CurlFiles {
            ca: Some("/tmp/a kit/ca.pem"),
            certificate: Some("/tmp/a:b.pem"),
            key: Some("/tmp/it's.pem"),
        };
        let (arguments, read) = given(&record, "https://127.0.0.1:4711/", &files);
        let expected: [&[u8]; 27] = [
            b"-sS",
            b"-i",
            b"--http1.1",
            b"--globoff",
            b"--path-as-is",
            b"-X",
            b"POST",
            b"--url",
            b"https://127.0.0.1:4711/mmpaymkttransfers/sendredpack?a='b'&c[1]=$d",
            b"--cacert",
            b"/tmp/a kit/ca.pem",
            b"--cert",
            b"/tmp/a\\:b.pem",
            b"--key",
            b"/tmp/it's.pem",
            b"-H",
            b"content-type: text/xml",
            b"-H",
            b"user-agent: a$(b)`c`\"d\" 'e'",
            b"-H",
            b"x-empty;",
            b"-H",
            b"x-bytes: \xff'%",
            b"-H",
            b"accept:",
            b"--data-binary",
            b"<xml><remark>it's</remark></xml>",
        ];
        assert_eq!(arguments, expected.map(<[u8]>::to_vec));
        assert!(read.is_empty());
    }

    #[test]
    fn a_body_comes_through_to_the_byte() {
        let every_byte: Vec<u8> = (0..=255).collect();
        let long = "<a>".repeat(100_000);
        for body in [
            &b""[..],
            b"@/etc/passwd",
            b"@-",
            b"-n",
            b"--help\n",
            b"100%s \\n \\\\",
            b"it's $HOME `id` \"x\"\n\n",
            "红包\t\n".as_bytes(),
            b"\r\n",
            b"\0",
            b"\xe7\xba",
            b"7\x007",
            &every_byte,
            long.as_bytes(),
        ] {
            let mut record = record(1, &[]);
            record.body = Bytes::copy_from_slice(body);
            assert!(sent(&record) == body, "{:?}", String::from_utf8_lossy(&body[..body.len().min(99)]));
        }
    }

    #[test]
    fn a_request_without_a_body_gets_none() {
        let mut record = record(1, &[]);
        record.body = Bytes::new();
        record.method = Method::GET;
        let text = record.to_curl("http://127.0.0.1:1", &CurlFiles::default());
        assert!(!text.contains("data-binary"), "{text}");
        record.method = Method::HEAD;
        assert!(record.to_curl("http://127.0.0.1:1", &CurlFiles::default()).contains(" --head "));
        record.method = Method::POST;
        let trimmed = record.trimmed().to_curl("http://127.0.0.1:1", &CurlFiles::default());
        assert!(trimmed.starts_with("# The body was too large to be kept.\ncurl "), "{trimmed}");
        assert!(trimmed.ends_with("--data-binary ''\n"), "{trimmed}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]

        #[test]
        fn any_body_comes_through(body in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut record = record(1, &[]);
            record.body = Bytes::from(body.clone());
            prop_assert_eq!(sent(&record), body);
        }

        #[test]
        fn any_text_comes_through(body in "[ -~\n\t红]{0,200}") {
            let mut record = record(1, &[]);
            record.body = Bytes::from(body.clone());
            prop_assert_eq!(String::from_utf8(sent(&record)).unwrap(), body);
        }
    }
}
