//! Recognition of whole recordings.

use super::{
    Bench, Measure,
    material::{Item, Material},
    report::{Offline, Recognised},
};
use anyhow::Context as _;
use healthsync_actors::pool::{Class, Request};
use healthsync_events::audio::SAMPLE_RATE;
use healthsync_loadtests::speech::process::Usage;
use healthsync_models::tasks::{Cancel, Effort, SpokenLanguage, TranscribeRequest, VoiceActivityFactory};
use healthsync_transcribe::{SegmentEvent, Segmenter, SegmenterConfig};
use std::{sync::Arc, time::Duration};

/// Longest recording recognised in one piece: the recogniser takes 30 s, and utterances have at most this.
const WHOLE: usize = 25 * SAMPLE_RATE as usize;

pub(super) async fn run(
    bench: &Bench,
    material: &Material,
    measure: Measure,
    effort: Effort,
    ears: &VoiceActivityFactory,
) -> anyhow::Result<Offline> {
    let bar = super::progress(if effort == Effort::Full { "Full" } else { "Draft" }, material.items.len());
    let before = cpu_seconds();
    let mut recordings = Vec::with_capacity(material.items.len());
    for item in &material.items {
        bar.set_message(item.recording.name.clone());
        let recognised = recognise(bench, item, effort, ears).await;
        recordings.push(recognised.with_context(|| format!("{} cannot be recognised", item.recording.name))?);
        bar.inc(1);
    }
    bar.finish_and_clear();
    let used = cpu_seconds().zip(before).map(|(after, before)| after - before);
    Ok(Offline::new(measure, recordings, used))
}

/// Of this process so far; `None` elsewhere than on Linux.
fn cpu_seconds() -> Option<f64> {
    Usage::of("/proc/self").map(|usage| usage.cpu_seconds)
}

async fn recognise(
    bench: &Bench,
    item: &Item,
    effort: Effort,
    ears: &VoiceActivityFactory,
) -> anyhow::Result<Recognised> {
    let mut texts = Vec::new();
    let mut took = Duration::ZERO;
    for piece in pieces(item.samples()?, ears)? {
        let input = TranscribeRequest {
            samples: piece,
            language: SpokenLanguage::Known(item.recording.language.clone()),
            prompt: None,
            effort,
            cancel: Cancel::default(),
        };
        let request = Request { session: bench.session, class: Class::Live, input, deadline: None, supersedes: None };
        let answer = bench.transcribe.submit(request)?.answer().await?;
        took += answer.service;
        texts.push(answer.output.text);
    }
    Ok(Recognised::new(&bench.normaliser, item, texts.join(" "), Some(took.as_secs_f64())))
}

/// The recording as a whole, or its utterances where it is too long for that.
fn pieces(samples: Vec<f32>, ears: &VoiceActivityFactory) -> anyhow::Result<Vec<Arc<[f32]>>> {
    if samples.len() <= WHOLE {
        return Ok(vec![samples.into()]);
    }
    let mut segmenter = Segmenter::new(SegmenterConfig::default(), ears()?);
    let mut events = segmenter.push(0, &samples)?;
    events.extend(segmenter.finish());
    let ended = |event| if let SegmentEvent::Ended(segment) = event { Some(segment.samples.into()) } else { None };
    Ok(events.into_iter().filter_map(ended).collect())
}
