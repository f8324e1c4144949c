//! A ward and a log to test against, and a cluster of librdkafka's own making. What is waited for is state that can be
//! observed.
#![allow(dead_code, reason = "each test file uses a part of it")]

pub mod feed;
pub mod ward;

use healthsync_kafka::Connection;
use rdkafka::{mocking::MockCluster, producer::DefaultProducerContext};
use std::{collections::BTreeMap, future::Future, time::Duration};

/// How long anything a test waits for may take: tests share two cores, and this cluster may hold an assignment back for half a
/// minute.
pub const PATIENCE: Duration = Duration::from_mins(2);

pub type Cluster = MockCluster<'static, DefaultProducerContext>;

pub async fn in_time<T>(what: &str, work: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, work).await.unwrap_or_else(|_| panic!("{what} in time"))
}

/// A cluster of one broker with a topic.
pub fn cluster(topic: &str, partitions: i32) -> (Cluster, Connection) {
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic(topic, partitions, 1).unwrap();
    let brokers = cluster.bootstrap_servers().split(',').map(str::to_owned).collect();
    // The cluster holds back the first assignment of a group for as long as its members' sessions last.
    let properties = [("session.timeout.ms", "3000"), ("heartbeat.interval.ms", "500")];
    let properties = properties.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    (cluster, Connection { brokers, properties })
}

/// What a group has committed, once it satisfies `wanted`.
pub async fn committed(
    connection: &Connection,
    group: &str,
    topic: &str,
    partitions: i32,
    wanted: impl Fn(&BTreeMap<i32, i64>) -> bool,
) -> BTreeMap<i32, i64> {
    in_time("the offsets were committed", async {
        loop {
            let (connection, group, topic) = (connection.clone(), group.to_owned(), topic.to_owned());
            let asked = move || healthsync_kafka::client::committed(&connection, &group, &topic, partitions).unwrap();
            let offsets = tokio::task::spawn_blocking(asked).await.unwrap();
            if wanted(&offsets) {
                return offsets;
            }
        }
    })
    .await
}

pub fn sum(offsets: &BTreeMap<i32, i64>) -> i64 {
    offsets.values().sum()
}
