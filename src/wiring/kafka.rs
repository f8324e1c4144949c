//! Kafka: vital signs from a topic, results to one.

use crate::{
    config::{self, Config, KafkaKey},
    readiness::Readiness,
};
use anyhow::Context as _;
use healthsync_actors::Directory;
use healthsync_events::EventBody;
use healthsync_hl7::{
    Hl7Error, Message, adt,
    header::Header,
    oru::{self, Clock},
    time::Zone,
};
use healthsync_kafka::{Connection, Decoder, Door, Key, Link, Reading, ResultsSettings, Said, VitalsSettings};
use std::{collections::BTreeMap, path::Path, sync::Arc, time::Duration};
use tokio::{sync::watch, task::JoinHandle};
use tokio_util::sync::CancellationToken;

/// Opens what is configured; nothing where no brokers are named. A broker that is away is no error: the server is
/// degraded until it is there.
pub fn kafka_doors(
    config: &Config,
    directory: &Arc<Directory>,
    readiness: &Readiness,
    shutdown: &CancellationToken,
) -> anyhow::Result<Vec<JoinHandle<()>>> {
    let zone = config.mllp.zone().context("mllp.utc_offset_minutes is none on earth")?;
    let config = &config.kafka;
    if config.brokers.is_empty() {
        return Ok(Vec::new());
    }
    let connection = connection(config)?;
    let mut doors = Vec::new();
    if config.vitals.enabled {
        let vitals = VitalsSettings {
            topic: config.vitals.topic.clone(),
            group: config.vitals.group.clone(),
            max_in_flight: config.vitals.max_in_flight,
            commit_interval: Duration::from_millis(config.vitals.commit_interval_ms),
            ..VitalsSettings::default()
        };
        let door = healthsync_kafka::vitals::start(&connection, vitals, directory.clone(), hl7(zone), shutdown.clone());
        doors.push(open("kafka.vitals", door.context("kafka.vitals")?, readiness, shutdown));
    }
    if config.results.enabled {
        let key = match config.results.key {
            KafkaKey::Session => Key::Session,
            KafkaKey::Patient => Key::Patient,
        };
        let kinds = config.results.kinds.iter().cloned().collect();
        let results = ResultsSettings { topic: config.results.topic.clone(), kinds, key };
        let door = healthsync_kafka::results::start(&connection, results, directory.clone(), shutdown.clone());
        doors.push(open("kafka.results", door.context("kafka.results")?, readiness, shutdown));
    }
    Ok(doors)
}

fn connection(config: &config::Kafka) -> anyhow::Result<Connection> {
    let mut properties = config.properties.as_map().clone();
    if let Some(file) = &config.properties_file {
        properties.extend(properties_of(file)?);
    }
    Ok(Connection { brokers: config.brokers.clone(), properties })
}

/// `name=value` a line; lines that are empty or begin with `#` say nothing.
fn properties_of(file: &Path) -> anyhow::Result<BTreeMap<String, String>> {
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("kafka.properties_file: {} cannot be read", file.display()))?;
    let said = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty() && !line.trim().starts_with('#'));
    said.map(|(index, line)| {
        // The line may be a secret.
        let (name, value) = line
            .split_once('=')
            .with_context(|| format!("kafka.properties_file: line {} is no name=value", index + 1))?;
        Ok((name.trim().to_owned(), value.trim().to_owned()))
    })
    .collect()
}

/// Tells `/readyz` how the link is for as long as the door is open.
fn open(name: &'static str, door: Door, readiness: &Readiness, shutdown: &CancellationToken) -> JoinHandle<()> {
    tokio::spawn(tell(name, door.link, readiness.clone(), shutdown.clone()));
    door.task
}

async fn tell(name: &'static str, mut link: watch::Receiver<Link>, readiness: Readiness, shutdown: CancellationToken) {
    loop {
        let degraded = match *link.borrow_and_update() {
            Link::Up => None,
            Link::Connecting => Some("no broker has answered yet".to_owned()),
            Link::Down => Some("no broker can be reached".to_owned()),
        };
        readiness.degrade(name, degraded);
        tokio::select! {
            changed = link.changed() => if changed.is_err() { return },
            () = shutdown.cancelled() => return,
        }
    }
}

/// Transports do not know each other: HL7 v2 in a topic is read by the package that knows it. Times without a zone are
/// in `zone`, as by MLLP.
fn hl7(zone: Zone) -> Decoder {
    Arc::new(move |bytes, received| read_hl7(bytes, Clock { received, zone }).map_err(|error| error.to_string()))
}

fn read_hl7(bytes: &[u8], clock: Clock) -> Result<Reading, Hl7Error> {
    let message = Message::parse(bytes)?;
    let header = Header::read(&message, clock.zone);
    header.check(&message)?;
    let message_id = header.control_id.clone();
    if header.kind == "ADT" {
        let changes = adt::decode(&message, &header, clock)?;
        return Ok(Reading { message_id, said: Vec::new(), changes });
    }
    let patients = oru::decode(&message, &header, clock)?.patients;
    let said = patients.into_iter().map(|of| {
        let observed = of.observed.map(EventBody::VitalsObserved);
        let amended = of.amended.map(EventBody::VitalsAmended);
        let alarm = of.alarm.map(EventBody::DeviceAlarm);
        Said { patient: of.patient, events: [observed, amended, alarm].into_iter().flatten().collect() }
    });
    Ok(Reading { message_id, said: said.collect(), changes: Vec::new() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties_of_a_file_are_read_and_a_bad_line_is_told_by_number() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("kafka.properties");
        std::fs::write(&file, "# secrets\nsasl.password = a=b \n\nsasl.username=u\n").unwrap();
        let properties = properties_of(&file).unwrap();
        assert_eq!(properties["sasl.password"], "a=b");
        assert_eq!(properties.len(), 2);
        std::fs::write(&file, "sasl.username=u\nhunter2\n").unwrap();
        let error = format!("{:#}", properties_of(&file).unwrap_err());
        assert!(error.contains("line 2") && !error.contains("hunter2"), "{error}");
    }

    #[test]
    fn hl7_in_a_topic_says_what_it_says_by_any_other_door() {
        let patient = "P1".parse().unwrap();
        let vitals = healthsync_events::VitalSigns { heart_rate: Some(80.0), ..Default::default() };
        let at = healthsync_events::Timestamp::from_millis(0);
        let message = healthsync_hl7::client::oru_r01(&patient, "7", at, &vitals);
        let zone = Config::default().mllp.zone().unwrap();
        let reading = hl7(zone)(&message, at).unwrap();
        assert_eq!((reading.patient(), reading.message_id.as_str()), (Some(&patient), "7"));
        let EventBody::VitalsObserved(observed) = &reading.said[0].events[0] else { panic!("{reading:?}") };
        assert_eq!(observed.vitals, vitals);
        assert_eq!(hl7(zone)(b"no HL7", at).unwrap_err(), Hl7Error::Header.to_string());
        let admitted = "MSH|^~\\&|ADT|H|HS|H|20260102030405+0000||ADT^A01^ADT_A01|8|P|2.6\rEVN||20260102030405+0000\r\
            PID|||P1^^^H^MR\rPV1||I|ICU^1^2";
        let reading = hl7(zone)(admitted.as_bytes(), at).unwrap();
        assert_eq!((reading.changes.len(), reading.patient()), (1, Some(&patient)));
    }
}
