//! How brokers are reached: addresses, and librdkafka's own properties for everything else.

use rdkafka::{
    ClientConfig,
    error::{KafkaError, RDKafkaErrorCode},
};
use std::{collections::BTreeMap, fmt};

/// What the guarantees rest on: never taken from the deployment's properties.
const OWNED: [&str; 20] = [
    "acks",
    "auto.commit.enable",
    "auto.commit.interval.ms",
    "bootstrap.servers",
    "delivery.timeout.ms",
    "enable.auto.commit",
    "enable.auto.offset.store",
    "enable.gapless.guarantee",
    "enable.idempotence",
    "enable.partition.eof",
    "group.id",
    "log.queue",
    "message.send.max.retries",
    "message.timeout.ms",
    "metadata.broker.list",
    "partitioner",
    "request.required.acks",
    "retries",
    "statistics.interval.ms",
    "transactional.id",
];

/// Milliseconds between librdkafka's statistics, from which lag and the state of the brokers are read.
const STATISTICS_MS: &str = "2000";

/// Milliseconds after which what is known of a topic is asked for again: a topic made after the start is found by then.
const METADATA_MS: &str = "10000";

/// Milliseconds between tries to reach a broker that is away, at most.
const RECONNECT_MS: &str = "5000";

/// Whether the property is set here and cannot be passed through.
pub fn is_owned(property: &str) -> bool {
    OWNED.contains(&property)
}

/// The brokers of one cluster.
#[derive(Clone, Default)]
pub struct Connection {
    /// `host:port`; one that answers is enough to learn of the others.
    pub brokers: Vec<String>,
    /// librdkafka's properties by name, such as `security.protocol`. They hold secrets.
    pub properties: BTreeMap<String, String>,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&String> = self.properties.keys().collect();
        f.debug_struct("Connection").field("brokers", &self.brokers).field("properties", &names).finish()
    }
}

/// Why a direction cannot start. Texts name properties, never their values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StartError {
    #[error("the property {0} is set by the server and cannot be given")]
    Owned(String),
    #[error("librdkafka knows no property {0}")]
    UnknownProperty(String),
    #[error("the value of {0} is none that this build takes (TLS and SASL need the feature kafka-tls)")]
    Value(String),
    #[error("the client cannot be made: {0}")]
    Client(String),
    #[error("the thread that reads the topic cannot be started: {0}")]
    Thread(String),
}

impl From<KafkaError> for StartError {
    fn from(error: KafkaError) -> Self {
        match error {
            // The text of this error has the value in it, which may be a secret.
            KafkaError::ClientConfig(rdkafka::types::RDKafkaConfRes::RD_KAFKA_CONF_UNKNOWN, _, name, _) => {
                Self::UnknownProperty(name)
            }
            KafkaError::ClientConfig(_, _, name, _) => Self::Value(name),
            other => Self::Client(other.to_string()),
        }
    }
}

impl Connection {
    /// What both directions have in common.
    pub(crate) fn client(&self) -> Result<ClientConfig, StartError> {
        let mut config = ClientConfig::new();
        // librdkafka's own log says when a connection is lost and found; the link says it once.
        config.set_log_level(rdkafka::config::RDKafkaLogLevel::Warning);
        config
            .set("client.id", "healthsync")
            .set("log.connection.close", "false")
            .set("reconnect.backoff.max.ms", RECONNECT_MS)
            .set("topic.metadata.refresh.interval.ms", METADATA_MS);
        for (name, value) in &self.properties {
            if is_owned(name) {
                return Err(StartError::Owned(name.clone()));
            }
            config.set(name, value);
        }
        config.set("bootstrap.servers", self.brokers.join(",")).set("statistics.interval.ms", STATISTICS_MS);
        Ok(config)
    }
}

/// The code as a metric label: librdkafka has a fixed set of them.
pub(crate) fn label(code: Option<RDKafkaErrorCode>) -> String {
    code.map_or_else(|| "other".into(), |code| format!("{code:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rdkafka::consumer::BaseConsumer;

    fn refused(name: &str, value: &str) -> StartError {
        let properties = [(name.to_owned(), value.to_owned())].into();
        let connection = Connection { brokers: vec!["127.0.0.1:1".into()], properties };
        match connection.client() {
            Ok(config) => config.create::<BaseConsumer>().err().map(StartError::from).unwrap(),
            Err(error) => error,
        }
    }

    #[test]
    fn what_the_guarantees_rest_on_cannot_be_given() {
        assert_eq!(refused("enable.auto.commit", "true"), StartError::Owned("enable.auto.commit".into()));
    }

    #[test]
    fn a_property_that_cannot_be_used_is_named_without_its_value() {
        let unknown = refused("sasl.pasword", "hunter2");
        assert_eq!(unknown, StartError::UnknownProperty("sasl.pasword".into()));
        let invalid = refused("session.timeout.ms", "hunter2");
        assert_eq!(invalid, StartError::Value("session.timeout.ms".into()));
        for error in [unknown, invalid] {
            assert!(!format!("{error} {error:?}").contains("hunter2"));
        }
    }

    #[test]
    fn a_connection_shows_no_secret() {
        let properties = [("sasl.password".to_owned(), "hunter2".to_owned())].into();
        let shown = format!("{:?}", Connection { brokers: vec!["b:9092".into()], properties });
        assert!(shown.contains("sasl.password") && !shown.contains("hunter2"), "{shown}");
    }
}
