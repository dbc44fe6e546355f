//! Telling of every request while the server runs: lines on stderr, and a file of JSON lines.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::Duration;

use wechatpay_mock_server::{Commit, Effect, Mock, Record, Verdict};

use super::failure::Failure;
use super::note;
use super::options::WorldOptions;
use super::secrets::shown;
use super::values::Level;

/// How often it is looked for news.
const PAUSE: Duration = Duration::from_millis(50);

/// A thread that writes what is heard. Dropping it writes the rest.
pub(crate) struct Log {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Log {
    /// Begins to listen.
    pub(crate) fn start(mock: &Mock, options: &WorldOptions, level: Level) -> Result<Self, Failure> {
        let file = options.journal_file.as_deref().map(open).transpose()?;
        let follower = mock.follow();
        let mut tell = Teller { mock: mock.clone(), file, level, told: BTreeSet::new() };
        let (stop, stopped) = mpsc::channel();
        let run = move || {
            loop {
                let ends = stopped.recv_timeout(PAUSE) != Err(RecvTimeoutError::Timeout);
                let heard = follower.take();
                if heard.missed > 0 {
                    note(&format!("{} requests came too fast to be told of", heard.missed));
                }
                heard.records.iter().for_each(|record| tell.of(record));
                if ends {
                    return;
                }
            }
        };
        let thread = std::thread::Builder::new().name("log".to_owned()).spawn(run);
        let thread =
            thread.map_err(|error| Failure::configuration(format!("cannot start a thread: {error}")))?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was already reported there.
            drop(thread.join());
        }
    }
}

fn open(path: &Path) -> Result<File, Failure> {
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let failed =
        |error| Failure::configuration(format!("--journal-file: cannot open {}: {error}", path.display()));
    options.open(path).map_err(failed)
}

struct Teller {
    mock: Mock,
    /// None after it could not be written to.
    file: Option<File>,
    level: Level,
    /// What was told of paths at which nothing is found: each once, whatever the level.
    told: BTreeSet<String>,
}

impl Teller {
    fn of(&mut self, record: &Record) {
        if let Some(file) = &mut self.file
            && let Err(error) = file.write_all(record.to_json_line().as_bytes())
        {
            note(&format!("the journal file cannot be written to any more: {error}"));
            self.file = None;
        }
        if let Some(diagnosis) = record.diagnosis.as_ref().filter(|_| record.verdict == Verdict::Path)
            && self.told.insert(diagnosis.clone())
        {
            note(&format!("{} was answered 404: {diagnosis}", record.id));
        }
        if self.level >= Level::Info {
            let mut text = line(record);
            if self.level == Level::Wire {
                text += &self.without_keys(bodies(record));
            }
            // Nobody is left to tell if stderr is gone.
            drop(io::stderr().write_all(text.as_bytes()));
        }
    }

    /// Some clients send their key by mistake.
    fn without_keys(&self, text: String) -> String {
        let merchants = self.mock.merchants();
        merchants.iter().fold(text, |text, merchant| text.replace(merchant.key(), &shown(merchant.key())))
    }
}

/// One line: what came, what was found, and what became of it. The query stays out: it can hold a sign.
fn line(record: &Record) -> String {
    let path = record.target.split('?').next().unwrap_or_default().escape_debug();
    let merchant = record.mch_id.as_deref().unwrap_or("-").escape_debug();
    let commit = match record.commit {
        Commit::Applied => "applied".to_owned(),
        Commit::NotApplied => "not_applied".to_owned(),
        Commit::Later(at) => format!("later:{at}"),
    };
    let fault = record.fault.map_or("-", |(_, name)| name);
    let (method, verdict, id) = (&record.method, record.verdict.name(), record.id);
    let more = record.diagnosis.as_ref().map(|text| format!(" diagnosis={text:?}")).unwrap_or_default();
    format!("{id} {method} {path} mch_id={merchant} verdict={verdict} commit={commit} fault={fault}{more}\n")
}

/// What went over the wire, as text.
fn bodies(record: &Record) -> String {
    let request = String::from_utf8_lossy(&record.body);
    let reply = match &record.effect {
        Effect::Reply(response) => String::from_utf8_lossy(response.body()).into_owned(),
        Effect::Wire { pieces, .. } => {
            pieces.iter().map(|piece| String::from_utf8_lossy(&piece.bytes).into_owned()).collect()
        }
    };
    format!("> {}\n< {}\n", indented(&request), indented(&reply))
}

/// One text is one block, whatever is in it: nothing that a terminal would obey.
fn indented(text: &str) -> String {
    let is_safe = |c: char| c == '\n' || !c.is_control();
    text.trim_end().chars().filter(|&c| is_safe(c)).collect::<String>().replace('\n', "\n  ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_one_block_that_no_terminal_obeys() {
        assert_eq!(indented("<xml>\n<a>\u{1b}[2J红</a>\r\n</xml>\n"), "<xml>\n  <a>[2J红</a>\n  </xml>");
    }

    #[test]
    fn a_key_in_a_body_is_hidden() {
        let mock = Mock::builder().build();
        let merchant = mock.merchant().create().unwrap();
        let tell = Teller { mock, file: None, level: Level::Wire, told: BTreeSet::new() };
        let text = tell.without_keys(format!("<key>{}</key>", merchant.key()));
        assert_eq!(text, format!("<key>{}</key>", shown(merchant.key())));
    }
}
