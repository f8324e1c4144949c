//! A Kafka broker of its own: `tansu`, which keeps everything in memory.

use healthsync_kafka::{
    Connection,
    client::{self, ClientError},
};
use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
};

pub const VITALS: &str = "healthsync.vitals";
pub const RESULTS: &str = "healthsync.results";
pub const GROUP: &str = "healthsync";
pub const PARTITIONS: i32 = 3;

/// A port that nobody listens on, for a broker to come.
pub fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

pub fn address(port: u16) -> String {
    format!("127.0.0.1:{port}")
}

/// What makes a server use the broker there.
pub fn settings(port: u16) -> Vec<(&'static str, String)> {
    vec![("HEALTHSYNC__KAFKA__BROKERS", format!("[\"{}\"]", address(port)))]
}

pub struct Broker {
    child: Child,
    pub port: u16,
}

impl Broker {
    /// Starts a broker with both topics.
    pub async fn start(port: u16) -> Self {
        let tool = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(".tools/venv/bin/tansu");
        assert!(tool.is_file(), "tansu is missing: run `make setup-test`");
        let url = format!("tcp://{}", address(port));
        let mut child = Command::new(tool)
            .args(["broker", "--listener-url", &url, "--advertised-listener-url", &url])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        while !lines.next().expect("the broker says that it is ready").unwrap().contains("ready") {}
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        let broker = Self { child, port };
        for topic in [VITALS, RESULTS] {
            // A server that has been waiting may have been quicker.
            let made = client::create_topic(&broker.connection(), topic, PARTITIONS).await;
            let there = matches!(&made, Err(ClientError::Topic(code)) if code.contains("TopicAlreadyExists"));
            assert!(made.is_ok() || there, "{made:?}");
        }
        broker
    }

    pub fn connection(&self) -> Connection {
        Connection { brokers: vec![address(self.port)], properties: BTreeMap::new() }
    }

    /// The offsets that the server's group has committed, by partition.
    pub async fn committed(&self) -> BTreeMap<i32, i64> {
        let connection = self.connection();
        let asked = move || client::committed(&connection, GROUP, VITALS, PARTITIONS).unwrap();
        tokio::task::spawn_blocking(asked).await.unwrap()
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
