//! Kafka: off unless brokers are named.

use super::ConfigError;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    path::PathBuf,
};

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Kafka {
    /// `host:port` of one or several brokers of a cluster. Empty: no Kafka.
    pub brokers: Vec<String>,
    /// A file with properties, `name=value` a line: for secrets. They come over those below.
    pub properties_file: Option<PathBuf>,
    /// librdkafka's properties, such as `security.protocol`.
    pub properties: Properties,
    pub vitals: KafkaVitals,
    pub results: KafkaResults,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KafkaVitals {
    pub enabled: bool,
    pub topic: String,
    /// The consumer group.
    pub group: String,
    /// Messages in work before partitions are held to their share of it, which may come to twice as many.
    pub max_in_flight: usize,
    /// Milliseconds between commits of offsets.
    pub commit_interval_ms: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KafkaResults {
    pub enabled: bool,
    pub topic: String,
    /// Types of the events that are sent.
    pub kinds: Vec<String>,
    pub key: KafkaKey,
}

/// What results are keyed by: those of one key stay in order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KafkaKey {
    #[default]
    Session,
    Patient,
}

impl Default for KafkaVitals {
    fn default() -> Self {
        Self {
            enabled: true,
            topic: "healthsync.vitals".into(),
            group: "healthsync".into(),
            max_in_flight: 256,
            commit_interval_ms: 1_000,
        }
    }
}

impl Default for KafkaResults {
    fn default() -> Self {
        // What models and rules made of what came in, and what people said to it.
        let kinds = [
            "alarm.acknowledged",
            "alarm.cleared",
            "alarm.escalated",
            "alarm.latched",
            "alarm.raised",
            "alarm.silenced",
            "caption.final",
            "image.finding",
            "report.ready",
            "risk.predicted",
            "risk.scored",
            "scores.computed",
        ];
        Self {
            enabled: true,
            topic: "healthsync.results".into(),
            kinds: kinds.map(str::to_owned).into(),
            key: KafkaKey::default(),
        }
    }
}

impl Kafka {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let refuse = |key, rule| Err(ConfigError::Value { key, rule });
        if self.brokers.is_empty() {
            return Ok(());
        }
        if !cfg!(feature = "kafka") {
            return refuse("kafka.brokers", "left out: this binary was built without the feature kafka");
        }
        if self.vitals.max_in_flight == 0 {
            return refuse("kafka.vitals.max_in_flight", "at least 1");
        }
        if self.vitals.topic == self.results.topic && self.vitals.enabled && self.results.enabled {
            return refuse("kafka.results.topic", "another than kafka.vitals.topic");
        }
        #[cfg(feature = "kafka")]
        if let Some(name) = self.properties.0.keys().find(|name| healthsync_kafka::connection::is_owned(name)) {
            return Err(ConfigError::Owned { name: name.clone() });
        }
        let known = event_types();
        match self.results.kinds.iter().find(|kind| !known.contains(*kind)) {
            Some(kind) => Err(ConfigError::Kind { kind: kind.clone() }),
            None => Ok(()),
        }
    }
}

/// The types that events have, from the schema of the vocabulary.
fn event_types() -> BTreeSet<String> {
    fn collect(schema: &serde_json::Value, into: &mut BTreeSet<String>) {
        if let Some(name) = schema.pointer("/properties/type/const").and_then(serde_json::Value::as_str) {
            into.insert(name.to_owned());
        }
        let members = schema.as_object().into_iter().flat_map(serde_json::Map::values);
        members.chain(schema.as_array().into_iter().flatten()).for_each(|inner| collect(inner, into));
    }
    let mut types = BTreeSet::new();
    collect(&healthsync_events::schema::json_schema(), &mut types);
    types
}

/// librdkafka's properties. Values are shown, in whatever way, only where they cannot be a secret.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Properties(BTreeMap<String, String>);

/// Ends of the names whose values are no secret.
const SHOWN: [&str; 10] =
    [".bytes", ".id", ".kbytes", ".location", ".mechanisms", ".messages", ".ms", ".protocol", ".reset", ".type"];

