//! Tells people how a pull goes: bars on a terminal, plain lines elsewhere.

use indicatif::{HumanBytes, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::{
    io::{self, IsTerminal, Write},
    path::Path,
    time::{Duration, Instant},
};

/// What happens during a pull, in the order it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PullEvent<'a> {
    /// Another process pulls into the same folder.
    Waiting {
        lock: &'a Path,
    },
    /// `what` is a package or a file of a hub, of `bytes`.
    FetchStarted {
        what: &'a str,
        bytes: u64,
    },
    /// Bytes so far, as far as they can be seen; may pass the total for a moment while a client moves its file.
    FetchProgress {
        what: &'a str,
        bytes: u64,
    },
    /// `kept`: it was there from an earlier pull.
    FetchFinished {
        what: &'a str,
        bytes: u64,
        kept: bool,
    },
    /// The next source is tried, if there is one.
    SourceFailed {
        what: &'a str,
        reason: &'a str,
    },
    Installed {
        model: &'a str,
        file: &'a str,
        bytes: u64,
    },
    Deriving {
        model: &'a str,
        file: &'a str,
        step: &'a str,
    },
    Derived {
        model: &'a str,
        file: &'a str,
        bytes: u64,
    },
    /// Nobody here can make it.
    DerivePending {
        model: &'a str,
        file: &'a str,
        step: &'a str,
    },
}

/// Hears of each event of a pull, on the thread that pulls.
pub trait PullProgress {
    fn on(&mut self, event: PullEvent<'_>);
}

/// Says nothing.
#[derive(Debug, Default, Clone, Copy)]
pub struct Silent;

impl PullProgress for Silent {
    fn on(&mut self, _: PullEvent<'_>) {}
}

/// Bars if standard error is a terminal, else plain lines to it.
pub fn stderr_progress() -> Box<dyn PullProgress> {
    if io::stderr().is_terminal() { Box::new(Bars::new()) } else { Box::new(Lines::new(io::stderr())) }
}

/// One line for each step, and one every ten seconds of a long download: for logs and CI.
#[derive(Debug)]
pub struct Lines<W> {
    out: W,
    total: u64,
    last: Instant,
}

/// Often enough to show life, seldom enough for a log.
const LINE_EVERY: Duration = Duration::from_secs(10);

impl<W: Write> Lines<W> {
    pub fn new(out: W) -> Self {
        Self { out, total: 0, last: Instant::now() }
    }
}

impl<W: Write> PullProgress for Lines<W> {
    fn on(&mut self, event: PullEvent<'_>) {
        match event {
            PullEvent::FetchProgress { what, bytes } => {
                if self.last.elapsed() < LINE_EVERY {
                    return;
                }
                let shown = bytes.min(self.total);
                let _ = writeln!(self.out, "{what}: {} of {}", HumanBytes(shown), HumanBytes(self.total));
            }
            PullEvent::FetchStarted { what, bytes } => {
                self.total = bytes;
                let _ = writeln!(self.out, "{what}: fetching {}", HumanBytes(bytes));
            }
            other => {
                // A closed pipe must not end a pull.
                let _ = writeln!(self.out, "{}", sentence(other));
            }
        }
        self.last = Instant::now();
    }
}

/// A bar for the download at hand, lines above it for what is done.
#[derive(Debug)]
pub struct Bars {
    bar: ProgressBar,
}

impl Default for Bars {
    fn default() -> Self {
        Self::new()
    }
}

impl Bars {
    pub fn new() -> Self {
        Self { bar: ProgressBar::hidden() }
    }

    fn say(&self, event: PullEvent<'_>) {
        let text = sentence(event);
        if self.bar.is_hidden() {
            eprintln!("{text}");
        } else {
            self.bar.println(text);
        }
    }

    fn start(&mut self, what: &str, bytes: u64) {
        self.bar.finish_and_clear();
        self.bar = ProgressBar::with_draw_target(Some(bytes), ProgressDrawTarget::stderr());
        let template = "{msg:36!} {bar:30} {bytes:>10} of {total_bytes:<10} {bytes_per_sec:>12} {eta:>4}";
        // The template is a constant; were it wrong, indicatif's own bar would do.
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        self.bar.set_style(style.progress_chars("━━╌"));
        self.bar.set_message(what.to_owned());
    }
}

impl PullProgress for Bars {
    fn on(&mut self, event: PullEvent<'_>) {
        match event {
            PullEvent::FetchStarted { what, bytes } => self.start(what, bytes),
            PullEvent::FetchProgress { bytes, .. } => {
                self.bar.set_position(bytes.min(self.bar.length().unwrap_or(bytes)));
            }
            PullEvent::FetchFinished { .. } => {
                self.bar.finish_and_clear();
                self.bar = ProgressBar::hidden();
                self.say(event);
            }
            other => self.say(other),
        }
    }
}

fn sentence(event: PullEvent<'_>) -> String {
    match event {
        PullEvent::Waiting { lock } => format!("waiting for another pull to free {}", lock.display()),
        PullEvent::FetchStarted { what, bytes } => format!("{what}: fetching {}", HumanBytes(bytes)),
        PullEvent::FetchProgress { what, bytes } => format!("{what}: {}", HumanBytes(bytes)),
        PullEvent::FetchFinished { what, kept: true, .. } => format!("{what}: kept from an earlier pull"),
        PullEvent::FetchFinished { what, bytes, .. } => format!("{what}: fetched {}", HumanBytes(bytes)),
        PullEvent::SourceFailed { what, reason } => format!("{what}: this source failed: {reason}"),
        PullEvent::Installed { model, file, bytes } => format!("{model}/{file}: {} verified", HumanBytes(bytes)),
        PullEvent::Deriving { model, file, step } => format!("{model}/{file}: making it by {step}"),
        PullEvent::Derived { model, file, bytes } => format!("{model}/{file}: {} made", HumanBytes(bytes)),
        PullEvent::DerivePending { model, file, step } => {
            format!("{model}/{file}: still to be made, the step {step} is not available here")
        }
    }
}
