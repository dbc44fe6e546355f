//! A world that comes as JSON, from a file or from stdin. What is wrong with it is said with its place, and without
//! repeating a value, which may be a key.

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};
use wechatpay_mock_server::{STATE_VERSION, State, StateError};

use super::failure::Failure;
use super::merchants::key_from;
use super::secrets::{mask, unless_key};

/// Where a world comes from, for errors, and what its relative paths begin at.
#[derive(Debug)]
pub(crate) struct Origin {
    name: String,
    folder: PathBuf,
}

impl Origin {
    fn of(path: &Path) -> Self {
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        Self { name: path.display().to_string(), folder }
    }

    /// An error of this file.
    pub(crate) fn wrong(&self, problem: impl std::fmt::Display) -> Failure {
        Failure::configuration(format!("{}: {problem}", self.name))
    }
}

/// Reads a file; stdin where it is `-`.
pub(crate) fn read(path: &Path) -> Result<(Origin, State), Failure> {
    let mut bytes = Vec::new();
    let (origin, result) = if path == Path::new("-") {
        let origin = Origin { name: "stdin".to_owned(), folder: PathBuf::new() };
        (origin, io::stdin().lock().read_to_end(&mut bytes).map(drop))
    } else {
        (Origin::of(path), std::fs::read(path).map(|content| bytes = content))
    };
    result.map_err(|error| origin.wrong(format!("cannot read it: {error}")))?;
    let state = understand(&bytes, &origin.folder).map_err(|problem| origin.wrong(problem))?;
    Ok((origin, state))
}

/// Reads a file that need not be there.
pub(crate) fn read_if_there(path: &Path) -> Result<Option<(Origin, State)>, Failure> {
    match std::fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        _ => read(path).map(Some),
    }
}

fn understand(bytes: &[u8], folder: &Path) -> Result<State, String> {
    let value = serde_json::from_slice(bytes).map_err(|error| format!("not JSON: {error}"))?;
    let Value::Object(mut world) = value else {
        return Err("an object is needed, such as {\"merchants\":[{\"mch_id\":\"10000098\"}]}".to_owned());
    };
    world.entry("version").or_insert(json!(STATE_VERSION));
    fetch_keys(&mut world, folder)?;
    let version =
        world.get("version").and_then(Value::as_u64).and_then(|version| u32::try_from(version).ok());
    if let Some(other) = version.filter(|version| *version != STATE_VERSION) {
        return Err(StateError::Version(other).to_string());
    }
    serde_json::from_value(Value::Object(world.clone())).map_err(|error| locate(&world, &error.to_string()))
}

/// Puts the keys that lie in files in their places.
fn fetch_keys(world: &mut Map<String, Value>, folder: &Path) -> Result<(), String> {
    let merchants = world.get_mut("merchants").and_then(Value::as_array_mut);
    for (at, merchant) in merchants.into_iter().flatten().enumerate() {
        let Some(merchant) = merchant.as_object_mut() else { continue };
        let Some(file) = merchant.remove("key_file") else { continue };
        let wrong = |problem: &str| format!("merchants[{at}]: {problem}");
        let file = file.as_str().ok_or_else(|| wrong("key_file: the path of a file is needed"))?;
        if merchant.contains_key("key") {
            return Err(wrong("key and key_file: one is enough"));
        }
        let key = key_from(&folder.join(file)).map_err(|problem| wrong(&problem))?;
        merchant.insert("key".to_owned(), key.into());
    }
    Ok(())
}

/// Where in the world the error is: each part is tried alone, and of an object each field.
fn locate(world: &Map<String, Value>, whole: &str) -> String {
    for (name, part) in world {
        let shown = unless_key(name);
        let items: Vec<(String, Value, &Value)> = match part {
            Value::Array(items) => items
                .iter()
                .enumerate()
                .map(|(at, item)| (format!("{shown}[{at}]"), json!([item]), item))
                .collect(),
            part => vec![(shown.to_owned(), part.clone(), part)],
        };
        for (path, alone, item) in items {
            if let Some(error) = trouble(name, alone) {
                let field = guilty_field(name, part.is_array(), item, &error);
                return format!("{path}{field}: {}", mask(&error));
            }
        }
    }
    mask(whole)
}

/// What is wrong with a world of this part alone.
fn trouble(name: &str, part: Value) -> Option<String> {
    let world = match name {
        "version" => json!({ "version": part }),
        _ => json!({ "version": STATE_VERSION, name: part }),
    };
    serde_json::from_value::<State>(world).err().map(|error| error.to_string())
}

