//! Which engine does which task, with which weights, on how many threads.

mod load;
mod recognition;
mod risk;

pub use load::{demo_image, load_speaker, registry};
pub use recognition::load_transcriber;
pub use risk::{calibration_ledger, deteriorate_weights};

use crate::{
    config::{self, Config},
    readiness::Readiness,
};
use anyhow::Context as _;
use healthsync_actors::{Models, Pool, PoolConfig, SpeechSettings, pool::ModelFactory};
use healthsync_events::Sessions;
use healthsync_models::Model;
use healthsync_webrtc::{WhipConfig, WhipServer};
use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    sync::Arc,
    time::Duration,
};
use tokio::{net::TcpListener, sync::Semaphore};
use tokio_util::sync::CancellationToken;

/// Images decoded at a time: each may take several hundred megabytes while it is.
const IMAGE_TURNS: usize = 2;

/// The models, loading on their own threads, and who tells when they are ready.
pub struct LoadedModels {
    pub models: Models,
    pub readiness: Readiness,
}

impl LoadedModels {
    /// Starts a pool for each task. Call within a tokio runtime.
    pub fn start(config: &Config) -> anyhow::Result<Self> {
        let readiness = Readiness::default();
        let registry = Arc::new(load::registry(config)?);
        let speech = speech_settings(&config.speech, &load::voices(&registry))?;
        let transcribe = start(
            "transcribe",
            recognition::max_batch(&config.models),
            64,
            recognition::transcriber(&registry, &config.models),
        )?;
        let translate = start("translate", 8, 256, load::translator(&registry, &config.translation)?)?;
        let speak = start("speak", 1, 32, load::speaker(&registry, Config::threads(config.models.speak_threads)))?;
        let deterioration = risk::start(&registry, &config.models)?;
        deterioration.iter().for_each(|pool| watch(&readiness, pool));
        watch(&readiness, &transcribe);
        watch(&readiness, &translate);
        watch(&readiness, &speak);
        let models = Models {
            transcribe,
            translate,
            speak,
            speech,
            deterioration,
            voice_activity: load::voice_activity(),
            images: Arc::new(healthsync_dicom::Decoder::default()),
            image_turns: Semaphore::new(IMAGE_TURNS),
        };
        Ok(Self { models, readiness })
    }
}

/// The voices as configured, each of which must be among `known`: a name that only a call could show to be wrong would
/// be found out by a patient.
fn speech_settings(config: &config::Speech, known: &BTreeSet<String>) -> anyhow::Result<SpeechSettings> {
    let mut voices = BTreeMap::new();
    for (language, configured) in &config.voices {
        if let Some(unknown) = configured.names().iter().find(|name| !known.contains(*name)) {
            let known = known.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
            anyhow::bail!(
                "speech.voices.{language} names {unknown:?}, which is not in the registry: there are {known}"
            );
        }
        voices.insert(language.clone(), configured.names().to_vec());
    }
    Ok(SpeechSettings { voices, speed: config.speed, ..SpeechSettings::default() })
}

/// Bounds are what two seconds of that model's work can hold: a longer queue only makes everyone late.
fn start<M: Model>(
    name: &'static str,
    max_batch: usize,
    capacity: usize,
    factory: ModelFactory<M>,
) -> anyhow::Result<Pool<M>> {
    let config = PoolConfig { name, capacity, max_batch, max_queue_delay: Duration::ZERO, instances: 1 };
    Pool::start(config, factory).with_context(|| format!("the {name} pool cannot be started"))
}

fn watch<M: Model>(readiness: &Readiness, pool: &Pool<M>) {
    readiness.expect(pool.name());
    let (readiness, pool) = (readiness.clone(), pool.clone());
    tokio::spawn(async move {
        let loaded = pool.ready().await;
        readiness.settle(pool.name(), loaded.map(|_| ()).map_err(|error| error.to_string()));
    });
}

/// Media is exchanged where HTTP is, unless the configuration says otherwise. What participants send is recorded in
/// their sessions.
pub fn whip_server(config: &Config, http: IpAddr, sessions: Arc<dyn Sessions>) -> WhipServer {
    let mut whip = WhipConfig { max_connections: config.webrtc.max_connections, ..WhipConfig::default() };
    if !config.webrtc.addresses.is_empty() {
        whip.bind.clone_from(&config.webrtc.addresses);
    } else if !http.is_unspecified() {
        whip.bind = vec![http];
    }
    WhipServer::recording(whip, sessions)
}

/// Serves HL7 v2 over MLLP until `shutdown`.
pub async fn mllp_server(
    listener: TcpListener,
    sessions: Arc<dyn Sessions>,
    config: config::Mllp,
    shutdown: CancellationToken,
) {
    let limits = healthsync_hl7::server::Config {
        max_connections: config.max_connections,
        idle_timeout: Duration::from_secs(config.idle_timeout_seconds),
    };
    healthsync_hl7::server::serve(listener, sessions, limits, shutdown.cancelled_owned()).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_voice_that_the_registry_does_not_have_is_refused_by_name() {
        let registry = load::registry(&Config::default()).unwrap();
        let known = load::voices(&registry);
        let mut speech = config::Speech::default();
        let settings = speech_settings(&speech, &known).unwrap();
        assert_eq!(settings.voices["pt"], ["pf_dora"]);
        speech.voices.insert("pt".into(), config::Voices::One("pf_nobody".into()));
        let error = speech_settings(&speech, &known).err().unwrap().to_string();
        assert!(error.contains("pf_nobody") && error.contains("pm_alex"), "{error}");
    }
}
