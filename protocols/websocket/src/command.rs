//! Commands that a client sends on its stream.

use healthsync_events::{
    EventBody, Refusal, SessionId, Sessions,
    consultation::{ChatMessage, SessionEndReason, SessionEnded},
    envelope::{StreamCommand, StreamNotice},
    scribe::ReportRequested,
};

/// Carries out a command and says what became of it.
pub(crate) async fn carry_out(text: &str, sessions: &dyn Sessions, session: SessionId) -> StreamNotice {
    let Ok(command) = serde_json::from_str::<StreamCommand>(text) else {
        let error = Refusal::invalid("command", "is not one that is known here, or lacks a field");
        return StreamNotice::Refused { id: None, error };
    };
    let (id, body) = match command {
        StreamCommand::Chat { id, participant, language, text } => {
            (id, EventBody::ChatMessage(ChatMessage { participant, language, text }))
        }
        StreamCommand::RequestReport { id } => {
            (id, EventBody::ReportRequested(ReportRequested { languages: Vec::new() }))
        }
        StreamCommand::End { id } => (id, EventBody::SessionEnded(SessionEnded { reason: SessionEndReason::Ended })),
    };
    match sessions.record(session, body).await {
        Ok(receipt) => StreamNotice::Accepted { id, seq: receipt.seq },
        Err(error) => StreamNotice::Refused { id, error },
    }
}
