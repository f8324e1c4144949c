//! Which engine does which task, with which weights, on how many threads.

mod absent;
mod fhir;
#[cfg(feature = "kafka")]
mod kafka;
mod load;
mod pools;
mod recognition;
mod risk;
mod tasks;

pub use fhir::fhir_door;
#[cfg(feature = "kafka")]
pub use kafka::kafka_doors;
pub use load::{demo_image, load_speaker, registry};
pub use pools::Pools;
pub use recognition::{load_transcriber, recognition_weights};
pub use risk::{calibration_ledger, deteriorate_weights, scorer};
pub use tasks::TaskPools;

use crate::{
    config::{self, Config},
    readiness::Readiness,
};
use anyhow::Context as _;
use healthsync_actors::{
    Models, MonitoringSettings, Pool, SpeechSettings,
    pool::{ModelFactory, PoolControl},
};
use healthsync_events::Sessions;
use healthsync_models::{
    Model,
    tasks::{Transcriber, Translator},
};
use healthsync_webrtc::{WhipConfig, WhipServer};
use pools::Budgets;
use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    sync::Arc,
    time::Duration,
};
use tokio::sync::Semaphore;

/// Images decoded at a time: each may take several hundred megabytes while it is.
const IMAGE_TURNS: usize = 2;

/// The models, loading on their own threads, and who tells when they are ready.
pub struct LoadedModels {
    pub models: Models,
    pub readiness: Readiness,
    /// For work of the background, where some may come.
    pub background: Option<TaskPools>,
    pub pools: Pools,
}

impl LoadedModels {
    /// Starts a pool for each task. Call within a tokio runtime.
    pub fn start(config: &Config) -> anyhow::Result<Self> {
        let readiness = Readiness::default();
        let registry = Arc::new(load::registry(config)?);
        let speech = speech_settings(&config.speech, &load::voices(&registry))?;
        let budgets = Budgets::new(config);
        let tasks = TaskPools::start(config, &registry, &budgets)?;
        let background = config.kserve.enabled.then(|| tasks.background(config, &registry, &budgets)).transpose()?;
        let deterioration = risk::start(&registry, &config.models)?;
        if let Some(pool) = &deterioration {
            watch(&readiness, pool);
        }
        let mut pools = Vec::new();
        for TaskPools { transcribe, translate, speak } in std::iter::once(&tasks).chain(&background) {
            tell_of(transcribe, &mut pools, &readiness);
            tell_of(translate, &mut pools, &readiness);
            tell_of(speak, &mut pools, &readiness);
        }
        let TaskPools { transcribe, translate, speak } = tasks;
        let models = Models {
            transcribe,
            translate,
            speak,
            speech,
            deterioration,
            voice_activity: load::voice_activity(),
            monitoring: MonitoringSettings {
                policy: Arc::new(config.monitoring.policy()),
                ..MonitoringSettings::default()
            },
            images: Arc::new(healthsync_dicom::Decoder::default()),
            image_turns: Semaphore::new(IMAGE_TURNS),
        };
        Ok(Self { models, readiness, background, pools: pools.into() })
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

/// The recogniser as configured, and the requests one run of it takes at most, for who measures it in pools of its own.
pub fn transcriber(config: &Config) -> anyhow::Result<(ModelFactory<Transcriber>, usize)> {
    let registry = Arc::new(load::registry(config)?);
    Ok((recognition::transcriber(&registry, &config.models), recognition::max_batch(&config.models)))
}

/// The same for work of the background, and the threads it uses.
pub fn background_transcriber(config: &Config) -> anyhow::Result<(ModelFactory<Transcriber>, usize)> {
    let registry = Arc::new(load::registry(config)?);
    let threads = Config::background_threads(config.models.transcribe_threads);
    Ok((recognition::transcriber_on(threads, &registry, &config.models), threads))
}

/// The translator as configured, likewise.
pub fn translator(config: &Config) -> anyhow::Result<ModelFactory<Translator>> {
    load::translator(&Arc::new(load::registry(config)?), &config.translation)
}

/// Has operators see a pool, and the server ready only when it is; once, whoever else has it.
fn tell_of<M: Model>(pool: &Pool<M>, pools: &mut Vec<Arc<dyn PoolControl>>, readiness: &Readiness) {
    if !pools.iter().any(|known| known.name() == pool.name()) {
        watch(readiness, pool);
        pools.push(Arc::new(pool.clone()));
    }
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

/// How the door for monitors is served. Certificates are read here, so that a server without them does not start.
pub fn mllp_config(config: &config::Mllp) -> anyhow::Result<healthsync_hl7::server::Config> {
    let tls = config.tls.as_ref().map(|files| {
        healthsync_hl7::tls::acceptor(&healthsync_hl7::tls::Files {
            certificate: files.certificate.clone(),
            key: files.key.clone(),
            client_authorities: files.client_authorities.clone(),
        })
    });
    Ok(healthsync_hl7::server::Config {
        max_connections: config.max_connections,
        idle_timeout: Duration::from_secs(config.idle_timeout_seconds),
        zone: config.zone().context("mllp.utc_offset_minutes is none on earth")?,
        tls: tls.transpose().context("mllp.tls cannot be used")?,
    })
}

/// A binary that does not know Kafka refuses a configuration with brokers.
#[cfg(not(feature = "kafka"))]
pub fn kafka_doors(
    _: &Config,
    _: &Arc<healthsync_actors::Directory>,
    _: &Readiness,
    _: &tokio_util::sync::CancellationToken,
) -> anyhow::Result<Vec<tokio::task::JoinHandle<()>>> {
    Ok(Vec::new())
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
