//! A monitor: connects, sends observations, waits for each acknowledgement.

use crate::{
    ack::Ack,
    error::Hl7Error,
    frame::{Frame, FrameError, Mllp},
    message::Delimiters,
    time,
    write::Writer,
};
use futures_util::{SinkExt, StreamExt};
use healthsync_events::{Consciousness, PatientId, Timestamp, VitalSigns};
use std::{net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
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

/// What messages go over: TCP, or TLS on it.
pub trait Wire: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Wire for T {}

/// A connection to an MLLP receiver.
pub struct MllpClient {
    stream: Framed<Box<dyn Wire>, Mllp>,
}

impl MllpClient {
    pub async fn connect(addr: SocketAddr) -> Result<Self, ClientError> {
        let stream = TcpStream::connect(addr).await.map_err(FrameError::Io)?;
        stream.set_nodelay(true).map_err(FrameError::Io)?;
        Ok(Self::over(stream))
    }

    /// Over a connection that there is already.
    pub fn over(stream: impl Wire + 'static) -> Self {
        let stream: Box<dyn Wire> = Box::new(stream);
        Self { stream: Framed::new(stream, Mllp::default()) }
    }

    /// Sends a message and waits for its acknowledgement; in enhanced mode, for the first of them.
    pub async fn send(&mut self, message: &[u8]) -> Result<Ack, ClientError> {
        self.stream.send(message).await?;
        self.receive().await
    }

    /// Waits for a further acknowledgement.
    pub async fn receive(&mut self) -> Result<Ack, ClientError> {
        let answer = tokio::time::timeout(ACK_TIMEOUT, self.stream.next()).await;
        match answer.map_err(|_| ClientError::NoAck)?.ok_or(ClientError::NoAck)?? {
            Frame::Message(answer) => Ok(Ack::read(&answer)?),
            Frame::TooLong(_) | Frame::Half(_) => Err(ClientError::NoAck),
        }
    }
}

/// An ORU^R01 with LOINC codes and UCUM units.
pub fn oru_r01(patient: &PatientId, message_id: &str, taken_at: Timestamp, vitals: &VitalSigns) -> Vec<u8> {
    let stamp = time::write(taken_at);
    let mut writer = Writer::new(Delimiters::default());
    writer.field("HEALTHSYNC-MONITOR").field("DEMO").field("HEALTHSYNC").field("DEMO").field(&stamp).field("");
    writer.field("ORU").component("R01").component("ORU_R01").field(message_id).field("P").field("2.6");
    writer.skip(5).field("UNICODE UTF-8");
    writer.segment("PID").skip(2).field(patient.as_str()).skip_components(2).component("DEMO").component("MR");
    writer.segment("OBR").field("1").skip(2).field("85353-1").component("Vital signs").component("LN");
    writer.skip(2).field(&stamp);
    let numbers = [
        ("8867-4", vitals.heart_rate, "/min"),
        ("9279-1", vitals.respiratory_rate, "/min"),
        ("59408-5", vitals.spo2, "%"),
        ("8480-6", vitals.systolic_bp, "mm[Hg]"),
        ("8462-4", vitals.diastolic_bp, "mm[Hg]"),
        ("8310-5", vitals.temperature, "Cel"),
        ("3151-8", vitals.supplemental_oxygen.map(|oxygen| if oxygen { 2.0 } else { 0.0 }), "L/min"),
    ];
    let measured = numbers.into_iter().filter_map(|(code, value, unit)| Some((code, value?, unit)));
    let mut set = 0;
    for (code, value, unit) in measured {
        set += 1;
        writer.segment("OBX").field(&set.to_string()).field("NM").field(code).component("").component("LN").field("");
        writer.field(&value.to_string()).field(unit).component("").component("UCUM").skip(4).field("F");
    }
    if let Some(level) = vitals.consciousness {
        let letter = match level {
            Consciousness::Alert => "A",
            Consciousness::Confusion => "C",
            Consciousness::Voice => "V",
            Consciousness::Pain => "P",
            Consciousness::Unresponsive => "U",
        };
        writer.segment("OBX").field(&(set + 1).to_string()).field("ST").field("80288-4").component("").component("LN");
        writer.field("").field(letter).skip(5).field("F");
    }
    writer.finish().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        header::Header,
        message::Message,
        oru::{Clock, decode},
        time::Zone,
    };

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
        let message = Message::parse(&bytes).unwrap();
        let clock = Clock { received: Timestamp::from_millis(0), zone: Zone::UTC };
        let oru = decode(&message, &Header::read(&message, Zone::UTC), clock).unwrap();
        let said = &oru.patients[0];
        let observed = said.observed.as_ref().unwrap();
        assert_eq!((said.patient.as_str(), &observed.vitals, observed.taken_at), ("P1", &vitals, at));
        assert!(observed.rejected.is_empty() && said.amended.is_none());
    }
}
