//! Synthesised speech on its way to those who listen, by language.

use futures_util::StreamExt;
use healthsync_events::{Language, SpeechStream, speech::SpeechFrame};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::broadcast;
use tokio_stream::wrappers::BroadcastStream;

/// Frames a listener may fall behind: 5 s at 20 ms a frame. One that is further behind has lost the thread.
const CAPACITY: usize = 256;

#[derive(Default)]
pub(crate) struct SpeechHub {
    by_language: Mutex<HashMap<String, Channel>>,
}

struct Channel {
    frames: broadcast::Sender<Arc<SpeechFrame>>,
    /// Held by whoever is speaking: people hear one voice at a time.
    voice: Arc<tokio::sync::Mutex<()>>,
}

impl Default for Channel {
    fn default() -> Self {
        Self { frames: broadcast::channel(CAPACITY).0, voice: Arc::default() }
    }
}

impl SpeechHub {
    pub(crate) fn listen(&self, language: &Language) -> SpeechStream {
        let frames = self.with(language, |channel| channel.frames.subscribe());
        Box::pin(BroadcastStream::new(frames).filter_map(|frame| std::future::ready(frame.ok())))
    }

    pub(crate) fn has_listener(&self, language: &Language) -> bool {
        self.with(language, |channel| channel.frames.receiver_count() > 0)
    }

    pub(crate) fn send(&self, language: &Language, frame: SpeechFrame) {
        // No listener left is no failure.
        let _ = self.with(language, |channel| channel.frames.send(Arc::new(frame)));
    }

    /// What a voice in this language holds while it speaks.
    pub(crate) fn voice(&self, language: &Language) -> Arc<tokio::sync::Mutex<()>> {
        self.with(language, |channel| Arc::clone(&channel.voice))
    }

    fn with<T>(&self, language: &Language, read: impl FnOnce(&Channel) -> T) -> T {
        let mut languages = self.by_language.lock().unwrap_or_else(PoisonError::into_inner);
        read(languages.entry(language.primary()).or_default())
    }
}
