//! A monitor: connects, sends observations, waits for each acknowledgement.

use crate::{
    ack::Ack,
    frame::{FrameError, Mllp},
    message::Hl7Error,
};
use futures_util::{SinkExt, StreamExt};
use healthsync_events::{Consciousness, PatientId, Timestamp, VitalSigns};
use std::{fmt::Write as _, net::SocketAddr, time::Duration};
use tokio::net::TcpStream;
use tokio_util::codec::Framed;

/// How long an acknowledgement may take.
const ACK_TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    #[error("MLLP: {0}")]
    Frame(#[from] FrameError),
    #[error("the acknowledgement cannot be read: {0}")]
    Ack(#[from] Hl7Error),
    #[error("no acknowledgement came")]
    NoAck,
}

/// A connection to an MLLP receiver.
pub struct MllpClient {
    stream: Framed<TcpStream, Mllp>,
}

impl MllpClient {
    pub async fn connect(addr: SocketAddr) -> Result<Self, ClientError> {
        let stream = TcpStream::connect(addr).await.map_err(FrameError::Io)?;
        stream.set_nodelay(true).map_err(FrameError::Io)?;
        Ok(Self { stream: Framed::new(stream, Mllp::default()) })
    }

    /// Sends a message and waits for its acknowledgement.
    pub async fn send(&mut self, message: &[u8]) -> Result<Ack, ClientError> {
        self.stream.send(message).await?;
        let answer = tokio::time::timeout(ACK_TIMEOUT, self.stream.next()).await;
        let frame = answer.map_err(|_| ClientError::NoAck)?.ok_or(ClientError::NoAck)??;
        Ok(Ack::read(&frame)?)
    }
}

/// An ORU^R01 with LOINC codes and UCUM units.
pub fn oru_r01(patient: &PatientId, message_id: &str, taken_at: Timestamp, vitals: &VitalSigns) -> Vec<u8> {
    let stamp: String = taken_at.to_string().chars().filter(char::is_ascii_digit).take(14).collect();
    let mut text = format!(
        "MSH|^~\\&|HEALTHSYNC-MONITOR|DEMO|HEALTHSYNC|DEMO|{stamp}+0000||ORU^R01^ORU_R01|{message_id}|P|2.6\r\
         PID|||{patient}^^^DEMO^MR\rOBR|1|||85353-1^Vital signs^LN|||{stamp}+0000\r"
    );
    let numbers = [
        ("8867-4", vitals.heart_rate, "/min"),
        ("9279-1", vitals.respiratory_rate, "/min"),
        ("59408-5", vitals.spo2, "%"),
        ("8480-6", vitals.systolic_bp, "mm[Hg]"),
        ("8462-4", vitals.diastolic_bp, "mm[Hg]"),
        ("8310-5", vitals.temperature, "Cel"),
        ("3151-8", vitals.supplemental_oxygen.map(|oxygen| if oxygen { 2.0 } else { 0.0 }), "L/min"),
    ];
    let mut set = 0;
    for (code, value, unit) in numbers {
        if let Some(value) = value {
            set += 1;
            let _ = write!(text, "OBX|{set}|NM|{code}^^LN||{value}|{unit}^^UCUM|||||F\r");
        }
    }
    if let Some(level) = vitals.consciousness {
        let letter = match level {
            Consciousness::Alert => 'A',
            Consciousness::Confusion => 'C',
            Consciousness::Voice => 'V',
            Consciousness::Pain => 'P',
            Consciousness::Unresponsive => 'U',
        };
        let _ = write!(text, "OBX|{}|ST|80288-4^^LN||{letter}||||||F\r", set + 1);
    }
    text.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{message::Message, oru::decode};

    #[test]
    fn what_the_monitor_writes_the_server_reads() {
        let vitals = VitalSigns {
            heart_rate: Some(118.0),
            respiratory_rate: Some(22.0),
            spo2: Some(94.0),
            systolic_bp: Some(104.0),
            diastolic_bp: Some(66.0),
            temperature: Some(37.4),
            consciousness: Some(Consciousness::Confusion),
            supplemental_oxygen: Some(true),
        };
        let at = Timestamp::from_millis(1_795_000_000_000);
        let bytes = oru_r01(&"P1".parse().unwrap(), "7", at, &vitals);
        let oru = decode(&Message::parse(&bytes).unwrap(), Timestamp::from_millis(0)).unwrap();
        assert_eq!(oru.observed.vitals, vitals);
        assert_eq!(oru.observed.taken_at, at);
        assert!(oru.observed.rejected.is_empty());
    }
}
