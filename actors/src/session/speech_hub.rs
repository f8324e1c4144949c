//! Synthesised speech on its way to those who listen, by language.

use futures_util::StreamExt;
use healthsync_events::{Language, SpeechStream, speech::SpeechFrame};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::broadcast;
use tokio_stream::wrappers::BroadcastStream;

/// Frames a listener may fall behind: 25 s at 100 ms a frame. One that is further behind has lost the thread.
const CAPACITY: usize = 256;

#[derive(Default)]
pub(crate) struct SpeechHub {
    by_language: Mutex<HashMap<String, broadcast::Sender<Arc<SpeechFrame>>>>,
}

impl SpeechHub {
    pub(crate) fn listen(&self, language: &Language) -> SpeechStream {
        let mut languages = self.by_language.lock().unwrap_or_else(PoisonError::into_inner);
        let sender = languages.entry(language.primary()).or_insert_with(|| broadcast::channel(CAPACITY).0);
        Box::pin(BroadcastStream::new(sender.subscribe()).filter_map(|frame| std::future::ready(frame.ok())))
    }

    pub(crate) fn has_listener(&self, language: &Language) -> bool {
        let languages = self.by_language.lock().unwrap_or_else(PoisonError::into_inner);
        languages.get(&language.primary()).is_some_and(|sender| sender.receiver_count() > 0)
    }

    pub(crate) fn send(&self, language: &Language, frame: SpeechFrame) {
        let languages = self.by_language.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = languages.get(&language.primary()) {
            // No listener left is no failure.
            let _ = sender.send(Arc::new(frame));
        }
    }
}
