//! `healthsync replay`: plays recordings into a session of a running server.

use crate::config::Config;
use anyhow::Context as _;
use clap::{Args, Subcommand};
use healthsync_events::{NewSession, PatientId, SessionId, risk::Spo2Scale};
use healthsync_loadtests::{
    ApiClient,
    replay::{Recording, replay},
};
use healthsync_waveform::{cut::Channel, wfdb::Record};
use std::{path::PathBuf, time::Duration};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// The signals of a WFDB record, as PhysioNet keeps them, as waveforms.
    Wfdb(Wfdb),
}

#[derive(Debug, Args)]
pub struct Wfdb {
    /// The record: its header file, with or without `.hea`.
    record: PathBuf,
    /// The session to play it into.
    #[arg(long, value_name = "ID", required_unless_present = "patient")]
    session: Option<SessionId>,
    /// Start a session for this patient and play it into that.
    #[arg(long, value_name = "PATIENT", conflicts_with = "session")]
    patient: Option<PatientId>,
    /// The server's HTTP door; the configured one when absent.
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// How much faster than real time, 0.1 to 100.
    #[arg(long, default_value_t = 1.0)]
    speed: f64,
    /// Seconds of the recording to play; all of it when absent.
    #[arg(long)]
    seconds: Option<u64>,
    /// Milliseconds of one block, 20 to 2,000.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(20..=2_000))]
    block_ms: u32,
}

pub fn run(config: &Config, command: &Command) -> anyhow::Result<()> {
    let Command::Wfdb(options) = command;
    anyhow::ensure!((0.1..=100.0).contains(&options.speed), "--speed must be 0.1 to 100");
    let record = Record::open(&options.record)?;
    for place in &record.mismatched {
        println!("Signal {place} does not add up to the checksum of its header.");
    }
    let channels = Channel::all_of(&record)?;
    let url = options.url.clone().unwrap_or_else(|| format!("http://{}", config.http.listen));
    super::runtime()?.block_on(async {
        let api = ApiClient::new(&url)?;
        let session = match (options.session, &options.patient) {
            (Some(session), _) => session,
            (None, Some(patient)) => start(&api, patient.clone()).await?,
            (None, None) => anyhow::bail!("name a --session or a --patient"),
        };
        println!("Watch it at {url}/?session={session}");
        for channel in &channels {
            let rate = f64::from(channel.rate_millihertz) / 1_000.0;
            println!("  {} ({}): {rate} samples a second", channel.label, channel.code);
        }
        let origin_micros = jiff::Timestamp::now().as_microsecond();
        let length = options.seconds.map(Duration::from_secs);
        let recording = Recording { channels, block_ms: options.block_ms, speed: options.speed, length, origin_micros };
        let replayed = tokio::select! {
            replayed = replay(&api, session, &recording) => replayed?,
            interrupted = tokio::signal::ctrl_c() => return interrupted.context("Ctrl-C cannot be heard"),
        };
        for refusal in &replayed.refused {
            println!("Refused: {refusal}");
        }
        println!("{} blocks, {} samples", replayed.blocks, replayed.samples);
        anyhow::ensure!(replayed.is_confirmed(), "the server has not taken everything");
        Ok(())
    })
}

async fn start(api: &ApiClient, patient: PatientId) -> anyhow::Result<SessionId> {
    let new =
        NewSession { patient, languages: vec!["en".parse()?], spo2_scale: Spo2Scale::default(), terms: Vec::new() };
    Ok(api.create_session(&new).await?.session)
}
