//! Whether the brokers are there, as far as librdkafka's callbacks tell.

use crate::connection::label;
use rdkafka::{
    config::RDKafkaLogLevel,
    error::{KafkaError, RDKafkaErrorCode},
    statistics::Statistics,
};
use std::sync::{Mutex, PoisonError};
use tokio::sync::watch;

/// The state of a direction's connection. Nothing else waits for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// No broker has answered yet.
    Connecting,
    Up,
    /// No broker can be reached, or the client had to be given up and is made anew.
    Down,
}

/// Keeps a direction's link, and says once when it changes.
pub(crate) struct LinkMonitor {
    direction: &'static str,
    state: watch::Sender<Link>,
    /// The kind of the last error told, so that one that goes on is not told again and again.
    last_error: Mutex<Option<RDKafkaErrorCode>>,
}

impl LinkMonitor {
    pub(crate) fn new(direction: &'static str) -> (Self, watch::Receiver<Link>) {
        let (state, link) = watch::channel(Link::Connecting);
        metrics::gauge!("healthsync_kafka_link_up", "direction" => direction).set(0.0);
        (Self { direction, state, last_error: Mutex::new(None) }, link)
    }

    pub(crate) fn is_up(&self) -> bool {
        *self.state.borrow() == Link::Up
    }

    pub(crate) fn up(&self) {
        if self.set(Link::Up) {
            *self.last_error.lock().unwrap_or_else(PoisonError::into_inner) = None;
            tracing::info!(direction = self.direction, "a Kafka broker is there");
        }
    }

    pub(crate) fn down(&self) {
        if self.set(Link::Down) {
            tracing::warn!(direction = self.direction, "no Kafka broker can be reached; trying on");
        }
    }

    /// Whether that was news.
    fn set(&self, link: Link) -> bool {
        let news = self.state.send_if_modified(|state| std::mem::replace(state, link) != link);
        if news {
            let up = if link == Link::Up { 1.0 } else { 0.0 };
            metrics::gauge!("healthsync_kafka_link_up", "direction" => self.direction).set(up);
        }
        news
    }

    /// Of `ClientContext::error`, and of what a poll gives. The reason names brokers and topics.
    pub(crate) fn error(&self, error: &KafkaError, reason: &str) {
        let code = error.rdkafka_error_code();
        metrics::counter!("healthsync_kafka_errors_total", "direction" => self.direction, "code" => label(code))
            .increment(1);
        match code {
            Some(RDKafkaErrorCode::AllBrokersDown) => self.down(),
            // Many times a second while a broker is away: that is what the link is for.
            Some(RDKafkaErrorCode::BrokerTransportFailure | RDKafkaErrorCode::Resolve) => {
                tracing::debug!(direction = self.direction, reason, "Kafka");
            }
            _ => self.tell(code, reason),
        }
    }

    fn tell(&self, code: Option<RDKafkaErrorCode>, reason: &str) {
        let mut last = self.last_error.lock().unwrap_or_else(PoisonError::into_inner);
        if code.is_none() || *last != code {
            tracing::warn!(direction = self.direction, code = label(code), reason, "Kafka");
            *last = code;
        }
    }

    /// A broker that idles closes the connection, which is no failure: only errors bring the link down.
    pub(crate) fn statistics(&self, statistics: &Statistics) {
        if statistics.brokers.values().any(|broker| broker.state == "UP") {
            self.up();
        }
    }

    /// Of `ClientContext::log`.
    pub(crate) fn log(&self, level: RDKafkaLogLevel, facility: &str, text: &str) {
        match level {
            RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical => {
                tracing::error!(direction = self.direction, facility, text, "librdkafka");
            }
            _ => tracing::debug!(direction = self.direction, facility, text, "librdkafka"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broker(state: &str) -> Statistics {
        let broker = rdkafka::statistics::Broker { state: state.into(), ..Default::default() };
        Statistics { brokers: [("b".to_owned(), broker)].into(), ..Statistics::default() }
    }

    #[test]
    fn a_link_goes_down_with_the_last_broker_and_up_with_the_first() {
        let (monitor, link) = LinkMonitor::new("test");
        assert_eq!(*link.borrow(), Link::Connecting);
        monitor.statistics(&broker("CONNECT"));
        assert_eq!(*link.borrow(), Link::Connecting);
        monitor.statistics(&broker("UP"));
        assert_eq!(*link.borrow(), Link::Up);
        monitor.error(&KafkaError::Global(RDKafkaErrorCode::BrokerTransportFailure), "one of them");
        assert_eq!(*link.borrow(), Link::Up, "there are others");
        monitor.error(&KafkaError::Global(RDKafkaErrorCode::AllBrokersDown), "all of them");
        assert_eq!(*link.borrow(), Link::Down);
        monitor.statistics(&broker("INIT"));
        assert_eq!(*link.borrow(), Link::Down);
        monitor.up();
        assert!(monitor.is_up());
    }
}
