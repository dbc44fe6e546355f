//! What people see while it runs: a bar where somebody watches, lines where it is written down. All of it on stderr.

use std::collections::BTreeMap;
use std::io::{IsTerminal as _, Write as _, stderr};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use wechatpay_proto::payout::{Alert, ClockError, Intent, Progress};

/// How often the same is told.
const TELL: u64 = 5;

/// Tells people how far it is, and what they should hear of.
pub(crate) struct Watch {
    bar: Option<ProgressBar>,
    total: u64,
    done: u64,
    /// A line for each so many that are done.
    every: u64,
    /// What was told, and how often it came.
    told: BTreeMap<String, u64>,
    /// Whether it was told that everything waits.
    idle: bool,
}

impl Watch {
    /// Of `total` payouts, `done` are done already.
    pub(crate) fn new(total: u64, done: u64) -> Self {
        let terminal = stderr().is_terminal();
        let bar = terminal.then(|| {
            let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
            let style = ProgressStyle::with_template("{bar:32} {pos}/{len} {percent}% {elapsed} {msg}");
            bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())).with_position(done)
        });
        let every = (total / 20).clamp(1, 10_000);
        Self { bar, total, done, every, told: BTreeMap::new(), idle: false }
    }

    /// A payout is done.
    pub(crate) fn done(&mut self) {
        self.done += 1;
        match &self.bar {
            Some(bar) => bar.inc(1),
            None if self.done.is_multiple_of(self.every) => {
                self.note(&format!("{} of {} done", self.done, self.total.max(self.done)));
            }
            None => {}
        }
    }

    /// All wait for so long. Told once, so that silence is not taken for a halt.
    pub(crate) fn idle(&mut self, wait: Duration) {
        if !std::mem::replace(&mut self.idle, true) {
            let minutes = wait.as_secs() / 60;
            self.note(&format!(
                "nothing to do for {minutes} min; paid packets are followed until they are claimed or back"
            ));
        }
    }

    /// What the campaign counts.
    pub(crate) fn progress(&mut self, progress: &Progress) {
        if let Some(bar) = &self.bar {
            let Progress { in_flight, sends, queries, .. } = progress;
            bar.set_message(format!("{in_flight} in flight, {sends} sends, {queries} queries"));
        }
    }

    /// Something about one payout.
    pub(crate) fn alert(&mut self, intent: &Intent, alert: &Alert) {
        let kind = alert.to_string();
        let text = format!("{}, mch_billno {}: {kind}", intent.business_id(), intent.mch_billno());
        // The length and the digest of a body make each a kind of its own.
        let kind = kind.split(" (").next().unwrap_or_default();
        let kind = if kind.starts_with("unreadable") { "unreadable" } else { kind };
        self.tell(kind, &text);
    }

    /// A request without an answer.
    pub(crate) fn lost(&mut self, text: &str) {
        self.tell(text, &format!("no answer: {text}"));
    }

    /// Something is wrong that a person should mend.
    pub(crate) fn trouble(&mut self, text: &str) {
        self.tell(text, text);
    }

    /// A clock that went back keeps everything from being sent.
    pub(crate) fn blocked(&mut self, error: &ClockError) {
        // By how much is another each time.
        self.tell("nothing is sent: a clock went back", &format!("nothing is sent: {error}"));
    }

    /// Says it the first few times.
    fn tell(&mut self, kind: &str, text: &str) {
        let count = self.told.entry(kind.to_owned()).or_default();
        *count += 1;
        match *count {
            ..TELL => self.note(text),
            TELL => self.note(&format!("{text} (no more of these are shown)")),
            _ => {}
        }
    }

    /// Says something once.
    pub(crate) fn note(&self, text: &str) {
        let write = || {
            // Nobody is left to tell if stderr is gone.
            drop(writeln!(stderr(), "campaign: {text}"));
        };
        match &self.bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    /// Takes the bar away, and says what was told too often to be shown.
    pub(crate) fn end(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
        for (kind, count) in std::mem::take(&mut self.told) {
            if count > TELL {
                self.note(&format!("{count} times: {kind}"));
            }
        }
    }
}
