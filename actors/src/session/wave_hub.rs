//! Waveforms on their way to those who watch, and the last seconds of each channel for those who come late.

use futures_util::{StreamExt, stream};
use healthsync_events::{MdcCode, Refusal, WaveformBlock, WaveformSink, WaveformStream, limits::MAX_WAVEFORM_CHANNELS};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::broadcast;
use tokio_stream::wrappers::BroadcastStream;

/// Blocks a watcher may fall behind before it misses some: over a second of sixteen channels in blocks of 40 ms, over
/// a minute of three in blocks of 200 ms.
const CAPACITY: usize = 1_024;

/// What is kept of a channel for those who come late: one sweep of a monitor's screen. Microseconds.
const KEPT_MICROS: i64 = 10_000_000;

/// Blocks kept of a channel at most, however short they are: 10 s in blocks of 20 ms.
const MAX_KEPT: usize = 512;

/// One session's waveforms.
pub(crate) struct WaveHub {
    /// `None` once the session is over.
    open: Mutex<Option<Open>>,
}

struct Open {
    live: broadcast::Sender<Arc<WaveformBlock>>,
    channels: BTreeMap<MdcCode, Channel>,
    next_source: u64,
}

struct Channel {
    source: u64,
    kept: VecDeque<Arc<WaveformBlock>>,
}

impl Default for WaveHub {
    fn default() -> Self {
        let open = Open { live: broadcast::channel(CAPACITY).0, channels: BTreeMap::new(), next_source: 0 };
        Self { open: Mutex::new(Some(open)) }
    }
}

impl WaveHub {
    /// What is kept, oldest first and channel by channel, then what comes: nothing twice, nothing left out between.
    pub(crate) fn watch(&self) -> Result<WaveformStream, Refusal> {
        self.with(|open| {
            let live = BroadcastStream::new(open.live.subscribe()).filter_map(|block| std::future::ready(block.ok()));
            let kept: Vec<_> = open.channels.values().flat_map(|channel| channel.kept.iter().cloned()).collect();
            Box::pin(stream::iter(kept).chain(live)) as WaveformStream
        })
    }

    /// A place to put blocks. Free of channels until the first block of each.
    pub(crate) fn source(self: &Arc<Self>) -> Result<Box<dyn WaveformSink>, Refusal> {
        self.with(|open| {
            open.next_source += 1;
            Box::new(Source { hub: Arc::clone(self), id: open.next_source }) as Box<dyn WaveformSink>
        })
    }

    /// Ends everybody's stream and takes no more.
    pub(crate) fn close(&self) {
        *self.open.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn with<T>(&self, act: impl FnOnce(&mut Open) -> T) -> Result<T, Refusal> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.as_mut().map(act).ok_or(Refusal::SessionEnded)
    }
}

impl Open {
    fn take(&mut self, source: u64, block: Arc<WaveformBlock>) -> Result<(), Refusal> {
        if !self.channels.contains_key(&block.channel) && self.channels.len() >= MAX_WAVEFORM_CHANNELS {
            return Err(Refusal::TooLarge { what: "waveform channels".into(), limit: MAX_WAVEFORM_CHANNELS as u64 });
        }
        let channel = self.channels.entry(block.channel).or_insert_with(|| Channel { source, kept: VecDeque::new() });
        if channel.source != source {
            return Err(Refusal::Conflict { what: "another source of this channel".into() });
        }
        // A clock that was set back: what is kept lies in its future.
        if channel.kept.back().is_some_and(|newest| newest.start_micros > block.start_micros) {
            channel.kept.clear();
        }
        channel.kept.push_back(Arc::clone(&block));
        let from = block.end_micros().saturating_sub(KEPT_MICROS);
        while channel.kept.len() > MAX_KEPT || channel.kept.front().is_some_and(|oldest| oldest.end_micros() <= from) {
            channel.kept.pop_front();
        }
        // Nobody who watches is no failure.
        let _ = self.live.send(block);
        Ok(())
    }
}

struct Source {
    hub: Arc<WaveHub>,
    id: u64,
}

