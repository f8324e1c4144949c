//! Commands that a client sends on its stream.

use healthsync_events::{
    EventBody, ParticipantId, Refusal, SessionId, Sessions,
    alarm::{AlarmAcknowledged, AlarmSilenced},
    consultation::{ChatMessage, MediaChanged, Sending, SessionEndReason, SessionEnded},
    envelope::{StreamCommand, StreamNotice},
    scribe::ReportRequested,
    speech::LanguageSet,
};

/// Carries out a command and says what became of it.
pub(crate) async fn carry_out(text: &str, sessions: &dyn Sessions, session: SessionId) -> StreamNotice {
    let Ok(command) = serde_json::from_str::<StreamCommand>(text) else {
        let error = Refusal::invalid("command", "is not one that is known here, or lacks a field");
        return StreamNotice::Refused { id: None, error };
    };
    let (id, body) = match command {
        StreamCommand::SetLanguage { id, participant, language } => {
            (id, EventBody::LanguageSet(LanguageSet { participant, language }))
        }
        StreamCommand::Mute { id, participant, audio, video } => {
            match muted(sessions, session, participant, audio, video).await {
                Ok(changed) => (id, EventBody::MediaChanged(changed)),
                Err(error) => return StreamNotice::Refused { id, error },
            }
        }
        StreamCommand::Chat { id, participant, language, text } => {
            (id, EventBody::ChatMessage(ChatMessage { participant, language, text }))
        }
        StreamCommand::AcknowledgeAlarm { id, participant, alarm } => {
            (id, EventBody::AlarmAcknowledged(AlarmAcknowledged { alarm, by: participant }))
        }
        StreamCommand::SilenceAlarm { id, participant, alarm, seconds } => {
            (id, EventBody::AlarmSilenced(AlarmSilenced { alarm, by: participant, seconds }))
        }
        StreamCommand::ChangeMonitoring { id, change } => (id, EventBody::MonitoringChanged(change.into())),
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

/// What a participant sends once its tracks are muted or not. A track that is not there stays so.
async fn muted(
    sessions: &dyn Sessions,
    session: SessionId,
    participant: ParticipantId,
    audio: bool,
    video: bool,
) -> Result<MediaChanged, Refusal> {
    let state = sessions.state(session).await?;
    let sent =
        state.media.get(&participant).ok_or_else(|| Refusal::NotFound { what: "call of this participant".into() })?;
    let now = |sending, muted| match (sending, muted) {
        (Sending::Off, _) => Sending::Off,
        (_, true) => Sending::Muted,
        (_, false) => Sending::On,
    };
    Ok(MediaChanged { participant, audio: now(sent.audio, audio), video: now(sent.video, video) })
}
