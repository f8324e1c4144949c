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
        Self::every(EVERY, MAX_PAGES, connection)
    }

    fn every(every: Duration, max_pages: i64, connection: Connection) -> std::io::Result<Self> {
        let (stop, stopped) = sync_channel(1);
        let overgrown = Arc::new(AtomicBool::new(false));
        let tell = Arc::clone(&overgrown);
        let thread = std::thread::Builder::new()
            .name("log-checkpoint".into())
            .spawn(move || run(&connection, (every, max_pages), &stopped, &tell))?;
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

fn run(connection: &Connection, (every, max_pages): (Duration, i64), stopped: &Receiver<()>, overgrown: &AtomicBool) {
    let mut copied = 0;
    while stopped.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
        let pages = copy(connection);
        if pages > max_pages && pages != copied {
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        path::{Path, PathBuf},
        time::Instant,
    };

    const OFTEN: Duration = Duration::from_millis(1);

    /// Looks until it holds; a disk that is busy takes a while.
    fn until(what: &str, mut holds: impl FnMut() -> bool) {
        let begun = Instant::now();
        while !holds() {
            assert!(begun.elapsed() < Duration::from_secs(30), "{what} in time");
            std::thread::yield_now();
        }
    }

    fn open(file: &Path) -> Connection {
        let connection = Connection::open(file).unwrap();
        connection.pragma_update(None, "journal_mode", "WAL").unwrap();
        connection.pragma_update(None, "wal_autocheckpoint", 0).unwrap();
        connection
    }

    fn database() -> (tempfile::TempDir, PathBuf, Connection) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("log.db");
        let writer = open(&file);
        writer.execute_batch("CREATE TABLE event (body TEXT)").unwrap();
        (folder, file, writer)
    }

    fn write(writer: &Connection, rows: usize) {
        for row in 0..rows {
            writer.execute("INSERT INTO event VALUES (?1)", [format!("event {row}")]).unwrap();
        }
    }

    /// Rows of the file without its log, if it can be read as it is.
    fn in_the_file_alone(file: &Path) -> Option<i64> {
        let alone = file.with_extension("alone");
        std::fs::copy(file, &alone).ok()?;
        Connection::open(&alone).ok()?.query_row("SELECT count(*) FROM event", [], |row| row.get(0)).ok()
    }

    #[test]
    fn what_was_written_is_soon_in_the_file_itself() {
        let (_folder, file, writer) = database();
        write(&writer, 100);
        assert_ne!(in_the_file_alone(&file), Some(100), "so far it is only in the log");
        let _checkpointer = Checkpointer::every(OFTEN, MAX_PAGES, open(&file)).unwrap();
        until("the rows are in the file", || in_the_file_alone(&file) == Some(100));
        write(&writer, 50);
        until("those written meanwhile are, too", || in_the_file_alone(&file) == Some(150));
    }

    #[test]
    fn the_thread_that_writes_copies_a_log_that_has_outgrown_the_other() {
        let (_folder, file, writer) = database();
        // The thread would come again in an hour: it has only told that there is too much.
        let checkpointer = Checkpointer::every(Duration::from_hours(1), MAX_PAGES, open(&file)).unwrap();
        write(&writer, 100);
        checkpointer.help(&writer);
        assert_ne!(in_the_file_alone(&file), Some(100), "nobody asked for help");
        checkpointer.overgrown.store(true, Ordering::Relaxed);
        checkpointer.help(&writer);
        assert_eq!(in_the_file_alone(&file), Some(100));
        assert!(!checkpointer.overgrown.load(Ordering::Relaxed), "once is enough");
    }

    #[test]
    fn help_is_asked_for_when_the_log_has_grown_over_its_bound() {
        let (_folder, file, writer) = database();
        let checkpointer = Checkpointer::every(OFTEN, 10, open(&file)).unwrap();
        write(&writer, 100);
        until("help is asked for", || checkpointer.overgrown.load(Ordering::Relaxed));
    }
}
