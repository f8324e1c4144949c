//! Monitors: one message, its answer, the next message, as fast as they are answered or at a pace.

use super::message::Monitor;
use crate::speech::BenchError;
use healthsync_events::Timestamp;
use serde::Serialize;
use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
    time::{Interval, interval_at},
};

/// How long an answer may take before the run has failed.
const ANSWER_LIMIT: Duration = Duration::from_secs(20);

/// When each message of a monitor was sent, for whoever sees its score; the last of them.
pub type Sent = Arc<Mutex<Vec<(String, Instant)>>>;

/// Messages of a monitor whose sending is remembered for its scores: more under way than these there never are.
const REMEMBERED: usize = 256;

/// Monitors at a time, and how often each sends; as fast as it is answered where that is not said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Level {
    pub connections: usize,
    pub every: Option<Duration>,
}

#[derive(Debug, Clone, Copy)]
pub struct Window {
    /// Before anything counts.
    pub warm_up: Duration,
    pub measured: Duration,
}

/// What monitors saw.
#[derive(Debug, Clone, Default)]
pub struct Load {
    /// Messages answered within the window.
    pub answered: u64,
    pub seconds: f64,
    /// From sending to the answer, in microseconds, of those messages.
    pub waits_us: Vec<u32>,
}

/// Where the answer is not what the message calls for.
pub type Expect = fn(&[u8]) -> bool;

/// The message is accepted.
pub fn accepted(answer: &[u8]) -> bool {
    answer.windows(7).any(|part| part == b"MSA|AA|")
}

/// The message itself.
pub fn echoed(answer: &[u8]) -> bool {
    answer.starts_with(b"\x0bMSH|")
}

/// Lets every monitor send over a connection of its own.
pub async fn run(
    address: SocketAddr,
    monitors: Vec<(Monitor, Option<Sent>)>,
    every: Option<Duration>,
    window: Window,
    expect: Expect,
) -> Result<Load, BenchError> {
    let count = monitors.len() as u32;
    let mut connections = Vec::with_capacity(monitors.len());
    for (monitor, sent) in monitors {
        let stream = TcpStream::connect(address).await.map_err(failed)?;
        stream.set_nodelay(true).map_err(failed)?;
        connections.push((stream, monitor, sent));
    }
    let over = Arc::new(AtomicBool::new(false));
    let from = Instant::now() + window.warm_up;
    let mut tasks = JoinSet::new();
    for ((stream, monitor, sent), number) in connections.into_iter().zip(0..) {
        // Spread over their time, as monitors are that know nothing of each other.
        let pace = every.map(|every| interval_at((Instant::now() + every * number / count).into(), every));
        tasks.spawn(send(Sender { stream, monitor, sent, pace }, from, Arc::clone(&over), expect));
    }
    tokio::time::sleep(window.warm_up + window.measured).await;
    over.store(true, Ordering::Relaxed);
    let seconds = from.elapsed().as_secs_f64();
    let mut load = Load { seconds, ..Load::default() };
    while let Some(done) = tasks.join_next().await {
        let waits = done.map_err(|e| BenchError::Stream(e.to_string()))??;
        load.answered += waits.len() as u64;
        load.waits_us.extend(waits);
    }
    Ok(load)
}

fn failed(error: std::io::Error) -> BenchError {
    BenchError::Stream(error.to_string())
}

/// A monitor at its connection.
struct Sender {
    stream: TcpStream,
    monitor: Monitor,
    sent: Option<Sent>,
    pace: Option<Interval>,
}

/// The waits of one monitor that count.
async fn send(
    mut sender: Sender,
    from: Instant,
    over: Arc<AtomicBool>,
    expect: Expect,
) -> Result<Vec<u32>, BenchError> {
    let (mut waits, mut buffer) = (Vec::new(), Vec::with_capacity(4 * 1024));
    while !over.load(Ordering::Relaxed) {
        let begun = match &mut sender.pace {
            // From when it was to be sent: a client that is late does not make the server look fast.
            Some(pace) => pace.tick().await.into_std(),
            None => Instant::now(),
        };
        let (id, frame) = sender.monitor.next(now());
        if let Some(sent) = &sender.sent {
            let mut sent = sent.lock().unwrap_or_else(PoisonError::into_inner);
            if sent.len() >= REMEMBERED {
                sent.drain(..REMEMBERED / 2);
            }
            sent.push((id, begun));
        }
        sender.stream.write_all(&frame).await.map_err(failed)?;
        let answer = tokio::time::timeout(ANSWER_LIMIT, answer(&mut sender.stream, &mut buffer)).await;
        answer.map_err(|_| BenchError::Timeout("an answer"))??;
        if !expect(&buffer) {
            return Err(BenchError::Stream("a message was not accepted".into()));
        }
        let done = Instant::now();
        if begun >= from && !over.load(Ordering::Relaxed) {
            waits.push(done.duration_since(begun).as_micros() as u32);
        }
    }
    Ok(waits)
}

/// Reads up to the end of a frame.
async fn answer(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Result<(), BenchError> {
    buffer.clear();
    while !buffer.ends_with(b"\x1c\r") {
        if stream.read_buf(buffer).await.map_err(failed)? == 0 {
            return Err(BenchError::Stream("the connection was closed".into()));
        }
    }
    Ok(())
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(since.as_millis() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vitals::echo;
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn monitors_send_and_wait_and_what_is_no_answer_fails_the_run() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(echo::serve(listener));
        let monitors = || (0..4).map(|n| (Monitor::new(format!("P{n}").parse().unwrap(), "t".into()), None)).collect();
        let window = Window { warm_up: Duration::from_millis(20), measured: Duration::from_millis(200) };
        let load = run(address, monitors(), None, window, echoed).await.unwrap();
        assert!(load.answered > 10 && load.waits_us.len() as u64 == load.answered, "{}", load.answered);
        let every = Some(Duration::from_millis(50));
        let paced = run(address, monitors(), every, window, echoed).await.unwrap().answered;
        assert!((4..=16).contains(&paced), "{paced} of four monitors in four times their pace");
        assert!(run(address, monitors(), None, window, accepted).await.is_err(), "an echo is no acknowledgement");
    }
}
