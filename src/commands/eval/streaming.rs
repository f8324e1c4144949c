//! Recognition in real time, through the sessions a server would run.

use super::{
    Bench,
    material::{Item, Material, voiced},
    report::{Streamed, Streaming, Translated},
    stream::{self, Heard},
};
use crate::config::Config;
use anyhow::Context as _;
use futures_util::{StreamExt as _, TryStreamExt as _};
use healthsync_actors::{ActorThreads, Clock, Directory, DirectoryConfig, Models, SqliteStore};
use healthsync_models::tasks::VoiceActivityFactory;
use std::{sync::Arc, time::Duration};

/// How long inference may go on after the last recording.
const SETTLE: Duration = Duration::from_secs(10);

pub(super) async fn run(
    config: &Config,
    bench: &Bench,
    material: &Material,
    streams: u16,
    models: Models,
) -> anyhow::Result<Streaming> {
    let folder = tempfile::tempdir().context("there is no room for a session log")?;
    let store = SqliteStore::open(&folder.path().join("eval.db"))?;
    let threads = ActorThreads::start(config.sessions.actor_threads)?;
    let ears = models.voice_activity.clone();
    let limits = DirectoryConfig { max_open_sessions: config.sessions.max_open, ..DirectoryConfig::default() };
    let directory = Directory::new(Arc::new(store), Clock::system(), models, threads.clone(), limits);
    let bar = super::progress("In real time", material.items.len());
    let play = async |item: &Item| {
        bar.set_message(item.recording.name.clone());
        let played = play(&directory, item, &ears).await;
        bar.inc(1);
        played.with_context(|| format!("{} cannot be streamed", item.recording.name))
    };
    let played = futures_util::stream::iter(&material.items).map(play).buffered(usize::from(streams));
    let played: Vec<_> = played.try_collect().await?;
    bar.finish_and_clear();
    directory.settle(SETTLE).await;
    threads.stop();
    let mut translation = Vec::new();
    let mut recordings = Vec::with_capacity(played.len());
    for (item, (heard, voice)) in material.items.iter().zip(played) {
        translated(&mut translation, item, &heard);
        recordings.push(Streamed::new(&bench.normaliser, item, &heard, voice));
    }
    Ok(Streaming::new(recordings, translation))
}

async fn play(
    directory: &Directory,
    item: &Item,
    ears: &VoiceActivityFactory,
) -> anyhow::Result<(Heard, Option<(f64, f64)>)> {
    let (source, ears) = (item.recording.clone(), ears.clone());
    // Elsewhere, so that decoding one recording does not hold up the others.
    let prepare = move || -> anyhow::Result<_> {
        let samples = Item { recording: source, seconds: 0.0 }.samples()?;
        let voice = voiced(&samples, &ears)?;
        Ok((samples, voice))
    };
    let (samples, voice) = tokio::task::spawn_blocking(prepare).await??;
    Ok((stream::play(directory, &item.recording, samples).await?, voice))
}

/// Takes in the translations of a recording's captions, if its list says how it should be translated.
fn translated(all: &mut Vec<Translated>, item: &Item, heard: &Heard) {
    let recording = &item.recording;
    let Some(reference) = &recording.translation else { return };
    let group = Translated::group("streamed", &recording.language, &reference.language);
    let flagged = heard.translations.iter().any(|(_, flagged)| *flagged);
    Translated::of(all, group).add(&recording.name, &heard.text(), &heard.translation(), &reference.text, flagged);
}