impl Properties {
    pub fn as_map(&self) -> &BTreeMap<String, String> {
        &self.0
    }

    fn shown(&self) -> BTreeMap<&str, &str> {
        let value = |name: &str, value| if SHOWN.iter().any(|end| name.ends_with(end)) { value } else { "(hidden)" };
        self.0.iter().map(|(name, text)| (name.as_str(), value(name, text.as_str()))).collect()
    }
}

impl fmt::Debug for Properties {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shown().fmt(f)
    }
}

impl Serialize for Properties {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.shown().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Properties {
    /// `sasl.password` is one name, however it is written: quoted, as tables of TOML, or as
    /// `HEALTHSYNC__KAFKA__PROPERTIES__SASL__PASSWORD`.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut properties = BTreeMap::new();
        for (name, tree) in BTreeMap::<String, Tree>::deserialize(deserializer)? {
            tree.flatten(name, &mut properties);
        }
        Ok(Self(properties))
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Tree {
    Table(BTreeMap<String, Tree>),
    Text(String),
    Switch(bool),
    Integer(i64),
    Number(f64),
}

impl Tree {
    fn flatten(self, name: String, into: &mut BTreeMap<String, String>) {
        let text = match self {
            Self::Table(inner) => {
                for (end, tree) in inner {
                    tree.flatten(format!("{name}.{end}"), into);
                }
                return;
            }
            Self::Text(text) => text,
            Self::Switch(on) => on.to_string(),
            Self::Integer(number) => number.to_string(),
            Self::Number(number) => number.to_string(),
        };
        into.insert(name, text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn load(toml: &str) -> Result<Kafka, ConfigError> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("c.toml");
        std::fs::write(&file, toml).unwrap();
        Config::load(Some(&file)).map(|config| config.kafka)
    }

    #[test]
    fn there_is_no_kafka_unless_brokers_are_named() {
        let kafka = load("").unwrap();
        assert!(kafka.brokers.is_empty() && kafka.vitals.enabled && kafka.results.enabled);
    }

    #[test]
    fn a_property_has_one_name_however_it_is_written() {
        let quoted = load("[kafka.properties]\n'sasl.password' = 'hunter2'\n'session.timeout.ms' = 6000\n").unwrap();
        let nested = load("[kafka.properties]\nsasl.password = 'hunter2'\nsession.timeout.ms = 6000\n").unwrap();
        assert_eq!(quoted.properties, nested.properties);
        assert_eq!(quoted.properties.as_map()["session.timeout.ms"], "6000");
    }

    #[test]
    fn secrets_are_not_shown() {
        let kafka = load("[kafka.properties]\nsasl.password = 'hunter2'\nsecurity.protocol = 'sasl_ssl'\n").unwrap();
        for shown in [format!("{kafka:?}"), toml::to_string_pretty(&kafka).unwrap()] {
            assert!(!shown.contains("hunter2"), "{shown}");
            assert!(shown.contains("sasl.password") && shown.contains("sasl_ssl"), "{shown}");
        }
    }

    #[cfg(feature = "kafka")]
    #[test]
    fn what_cannot_be_is_refused_by_name() {
        let error = load("[kafka]\nbrokers = ['b:9092']\nresults.kinds = ['risk.scored', 'risk.score']\n").unwrap_err();
        assert_eq!(error.to_string(), "kafka.results.kinds names \"risk.score\", which no event has");
        assert!(load("[kafka]\nbrokers = ['b:9092']\n").is_ok(), "the default types are types");
        let error = load("[kafka]\nbrokers = ['b:9092']\nproperties.acks = 0\n").unwrap_err();
        assert_eq!(error.to_string(), "kafka.properties.acks cannot be given: the server sets it");
    }

    #[cfg(not(feature = "kafka"))]
    #[test]
    fn brokers_are_refused_by_a_binary_that_does_not_know_kafka() {
        let error = load("[kafka]\nbrokers = ['b:9092']\n").unwrap_err();
        assert!(error.to_string().contains("built without the feature kafka"), "{error}");
    }
}
