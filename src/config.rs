//! Configuration: built-in defaults, then a TOML file, then `HEALTHSYNC__SECTION__KEY` from the environment.
//! Unknown keys are refused, so that a misspelt one cannot be silently without effect.

mod fhir;
mod kafka;
mod pools;

pub use fhir::Fhir;
pub use kafka::{Kafka, KafkaKey, KafkaResults, KafkaVitals, Properties};
pub use pools::{Operations, Place, Placement, Pools};

use figment::{
    Figment,
    providers::{Env, Format, Serialized, Toml},
};
use healthsync_events::Language;
use healthsync_hl7::time::Zone;
use healthsync_models::risk::policy::{AlarmPolicy, Policy, ScorePolicy};
use healthsync_speak::voice_language;
use healthsync_transcribe::Precision;
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
};

/// File read when it is there and none is named.
pub const DEFAULT_FILE: &str = "healthsync.toml";

const ENV_PREFIX: &str = "HEALTHSYNC__";

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[derive(Default)]
pub struct Config {
    pub http: Http,
    pub mllp: Mllp,
    pub fhir: Fhir,
    pub kafka: Kafka,
    pub kserve: Kserve,
    pub webrtc: Webrtc,
    pub storage: Storage,
    pub models: Models,
    pub pools: Pools,
    pub placement: Placement,
    pub operations: Operations,
    pub translation: Translation,
    pub speech: Speech,
    pub sessions: Sessions,
    pub monitoring: Monitoring,
    pub telemetry: Telemetry,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Http {
    pub listen: SocketAddr,
    /// Seconds a client may take to send its request head.
    pub header_timeout_seconds: u64,
    /// Connections open at a time; further ones wait to be accepted.
    pub max_connections: usize,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Mllp {
    pub listen: SocketAddr,
    pub max_connections: usize,
    /// Seconds a monitor may stay silent before its connection is closed.
    pub idle_timeout_seconds: u64,
    /// Minutes east of UTC that times are in which name no zone, in messages that name none.
    pub utc_offset_minutes: i32,
    /// Connections speak TLS, all of them.
    pub tls: Option<MllpTls>,
}

/// Files in PEM.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MllpTls {
    /// The server's certificate, then those that lead to its authority.
    pub certificate: PathBuf,
    pub key: PathBuf,
    /// Authorities whose certificates monitors must show; absent, they need none.
    #[serde(default)]
    pub client_authorities: Option<PathBuf>,
}

/// The pools for programs that speak the KServe v2 inference protocol, such as `tritonclient`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Kserve {
    pub enabled: bool,
    pub listen: SocketAddr,
    /// File with the bearer token that clients must present, at least 32 characters.
    pub token_file: Option<PathBuf>,
    pub max_connections: usize,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Webrtc {
    /// Addresses media is received on and offered to peers as candidates. Empty: the HTTP listener's address,
    /// or every interface's when that is unspecified.
    pub addresses: Vec<IpAddr>,
    pub max_connections: usize,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Storage {
    /// The session log.
    pub path: PathBuf,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Models {
    /// Where weights are cached; `HEALTHSYNC_MODELS_DIR` or the XDG cache folder when absent.
    pub folder: Option<PathBuf>,
    /// Threads one recognition may use; 0 means all cores.
    pub transcribe_threads: usize,
    pub transcribe_engine: TranscribeEngine,
    /// In how many bits whisper.cpp keeps the recogniser's weights. `healthsync models pull` makes the file.
    pub transcribe_precision: Precision,
    /// The NVIDIA GPU, by its index, that candle computes on; the CPU when absent.
    pub transcribe_gpu: Option<usize>,
    pub speak_threads: usize,
    /// Whether the learned risk scores what monitors observe, beside NEWS2.
    pub deterioration: bool,
    /// Calibrations of the learned risk, as `healthsync learn risk` keeps them; the one that the weights came with when
    /// absent. A server that runs takes a new one within half a minute.
    pub calibration_file: Option<PathBuf>,
    /// Neither translates nor speaks, and does not load what that takes: for small devices and one language.
    pub captions_only: bool,
}

/// What recognises speech.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TranscribeEngine {
    /// One utterance at a time, on the CPU.
    #[default]
    WhisperCpp,
    /// Batches of utterances, on a GPU or the CPU. Needs a binary built with the feature `candle`.
    Candle,
    /// The same, with utterances that join and leave between two tokens.
    CandleContinuous,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Translation {
    /// The deployment's list of terms that must be translated as it says.
    pub terms_file: Option<PathBuf>,
    /// Directions that Apertium translates where there is no neural model.
    pub apertium: Apertium,
    /// Where Apertium's packages put their mode files.
    pub apertium_modes: PathBuf,
    /// Whether a direction that no engine has goes over English.
    pub pivot: bool,
}

/// Which of Apertium's directions are used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Apertium {
    Choice(ApertiumChoice),
    /// These, such as `en-es`: it is an error when one is not installed.
    Directions(Vec<String>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApertiumChoice {
    /// All that are installed.
    Auto,
    Off,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Speech {
    /// Voices of the registry by the language they speak: one, or several, of which people who are translated into
    /// the language get different ones.
    pub voices: BTreeMap<String, Voices>,
    /// 1.0 is a voice's own pace; 0.5 to 2.0.
    pub speed: f32,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Voices {
    One(String),
    Several(Vec<String>),
}

impl Voices {
    pub fn names(&self) -> &[String] {
        match self {
            Self::One(name) => std::slice::from_ref(name),
            Self::Several(names) => names,
        }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sessions {
    pub max_open: usize,
    /// Threads that session actors live on.
    pub actor_threads: usize,
}

/// How patients are scored and alarmed for, unless something else was said for one of them.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Monitoring {
    pub scores: ScorePolicy,
    pub alarms: AlarmPolicy,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    Text,
    Json,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Telemetry {
    /// As `tracing_subscriber::EnvFilter` reads it.
    pub filter: String,
    pub format: LogFormat,
}

impl Default for Http {
    fn default() -> Self {
        Self { listen: ([127, 0, 0, 1], 8080).into(), header_timeout_seconds: 10, max_connections: 1_024 }
    }
}

impl Default for Mllp {
    fn default() -> Self {
        Self {
            listen: ([127, 0, 0, 1], 2575).into(),
            max_connections: 512,
            idle_timeout_seconds: 600,
            utc_offset_minutes: 0,
            tls: None,
        }
    }
}

impl Default for Kserve {
    fn default() -> Self {
        Self { enabled: false, listen: ([127, 0, 0, 1], 8000).into(), token_file: None, max_connections: 64 }
    }
}

impl Default for Webrtc {
    fn default() -> Self {
        Self { addresses: Vec::new(), max_connections: 256 }
    }
}

impl Default for Storage {
    fn default() -> Self {
        Self { path: "healthsync.db".into() }
    }
}

impl Default for Models {
    fn default() -> Self {
        Self {
            folder: None,
            transcribe_threads: 0,
            transcribe_engine: TranscribeEngine::default(),
            transcribe_precision: Precision::default(),
            transcribe_gpu: None,
            speak_threads: 0,
            deterioration: true,
            calibration_file: None,
            captions_only: false,
        }
    }
}

impl Default for Speech {
    fn default() -> Self {
        let one = |language: &str, voice: &str| (language.to_owned(), Voices::One(voice.to_owned()));
        Self { voices: [one("en", "joe"), one("es", "ef_dora"), one("pt", "pf_dora")].into(), speed: 1.0 }
    }
}

impl Default for Translation {
    fn default() -> Self {
        Self {
            terms_file: None,
            apertium: Apertium::Choice(ApertiumChoice::Auto),
            apertium_modes: healthsync_translate::DEFAULT_MODES.into(),
            pivot: true,
        }
    }
}

impl Default for Sessions {
    fn default() -> Self {
        Self { max_open: 256, actor_threads: 2 }
    }
}

impl Default for Telemetry {
    fn default() -> Self {
        // The media stack logs whole packets when a queue of its own is full: that is patient data.
        Self { filter: "info,webrtc=off,rtc=off".into(), format: LogFormat::Text }
    }
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("the configuration file {0} cannot be found")]
    Missing(PathBuf),
    #[error("the configuration cannot be used: {0}")]
    Invalid(#[from] Box<figment::Error>),
    #[error("{key} must be {rule}")]
    Value { key: &'static str, rule: &'static str },
    #[error("kafka.results.kinds names {kind:?}, which no event has")]
    Kind { kind: String },
    #[error("kafka.properties.{name} cannot be given: the server sets it")]
    Owned { name: String },
    #[error("pools.{pool}: {refusal}")]
    Pool { pool: &'static str, refusal: String },
    #[error("speech.voices.{language} must be {rule}")]
    Voices { language: String, rule: &'static str },
    #[error("speech.voices.{language} names {voice:?}, which is no voice of that language")]
    Voice { language: String, voice: String },
}

impl Config {
    /// Reads `file`, or [`DEFAULT_FILE`] if it is there, and the environment over it.
    pub fn load(file: Option<&Path>) -> Result<Self, ConfigError> {
        let mut figment = Figment::from(Serialized::defaults(Self::default()));
        match file {
            Some(path) if !path.is_file() => return Err(ConfigError::Missing(path.to_owned())),
            Some(path) => figment = figment.merge(Toml::file_exact(path)),
            None => figment = figment.merge(Toml::file(DEFAULT_FILE)),
        }
        let config: Self = figment.merge(Env::prefixed(ENV_PREFIX).split("__")).extract().map_err(Box::new)?;
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<(), ConfigError> {
        let at_least_one = [
            ("http.max_connections", self.http.max_connections),
            ("mllp.max_connections", self.mllp.max_connections),
            ("kserve.max_connections", self.kserve.max_connections),
            ("webrtc.max_connections", self.webrtc.max_connections),
            ("fhir.max_subscriptions", self.fhir.max_subscriptions),
            ("fhir.delivery_attempts", self.fhir.delivery_attempts as usize),
            ("fhir.delivery_timeout_seconds", self.fhir.delivery_timeout_seconds as usize),
            ("sessions.max_open", self.sessions.max_open),
            ("sessions.actor_threads", self.sessions.actor_threads),
            ("http.header_timeout_seconds", self.http.header_timeout_seconds as usize),
            ("mllp.idle_timeout_seconds", self.mllp.idle_timeout_seconds as usize),
        ];
        match at_least_one.into_iter().find(|(_, value)| *value == 0) {
            Some((key, _)) => Err(ConfigError::Value { key, rule: "at least 1" }),
            None if self.kserve.enabled && self.kserve.token_file.is_none() => {
                Err(ConfigError::Value { key: "kserve.token_file", rule: "given where kserve.enabled is true" })
            }
            None if self.mllp.zone().is_none() => {
                Err(ConfigError::Value { key: "mllp.utc_offset_minutes", rule: "-720 to 840" })
            }
            None => self.check_parts(),
        }
    }

    fn check_parts(&self) -> Result<(), ConfigError> {
        self.models.check()?;
        self.pools.check()?;
        self.placement.check()?;
        self.kafka.check()?;
        self.monitoring.check()?;
        self.speech.check()
    }

    /// Cores to use where the configuration says 0.
    pub fn threads(asked: usize) -> usize {
        if asked > 0 { asked } else { std::thread::available_parallelism().map_or(2, usize::from) }
    }

    /// The same for work of the background: half of them. Where others compute, each that comes and goes in their gaps
    /// costs them a little.
    pub fn background_threads(asked: usize) -> usize {
        Self::threads(asked).div_ceil(2)
    }
}

impl Mllp {
    /// `None` where the offset is none on earth.
    pub fn zone(&self) -> Option<Zone> {
        Zone::from_minutes(self.utc_offset_minutes)
    }
}

impl Models {
    fn check(&self) -> Result<(), ConfigError> {
        let refuse = |key, rule| Err(ConfigError::Value { key, rule });
        let candle = self.transcribe_engine != TranscribeEngine::WhisperCpp;
        if candle && !cfg!(feature = "candle") {
            return refuse(
                "models.transcribe_engine",
                "'whisper-cpp': this binary was built without the feature candle",
            );
        }
        if candle && self.transcribe_precision != Precision::F16 {
            return refuse("models.transcribe_precision", "'f16' where the engine is candle");
        }
        if self.transcribe_gpu.is_some() && !candle {
            return refuse("models.transcribe_gpu", "left out where the engine is not candle");
        }
        if self.transcribe_gpu.is_some() && !cfg!(feature = "cuda") {
            return refuse("models.transcribe_gpu", "left out: this binary was built without the feature cuda");
        }
        Ok(())
    }
}

impl Monitoring {
    pub fn policy(&self) -> Policy {
        Policy { scores: self.scores.clone(), alarms: self.alarms.clone() }
    }

    fn check(&self) -> Result<(), ConfigError> {
        let max_age = &self.scores.max_age;
        if [max_age.rates_minutes, max_age.pressure_minutes, max_age.slow_minutes].contains(&0) {
            return Err(ConfigError::Value { key: "monitoring.scores.max_age", rule: "at least 1 minute" });
        }
        let alarms = &self.alarms;
        let ladders = [&alarms.escalate_high_seconds, &alarms.escalate_medium_seconds, &alarms.escalate_low_seconds];
        let climbs = |steps: &[u32]| steps.len() <= MAX_ESCALATIONS && steps.is_sorted_by(|a, b| a < b);
        if !ladders.into_iter().all(|steps| climbs(steps)) {
            let rule = "at most 8 times each, one later than the other";
            return Err(ConfigError::Value { key: "monitoring.alarms.escalate_*_seconds", rule });
        }
        Ok(())
    }
}

/// Times an alarm calls again before it is acknowledged.
const MAX_ESCALATIONS: usize = 8;

impl Speech {
    fn check(&self) -> Result<(), ConfigError> {
        if !(0.5..=2.0).contains(&self.speed) {
            return Err(ConfigError::Value { key: "speech.speed", rule: "0.5 to 2.0" });
        }
        for (language, voices) in &self.voices {
            let refuse = |rule| Err(ConfigError::Voices { language: language.clone(), rule });
            if language.parse::<Language>().is_ok_and(|tag| tag.primary() != *language) {
                return refuse("under the language's primary subtag in lower case, such as 'pt'");
            }
            if voices.names().is_empty() {
                return refuse("the name of a voice, or a list of at least one");
            }
            let speaks = |voice: &&String| voice_language(voice) == Some(language.as_str());
            if let Some(voice) = voices.names().iter().find(|voice| !speaks(voice)) {
                return Err(ConfigError::Voice { language: language.clone(), voice: voice.clone() });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
