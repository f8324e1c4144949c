//! The other side of both topics: what sends vital signs and reads results, for load tests and checks.

use crate::connection::{Connection, StartError};
use rdkafka::{
    Message as _, Offset, TopicPartitionList,
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    client::DefaultClientContext,
    consumer::{BaseConsumer, Consumer as _, StreamConsumer},
    error::KafkaError,
    message::{BorrowedMessage, Header, Headers as _, OwnedHeaders},
    producer::{FutureProducer, FutureRecord},
};
use std::{collections::BTreeMap, time::Duration};

/// How long any single answer may take.
const TIMEOUT: Duration = Duration::from_secs(20);

#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    #[error(transparent)]
    Start(#[from] StartError),
    #[error(transparent)]
    Kafka(#[from] KafkaError),
    #[error("the topic cannot be made: {0}")]
    Topic(String),
}

/// A record as read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pub partition: i32,
    pub offset: i64,
    pub key: String,
    pub headers: BTreeMap<String, String>,
    pub payload: Vec<u8>,
}

/// Makes a topic.
pub async fn create_topic(connection: &Connection, topic: &str, partitions: i32) -> Result<(), ClientError> {
    let admin: AdminClient<DefaultClientContext> = connection.client()?.create()?;
    let new = NewTopic::new(topic, partitions, TopicReplication::Fixed(1));
    let options = AdminOptions::new().operation_timeout(Some(TIMEOUT)).request_timeout(Some(TIMEOUT));
    for made in admin.create_topics([&new], &options).await? {
        made.map_err(|(_, code)| ClientError::Topic(code.to_string()))?;
    }
    Ok(())
}

/// Sends to topics.
pub struct Writer {
    producer: FutureProducer,
}

impl Writer {
    pub fn new(connection: &Connection) -> Result<Self, ClientError> {
        let mut config = connection.client()?;
        config.set("partitioner", "murmur2_random").set("linger.ms", "1");
        Ok(Self { producer: config.create()? })
    }

    /// Returns when the broker has it.
    pub async fn send(
        &self,
        topic: &str,
        key: Option<&str>,
        content_type: Option<&str>,
        payload: &[u8],
    ) -> Result<(), ClientError> {
        let mut record = FutureRecord::to(topic).payload(payload);
        record.key = key;
        if let Some(content_type) = content_type {
            let header = Header { key: "content-type", value: Some(content_type) };
            record = record.headers(OwnedHeaders::new().insert(header));
        }
        self.producer.send(record, TIMEOUT).await.map(|_| ()).map_err(|(error, _)| error.into())
    }
}

/// Reads a topic from its first record.
pub struct Reader {
    consumer: StreamConsumer,
}

impl Reader {
    pub fn new(connection: &Connection, topic: &str, group: &str) -> Result<Self, ClientError> {
        let mut config = connection.client()?;
        config.set("group.id", group).set("auto.offset.reset", "earliest").set("enable.auto.commit", "false");
        let consumer: StreamConsumer = config.create()?;
        consumer.subscribe(&[topic])?;
        Ok(Self { consumer })
    }

    /// Waits for the next record.
    pub async fn next(&self) -> Result<Record, ClientError> {
        Ok(record(&self.consumer.recv().await?))
    }
}

fn record(message: &BorrowedMessage<'_>) -> Record {
    let text = |bytes: Option<&[u8]>| String::from_utf8_lossy(bytes.unwrap_or_default()).into_owned();
    let headers = message.headers().map(|headers| {
        headers.iter().map(|header| (header.key.to_owned(), text(header.value))).collect::<BTreeMap<_, _>>()
    });
    Record {
        partition: message.partition(),
        offset: message.offset(),
        key: text(message.key()),
        headers: headers.unwrap_or_default(),
        payload: message.payload().unwrap_or_default().to_vec(),
    }
}

/// The offsets that a group has committed, by partition; blocks.
pub fn committed(
    connection: &Connection,
    group: &str,
    topic: &str,
    partitions: i32,
) -> Result<BTreeMap<i32, i64>, ClientError> {
    let consumer: BaseConsumer = connection.client()?.set("group.id", group).create()?;
    let mut list = TopicPartitionList::new();
    list.add_partition_range(topic, 0, partitions - 1);
    let list = consumer.committed_offsets(list, TIMEOUT)?;
    let offset = |offset| if let Offset::Offset(offset) = offset { Some(offset) } else { None };
    Ok(list.elements().iter().filter_map(|e| Some((e.partition(), offset(e.offset())?))).collect())
}