impl WaveformSink for Source {
    fn push(&mut self, block: Arc<WaveformBlock>) -> Result<(), Refusal> {
        self.hub.with(|open| open.take(self.id, block))?
    }
}

impl Drop for Source {
    /// Its channels are free for another, and nobody who comes later is shown what may be long over.
    fn drop(&mut self) {
        let _ = self.hub.with(|open| open.channels.retain(|_, channel| channel.source != self.id));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    /// The `n`-th block of a second.
    fn block(channel: MdcCode, n: u32) -> Arc<WaveformBlock> {
        Arc::new(WaveformBlock {
            channel,
            unit: MdcCode::MILLIVOLT,
            sequence: n,
            first: n == 0,
            rate_millihertz: 100_000,
            scale: 1.0,
            offset: 0.0,
            start_micros: i64::from(n) * 1_000_000,
            samples: vec![0; 100],
        })
    }

    fn at_hand(stream: &mut WaveformStream) -> Vec<(MdcCode, u32)> {
        // Beyond the runtime's budget for one turn, which would end this early.
        let next = || tokio::task::unconstrained(stream.next()).now_or_never().flatten();
        std::iter::from_fn(next).map(|b| (b.channel, b.sequence)).collect()
    }

    #[tokio::test]
    async fn who_comes_late_gets_the_last_ten_seconds_and_then_what_comes() {
        let hub = Arc::new(WaveHub::default());
        let mut source = hub.source().unwrap();
        for n in 0..30 {
            source.push(block(MdcCode::ECG_II, n)).unwrap();
        }
        let mut late = hub.watch().unwrap();
        source.push(block(MdcCode::ECG_II, 30)).unwrap();
        let expected: Vec<_> = (20..=30).map(|n| (MdcCode::ECG_II, n)).collect();
        assert_eq!(at_hand(&mut late), expected);
    }

    #[tokio::test]
    async fn a_channel_has_one_source_until_that_is_gone() {
        let hub = Arc::new(WaveHub::default());
        let (mut first, mut second) = (hub.source().unwrap(), hub.source().unwrap());
        first.push(block(MdcCode::ECG_II, 0)).unwrap();
        assert!(matches!(second.push(block(MdcCode::ECG_II, 0)), Err(Refusal::Conflict { .. })));
        second.push(block(MdcCode::PLETH, 0)).unwrap();
        drop(first);
        second.push(block(MdcCode::ECG_II, 0)).unwrap();
        let mut late = hub.watch().unwrap();
        assert_eq!(at_hand(&mut late).len(), 2, "nothing is kept of a source that is gone");
    }

    #[test]
    fn channels_are_bounded() {
        let hub = Arc::new(WaveHub::default());
        let mut source = hub.source().unwrap();
        for n in 0..MAX_WAVEFORM_CHANNELS as u32 {
            source.push(block(MdcCode::private(n), 0)).unwrap();
        }
        assert!(matches!(source.push(block(MdcCode::ECG, 0)), Err(Refusal::TooLarge { .. })));
        source.push(block(MdcCode::private(3), 1)).unwrap();
    }

    #[tokio::test]
    async fn a_slow_watcher_misses_blocks_and_holds_nobody_up() {
        let hub = Arc::new(WaveHub::default());
        let mut source = hub.source().unwrap();
        let mut slow = hub.watch().unwrap();
        for n in 0..CAPACITY as u32 + 100 {
            source.push(block(MdcCode::ECG_II, n)).unwrap();
        }
        let seen = at_hand(&mut slow);
        assert_eq!(seen.len(), CAPACITY);
        assert_eq!(seen.last(), Some(&(MdcCode::ECG_II, CAPACITY as u32 + 99)));
    }

    #[tokio::test]
    async fn the_end_of_the_session_ends_every_stream() {
        let hub = Arc::new(WaveHub::default());
        let mut source = hub.source().unwrap();
        let mut watcher = hub.watch().unwrap();
        hub.close();
        assert!(watcher.next().await.is_none());
        assert_eq!(source.push(block(MdcCode::ECG, 0)), Err(Refusal::SessionEnded));
        assert!(matches!(hub.watch(), Err(Refusal::SessionEnded)));
    }
}
