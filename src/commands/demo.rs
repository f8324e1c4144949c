//! `healthsync demo`: plays the scripted consultation against a running server.

use crate::{config::Config, wiring};
use anyhow::Context as _;
use clap::Args;
use healthsync_events::EventBody;
use healthsync_loadtests::{
    ApiClient, Endpoints, Outcome, Progress, Script,
    consultation::{Clip, Material, Played, play},
    outcome::percentile,
};
use healthsync_models::{Model, tasks::SpeakRequest};
use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

/// How long the server's models may take to load on a slow disk.
const READY_LIMIT: Duration = Duration::from_mins(2);

#[derive(Debug, Args)]
pub struct Options {
    /// The server's HTTP door; the configured one when absent.
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// The server's MLLP door; the configured one when absent.
    #[arg(long, value_name = "ADDR")]
    mllp: Option<SocketAddr>,
    /// Patient identifier to play the consultation for.
    #[arg(long, default_value = "DEMO-0001")]
    patient: String,
    /// Also end the session when it has been played.
    #[arg(long)]
    end: bool,
}

pub fn run(config: &Config, options: &Options) -> anyhow::Result<()> {
    let url = options.url.clone().unwrap_or_else(|| format!("http://{}", config.http.listen));
    let endpoints = Endpoints { http: url, mllp: options.mllp.unwrap_or(config.mllp.listen) };
    let script = Script::demo();
    let material = Material {
        patient: options.patient.parse()?,
        terms: script.terms.iter().map(ToString::to_string).collect(),
        clips: record_voices(config, &script)?,
        image: wiring::demo_image(config)?,
    };
    super::runtime()?.block_on(async {
        let api = ApiClient::new(&endpoints.http)?;
        println!("Waiting for the server at {} to load its models …", endpoints.http);
        api.wait_until_ready(READY_LIMIT).await?;
        let begun = Instant::now();
        let page = endpoints.http.clone();
        let tell = Arc::new(move |progress: Progress<'_>| match progress {
            Progress::Started(session) => {
                println!("\nWatch it at {page}/?session={}\n", session.session);
            }
            Progress::Happened(body) => tell_line(body),
        });
        let played = play(&endpoints, &script.steps, material, tell).await?;
        if options.end {
            api.end_session(played.session.session).await?;
        }
        summarise(&played, begun.elapsed());
        Ok(())
    })
}

/// Speaks the script's lines with the registry's voices. Nothing spoken is shipped: it is made here.
pub(super) fn record_voices(config: &Config, script: &Script) -> anyhow::Result<HashMap<&'static str, Clip>> {
    println!("Preparing the voices of the demo …");
    let mut speaker = wiring::load_speaker(config)?;
    let mut clips = HashMap::new();
    for (who, text) in script.lines() {
        let request = SpeakRequest {
            text: text.into(),
            language: who.language().parse()?,
            voice: Some(who.voice().into()),
            speed: 1.0,
        };
        let spoken = speaker.run(std::slice::from_ref(&request)).pop().context("the voice gave nothing")??;
        clips.insert(text, Clip { samples: spoken.samples, sample_rate: spoken.sample_rate });
    }
    Ok(clips)
}

fn tell_line(body: &EventBody) {
    match body {
        EventBody::CaptionFinal(c) => println!("{:>10} ({}): {}", c.participant.as_str(), c.language, c.text),
        EventBody::TranslationFinal(t) => println!("{:>10} ({}): {}", "→", t.target_language, t.text),
        EventBody::RiskScored(r) => println!("{:>10} {} {} ({:?})", "monitor", r.score, r.total, r.band),
        EventBody::RiskPredicted(p) => {
            println!("{:>10} {} within {} h: {:.1} %", "model", p.outcome, p.within_hours, 100.0 * p.probability);
        }
        EventBody::AlarmRaised(a) => println!("{:>10} {}", "alarm", a.message),
        EventBody::ImageReady(i) => println!(
            "{:>10} {}×{} {}, {} header elements de-identified",
            "image",
            i.width,
            i.height,
            i.modality.as_deref().unwrap_or(""),
            i.elements_deidentified
        ),
        EventBody::ChatMessage(m) => println!("{:>10} ({}, typed): {}", m.participant.as_str(), m.language, m.text),
        EventBody::ErrorRaised(e) => println!("{:>10} {:?}: {}", "error", e.component, e.error),
        _ => {}
    }
}

fn summarise(played: &Played, took: Duration) {
    let outcome: &Outcome = &played.outcome;
    println!("\n{}", played.report);
    println!("── What came back in {:.0} s ──", took.as_secs_f64());
    println!("{} events, {} gaps in their numbers", outcome.head, outcome.gaps.len());
    println!(
        "{} final captions ({} partials), {} translations, {} of them spoken ({:.0} s of sound)",
        outcome.captions.len(),
        outcome.partials,
        outcome.translations.len(),
        outcome.speeches.len(),
        outcome.spoken.iter().sum::<Duration>().as_secs_f64(),
    );
    let totals: Vec<_> = outcome.scores.iter().map(|s| s.total.to_string()).collect();
    println!("NEWS2 {}; {} alarms; {} images", totals.join(" → "), outcome.alarms.len(), outcome.images_ready);
    let show = |name: &str, values: &[u64]| {
        if let (Some(p50), Some(p95)) = (percentile(values, 50), percentile(values, 95)) {
            println!("{name}: p50 {p50} ms, p95 {p95} ms");
        }
    };
    show("End of speech → final caption", &outcome.caption_latencies());
    show("End of speech → first translated audio", &outcome.speech_latencies());
    for error in &outcome.errors {
        println!("error: {error}");
    }
}
