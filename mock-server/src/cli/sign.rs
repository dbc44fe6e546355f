//! Signing by hand: the string that is signed, the sign, and the document, without a server.

use std::io::Read as _;

use serde_json::json;
use wechatpay_proto::{AgentSecret, ApiKey, Call, Merchant, Nonce, RequestError, SignType};

use super::commands::SignCommand;
use super::failure::Failure;
use super::merchants::key_from;
use super::values::Print;
use super::{note, say, secrets};

/// The most bytes of what is signed.
const MOST: u64 = 1024 * 1024;

type Pairs = Vec<(String, String)>;

/// Reads fields from stdin and prints what becomes of them.
pub(crate) fn sign(options: &SignCommand) -> Result<(), Failure> {
    let key = key(options)?;
    let mut text = String::new();
    let read = std::io::stdin().lock().take(MOST).read_to_string(&mut text);
    read.map_err(|error| Failure::usage(format!("stdin cannot be read: {error}")))?;
    let signed = signed(options, &key, fields(&text).map_err(Failure::usage)?)?;
    say(&match options.print {
        Print::Json => {
            format!("{}\n", json!({"string_to_sign": signed.string, "sign": signed.sign, "xml": signed.xml}))
        }
        Print::Human => format!("{}\n{}\n{}\n", signed.string, signed.sign, signed.xml),
    })
}

fn key(options: &SignCommand) -> Result<String, Failure> {
    match (&options.key_file, &options.key) {
        (Some(path), _) => key_from(path).map_err(Failure::configuration),
        (None, Some(key)) => Ok(key.clone()),
        (None, None) => Err(Failure::usage("which key? Give --key-file FILE, or WECHATPAY_MOCK_KEY")),
    }
}

/// A document, or lines of `name=value`.
fn fields(text: &str) -> Result<Pairs, String> {
    let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    if text.trim_start().starts_with('<') {
        let document = wechatpay_proto::wire::parse(text.trim().as_bytes(), &[]);
        let document = document.map_err(|error| format!("the document on stdin: {error}"))?;
        return Ok(document.untrusted().iter().map(owned).collect());
    }
    let lines = text.lines().enumerate().filter(|(_, line)| !line.is_empty());
    let pair = |(at, line): (usize, &str)| match line.split_once('=') {
        Some(pair) => Ok(owned(pair)),
        None => Err(format!("line {} of stdin is not name=value", at + 1)),
    };
    lines.map(pair).collect()
}

struct Signed {
    string: String,
    sign: String,
    xml: String,
}

fn signed(options: &SignCommand, key: &str, mut fields: Pairs) -> Result<Signed, Failure> {
    let bare = options.path.trim_start_matches('/');
    let known = wechatpay_proto::call::PATHS.iter().find(|row| {
        let path = row.path.trim_start_matches('/');
        path == bare || path.rsplit('/').next() == Some(bare)
    });
    let path = known.map_or(options.path.as_str(), |row| row.path);
    let merchant_row = known.map_or(Some("mch_id"), |row| row.merchant_row);
    let mch_id = merchant_row.map(|row| needed(&mut fields, row)).transpose()?;
    let nonce = known.is_none_or(|row| row.nonce).then(|| needed(&mut fields, "nonce_str")).transpose()?;
    let sign_type = take(&mut fields, "sign_type");
    let inner = known.and_then(|row| row.inner).map(|inner| inner.name);
    fields.retain(|(name, _)| name != "sign" && Some(name.as_str()) != inner);

    let pairs = fields.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let mut call = Call::new(path).fields(pairs);
    match sign_type.as_deref() {
        None => {}
        Some("MD5") => call = call.sign_type(SignType::Md5),
        Some("HMAC-SHA256") => call = call.sign_type(SignType::HmacSha256),
        Some(_) => return Err(Failure::usage("sign_type: there are MD5, HMAC-SHA256")),
    }
    let merchant = merchant(options, mch_id.as_deref().unwrap_or("1"), key).map_err(refused)?;
    let nonce = Nonce::from_text(nonce.as_deref().unwrap_or("unused")).map_err(refused)?;
    let signed = merchant.sign(&call, nonce).map_err(refused)?;
    let string = signed.string_to_sign();
    if sign_type.is_some() && !string.contains("sign_type=") {
        note("sign_type is left out: this path takes MD5 and has no such field");
    }
    let sign = sign_of(signed.xml(), signed.uri().query().unwrap_or_default());
    Ok(Signed { string: string + &secrets::shown(key), sign, xml: signed.xml().to_owned() })
}

fn merchant(options: &SignCommand, mch_id: &str, key: &str) -> Result<Merchant, RequestError> {
    let merchant = Merchant::direct(mch_id, ApiKey::new(key)?)?;
    match &options.agent_secret {
        Some(secret) => Ok(merchant.with_agent_secret(AgentSecret::new(secret)?)),
        None => Ok(merchant),
    }
}

/// The sign in the document, or in the query of a page.
fn sign_of(xml: &str, query: &str) -> String {
    let document = wechatpay_proto::wire::parse(xml.as_bytes(), &[]).ok();
    let in_xml = document.and_then(|document| document.untrusted().get("sign").map(str::to_owned));
    let in_query = || query.split('&').find_map(|pair| pair.strip_prefix("sign="));
    in_xml.or_else(|| in_query().map(str::to_owned)).unwrap_or_default()
}

fn take(fields: &mut Pairs, name: &str) -> Option<String> {
    let at = fields.iter().position(|(field, _)| field == name)?;
    Some(fields.remove(at).1)
}

fn needed(fields: &mut Pairs, name: &str) -> Result<String, Failure> {
    take(fields, name)
        .ok_or_else(|| Failure::usage(format!("{name} is not among the fields on stdin: add it")))
}

fn refused(error: RequestError) -> Failure {
    Failure::usage(error.to_string())
}
