//! Copies `SQLite`'s write-ahead log into the file on a thread of its own. On the thread that writes it would be the commit that
//! happens to fill the log that waits for all the pages before it to be written and synced.

use rusqlite::Connection;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    thread::JoinHandle,
    time::Duration,
};

/// How often. What a busy second writes is some tens of megabytes.
const EVERY: Duration = Duration::from_secs(1);

/// Pages of 4 KiB in the log from which on the thread that writes helps: as long as it goes on writing there is always more
/// that has not been copied, and a log that never is copied whole grows without end.
const MAX_PAGES: i64 = 16_000;

pub(super) struct Checkpointer {
    stop: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
    overgrown: Arc<AtomicBool>,
}

impl Checkpointer {
    /// Of the database that the connection is to; it needs one of its own.
    pub(super) fn start(connection: Connection) -> std::io::Result<Self> {
        let (stop, stopped) = sync_channel(1);
        let overgrown = Arc::new(AtomicBool::new(false));
        let tell = Arc::clone(&overgrown);
        let thread = std::thread::Builder::new()
            .name("log-checkpoint".into())
            .spawn(move || run(&connection, &stopped, &tell))?;
        Ok(Self { stop: Some(stop), thread: Some(thread), overgrown })
    }

    /// To be called between commits by the thread that writes.
    pub(super) fn help(&self, connection: &Connection) {
        if self.overgrown.swap(false, Ordering::Relaxed) {
            copy(connection);
        }
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn run(connection: &Connection, stopped: &Receiver<()>, overgrown: &AtomicBool) {
    let mut copied = 0;
    while stopped.recv_timeout(EVERY) == Err(RecvTimeoutError::Timeout) {
        let pages = copy(connection);
        if pages > MAX_PAGES && pages != copied {
            overgrown.store(true, Ordering::Relaxed);
        }
        copied = pages;
    }
}

/// Copies what no reader needs where it is, and waits for nobody; how many pages the log has.
fn copy(connection: &Connection) -> i64 {
    let started = std::time::Instant::now();
    let pages = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get(1));
    metrics::histogram!("healthsync_log_checkpoint_seconds").record(started.elapsed().as_secs_f64());
    pages.unwrap_or_else(|error| {
        // The next one tries again; commits are as durable in the log as in the file.
        tracing::warn!(%error, "the session log could not be copied into its file");
        0
    })
}
