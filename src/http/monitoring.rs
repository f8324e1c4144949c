//! How a patient is monitored, and the alarms that stand: who sees them, answers them, and changes their limits.

use super::{
    App,
    error::{Error, Problem},
    extract::{Body, Segment},
};
use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use healthsync_events::{
    AlarmId, EventBody, ParticipantId, SessionId, Timestamp, VitalSign,
    alarm::{AlarmAcknowledged, AlarmRaised, AlarmSilenced, AlarmStatus},
    monitoring::{AlarmLimits, MonitoringChange},
    risk::ScoreName,
};
use healthsync_models::risk::{limits, policy::effective};
use serde::{Deserialize, Serialize};

/// How a patient is monitored.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct MonitoringView {
    /// Age in whole months, as somebody said or by the hospital's date of birth; where it is not known the patient is
    /// taken for an adult.
    age_months: Option<u16>,
    /// Scores chosen for this patient; `null` where those for the age run.
    #[schema(value_type = Option<Vec<String>>)]
    scores: Option<Vec<ScoreName>>,
    /// The limits in use, of every vital sign.
    #[schema(value_type = Vec<Object>)]
    limits: Vec<AlarmLimits>,
    /// Those of them that are the patient's own.
    #[schema(value_type = Vec<String>)]
    own_limits: Vec<VitalSign>,
    /// Who changed it last.
    #[schema(value_type = Option<String>)]
    changed_by: Option<ParticipantId>,
    #[schema(value_type = Option<String>)]
    changed_at: Option<Timestamp>,
}

/// An alarm that stands.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct StandingAlarm {
    #[schema(value_type = String)]
    raised_at: Timestamp,
    #[serde(flatten)]
    #[schema(value_type = Object)]
    raised: AlarmRaised,
    #[schema(value_type = Object)]
    status: AlarmStatus,
}

/// Who takes care of an alarm.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Acknowledgement {
    #[schema(value_type = String)]
    participant: ParticipantId,
}

/// For how long the sound of alarms is to be off.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Silence {
    #[schema(value_type = String)]
    participant: ParticipantId,
    /// One alarm; all that stand when absent.
    #[schema(value_type = Option<String>)]
    alarm: Option<AlarmId>,
    /// 1 to 300.
    seconds: u16,
}

/// How the patient is monitored.
#[utoipa::path(get, path = "/api/v1/sessions/{id}/monitoring", tag = "monitors",
    params(("id" = String, Path, description = "Session identifier (UUID)")),
    responses((status = 200, description = "Limits and scores in use", body = MonitoringView),
              (status = 404, description = "No such session", body = Problem)))]
pub async fn show(State(app): State<App>, Segment(id): Segment<SessionId>) -> Result<Response, Error> {
    let state = app.sessions.state(id).await?;
    let birth_date = state.patient.as_ref().and_then(|patient| patient.value.birth_date.as_deref());
    let monitoring = &effective(&state.monitoring, birth_date, jiff::Timestamp::now().into());
    let changed = monitoring.changed.as_ref();
    Ok(Json(MonitoringView {
        age_months: monitoring.age_months,
        scores: monitoring.scores.clone(),
        limits: limits::all(monitoring),
        own_limits: monitoring.limits.keys().copied().collect(),
        changed_by: changed.map(|(.., by)| by.clone()),
        changed_at: changed.map(|(_, at, _)| *at),
    })
    .into_response())
}

/// Changes limits, age or scores; what is left out stays as it was.
#[utoipa::path(patch, path = "/api/v1/sessions/{id}/monitoring", tag = "monitors",
    params(("id" = String, Path, description = "Session identifier (UUID)")),
    request_body(content = ref("#/components/schemas/MonitoringChange"), content_type = "application/json"),
    responses((status = 200, description = "Recorded", body = ref("#/components/schemas/Receipt")),
              (status = 404, description = "No such session", body = Problem),
              (status = 422, description = "A limit is not acceptable", body = Problem)))]
pub async fn change(
    State(app): State<App>,
    Segment(id): Segment<SessionId>,
    Body(change): Body<MonitoringChange>,
) -> Result<Response, Error> {
    Ok(Json(app.sessions.record(id, EventBody::MonitoringChanged(change.into())).await?).into_response())
}

/// The alarms that stand, oldest first.
#[utoipa::path(get, path = "/api/v1/sessions/{id}/alarms", tag = "monitors",
    params(("id" = String, Path, description = "Session identifier (UUID)")),
    responses((status = 200, description = "Standing alarms", body = Vec<StandingAlarm>),
              (status = 404, description = "No such session", body = Problem)))]
pub async fn standing(State(app): State<App>, Segment(id): Segment<SessionId>) -> Result<Response, Error> {
    let state = app.sessions.state(id).await?;
    let mut raised: Vec<_> = state.alarms.values().collect();
    raised.sort_unstable_by_key(|alarm| alarm.seq);
    let standing = raised.into_iter().map(|alarm| StandingAlarm {
        raised_at: alarm.at,
        raised: alarm.value.clone(),
        status: state.alarm_status.get(&alarm.value.alarm).cloned().unwrap_or_default(),
    });
    Ok(Json(standing.collect::<Vec<_>>()).into_response())
}

/// Somebody has seen the alarm and takes care of it.
#[utoipa::path(post, path = "/api/v1/sessions/{id}/alarms/{alarm}/acknowledgement", tag = "monitors",
    params(("id" = String, Path, description = "Session identifier (UUID)"),
           ("alarm" = String, Path, description = "Alarm identifier (UUID)")),
    request_body = Acknowledgement,
    responses((status = 200, description = "Recorded", body = ref("#/components/schemas/Receipt")),
              (status = 404, description = "No such session, or the alarm does not stand", body = Problem)))]
pub async fn acknowledge(
    State(app): State<App>,
    Segment((id, alarm)): Segment<(SessionId, AlarmId)>,
    Body(acknowledgement): Body<Acknowledgement>,
) -> Result<Response, Error> {
    let acknowledged = AlarmAcknowledged { alarm, by: acknowledgement.participant };
    Ok(Json(app.sessions.record(id, EventBody::AlarmAcknowledged(acknowledged)).await?).into_response())
}

/// Turns the sound of one alarm, or of all that stand, off for some seconds.
#[utoipa::path(post, path = "/api/v1/sessions/{id}/alarms/silence", tag = "monitors",
    params(("id" = String, Path, description = "Session identifier (UUID)")),
    request_body = Silence,
    responses((status = 200, description = "Recorded", body = ref("#/components/schemas/Receipt")),
              (status = 404, description = "No such session, or the alarm does not stand", body = Problem),
              (status = 422, description = "Too long", body = Problem)))]
pub async fn silence(
    State(app): State<App>,
    Segment(id): Segment<SessionId>,
    Body(silence): Body<Silence>,
) -> Result<Response, Error> {
    let Silence { participant: by, alarm, seconds } = silence;
    let silenced = EventBody::AlarmSilenced(AlarmSilenced { alarm, by, seconds });
    Ok(Json(app.sessions.record(id, silenced).await?).into_response())
}