/// The field without which the error is another. Where a field is missing or unknown, the error names it by itself.
fn guilty_field(name: &str, in_list: bool, item: &Value, error: &str) -> String {
    let Value::Object(fields) = item else { return String::new() };
    if !error.starts_with("invalid ") {
        return String::new();
    }
    let is_guilty = |field: &&String| {
        let mut rest = fields.clone();
        rest.remove(*field);
        let rest = if in_list { json!([rest]) } else { Value::Object(rest) };
        trouble(name, rest).as_deref() != Some(error)
    };
    fields.keys().find(is_guilty).map(|field| format!(".{field}")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(json: &str) -> String {
        understand(json.as_bytes(), Path::new("")).unwrap_err()
    }

    #[test]
    fn every_part_may_be_left_out() {
        assert_eq!(understand(b"{}", Path::new("")), Ok(State::default()));
        let world = r#"{"seed":7,"merchants":[{"mch_id":"1","balance_fen":5}]}"#;
        let state = understand(world.as_bytes(), Path::new("")).unwrap();
        assert_eq!((state.seed, state.merchants[0].balance_fen), (Some(7), Some(5)));
        let whole = State::default().to_json();
        assert_eq!(understand(whole.as_bytes(), Path::new("")), Ok(State::default()));
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        for (json, part) in [
            ("{", "line 1 column 1"),
            ("[]", "an object is needed"),
            (r#"{"version":2}"#, "version 2"),
            (r#"{"version":"1"}"#, "version: invalid type"),
            (r#"{"seed":-1}"#, "seed: invalid value"),
            (r#"{"colour":1}"#, "colour: unknown field `colour`"),
            (r#"{"merchants":{}}"#, "merchants: invalid type"),
            (r#"{"merchants":[{},{"balance_fen":"10.5"}]}"#, "merchants[1].balance_fen: invalid type"),
            (r#"{"merchants":[{"balance_fen":10.5}]}"#, "merchants[0].balance_fen: invalid type"),
            (r#"{"merchants":[{"mode":"x"}]}"#, "merchants[0]: unknown variant `x`"),
            (r#"{"merchants":[{"name":"x"}]}"#, "merchants[0]: unknown field `name`"),
            (r#"{"clock":{"mode":"frozen","now":"noon"}}"#, "clock: "),
            (r#"{"users":[{"openid":"o"}]}"#, "users[0]: missing field `flags`"),
            (r#"{"merchants":[{"key":"x","key_file":"y"}]}"#, "merchants[0]: key and key_file"),
            (r#"{"merchants":[{"key_file":"/no/such"}]}"#, "merchants[0]: key_file: cannot read /no/such"),
        ] {
            assert!(problem(json).contains(part), "{json}: {}", problem(json));
        }
    }

    #[test]
    fn a_key_in_the_wrong_place_is_not_repeated() {
        let key = "exposed_your_key_here_have_risks";
        for json in [
            format!(r#"{{"merchants":["mch_id=1,key={key}"]}}"#),
            format!(r#"{{"merchants":"{key}"}}"#),
            format!(r#"{{"merchants":[{{"balance_fen":"{key}"}}]}}"#),
            format!(r#"{{"seed":"{key}"}}"#),
            format!(r#"{{"{key}":[1]}}"#),
            format!(r#"{{"merchants":[{{"{key}":1}}]}}"#),
            format!(r#"{{"merchants":[{{"mode":"{key}"}}]}}"#),
        ] {
            assert!(!problem(&json).contains(key), "{}", problem(&json));
        }
        assert!(!problem(r#"{"merchants":[{"key":1234567890123}]}"#).contains("1234567890123"));
    }

    #[test]
    fn the_path_of_a_key_begins_at_the_folder_of_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let (key, world) = (folder.path().join("key.txt"), folder.path().join("world.json"));
        std::fs::write(&key, "exposed_your_key_here_have_risks\n").unwrap();
        std::fs::write(&world, r#"{"merchants":[{"key_file":"key.txt"}]}"#).unwrap();
        let (_, state) = read(&world).unwrap();
        assert_eq!(state.merchants[0].key.as_deref(), Some("exposed_your_key_here_have_risks"));
        assert!(read_if_there(&folder.path().join("other")).unwrap().is_none());
    }
}
