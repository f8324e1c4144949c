//! Invitations: a link with which somebody joins a consultation as a given participant.
//!
//! The link's token names the session and holds a secret; the session's log keeps only the token's hash, so that
//! who reads the log cannot join with it.

use super::{
    App,
    error::{Error, Problem},
    extract::{Body, Segment},
    sessions::location,
};
use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use healthsync_events::{
    EventBody, InvitationId, Language, ParticipantId, Refusal, SessionId, Timestamp, consultation::ParticipantInvited,
    limits::MAX_INVITATIONS,
};
use healthsync_models::hex;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::{fmt, str::FromStr};
use uuid::Uuid;

/// A day: long enough for an appointment made today.
const DEFAULT_SECONDS: u64 = 24 * 60 * 60;

/// A minute, and a week.
const MIN_SECONDS: u64 = 60;
const MAX_SECONDS: u64 = 7 * DEFAULT_SECONDS;

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewInvitation {
    /// Who joins with it, for example `patient`.
    #[schema(value_type = String)]
    participant: ParticipantId,
    /// BCP 47 tag of what they speak; `und` has it found out.
    #[schema(value_type = String)]
    language: Language,
    /// From 60 to 604,800; a day when absent.
    expires_in_seconds: Option<u64>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Invitation {
    #[schema(value_type = String)]
    #[serde(rename = "invitation")]
    id: InvitationId,
    #[schema(value_type = String)]
    participant: ParticipantId,
    #[schema(value_type = String)]
    language: Language,
    #[schema(value_type = String)]
    expires_at: Timestamp,
    /// Shown this once.
    token: String,
    /// Path of the page to send to the person invited.
    link: String,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Invited {
    #[schema(value_type = String)]
    session: SessionId,
    #[schema(value_type = String)]
    participant: ParticipantId,
    #[schema(value_type = String)]
    language: Language,
    /// The consultation's.
    #[schema(value_type = Vec<String>)]
    languages: Vec<Language>,
    #[schema(value_type = String)]
    expires_at: Timestamp,
}

/// The session, then 122 random bits: 64 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Token {
    session: SessionId,
    secret: Uuid,
}

impl Token {
    fn new(session: SessionId) -> Self {
        Self { session, secret: Uuid::new_v4() }
    }

    fn sha256(self) -> String {
        hex(&Sha256::digest(self.to_string()))
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.session.0.simple(), self.secret.simple())
    }
}

impl FromStr for Token {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        let unknown = || Refusal::NotFound { what: "invitation".into() };
        if text.len() != 64 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(unknown());
        }
        let (session, secret) = text.split_at(32);
        let part = |text: &str| Uuid::parse_str(text).map_err(|_| unknown());
        Ok(Self { session: SessionId(part(session)?), secret: part(secret)? })
    }
}

/// Invites somebody to a consultation.
#[utoipa::path(post, path = "/api/v1/sessions/{id}/invitations", tag = "sessions",
    params(("id" = String, Path, description = "Session identifier (UUID)")),
    request_body = NewInvitation,
    responses((status = 201, description = "The link; Location answers what it is for", body = Invitation),
              (status = 410, description = "The session has ended", body = Problem),
              (status = 413, description = "Too many invitations have not expired", body = Problem),
              (status = 422, description = "A field is not acceptable", body = Problem)))]
pub async fn create(
    State(app): State<App>,
    Segment(id): Segment<SessionId>,
    Body(new): Body<NewInvitation>,
) -> Result<Response, Error> {
    let seconds = new.expires_in_seconds.unwrap_or(DEFAULT_SECONDS);
    if !(MIN_SECONDS..=MAX_SECONDS).contains(&seconds) {
        let reason = format!("must be between {MIN_SECONDS} and {MAX_SECONDS}");
        return Err(Refusal::invalid("expires_in_seconds", reason).into());
    }
    let now = now();
    let state = app.sessions.state(id).await?;
    let open = state.invitations.values().filter(|invited| invited.expires_at > now).count();
    if open >= MAX_INVITATIONS {
        return Err(Refusal::TooLarge { what: "invitations".into(), limit: MAX_INVITATIONS as u64 }.into());
    }
    let token = Token::new(id);
    let invited = ParticipantInvited {
        invitation: InvitationId(Uuid::now_v7()),
        participant: new.participant,
        language: new.language,
        token_sha256: token.sha256(),
        expires_at: Timestamp::from_millis(now.millis() + seconds as i64 * 1_000),
    };
    app.sessions.record(id, EventBody::ParticipantInvited(invited.clone())).await?;
    let token = token.to_string();
    let answer = Invitation {
        id: invited.invitation,
        participant: invited.participant,
        language: invited.language,
        expires_at: invited.expires_at,
        link: format!("/?invitation={token}"),
        token,
    };
    let location = location(&format!("/api/v1/invitations/{}", answer.token));
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(answer)).into_response())
}

/// What an invitation is for.
#[utoipa::path(get, path = "/api/v1/invitations/{token}", tag = "sessions",
    params(("token" = String, Path, description = "From the link")),
    responses((status = 200, description = "Whom it invites to what", body = Invited),
              (status = 404, description = "No such invitation", body = Problem),
              (status = 410, description = "It has expired, or the session has ended", body = Problem)))]
pub async fn show(State(app): State<App>, Segment(token): Segment<String>) -> Result<Json<Invited>, Error> {
    let token: Token = token.parse()?;
    let unknown = || Refusal::NotFound { what: "invitation".into() };
    let state = app.sessions.state(token.session).await.map_err(|refusal| match refusal {
        Refusal::UnknownSession => unknown(),
        other => other,
    })?;
    let sha256 = token.sha256();
    let invited = state.invitations.values().find(|invited| invited.token_sha256 == sha256).ok_or_else(unknown)?;
    if state.ended.is_some() {
        return Err(Refusal::SessionEnded.into());
    }
    if invited.expires_at <= now() {
        return Err(Refusal::Expired { what: "invitation".into() }.into());
    }
    Ok(Json(Invited {
        session: token.session,
        participant: invited.participant.clone(),
        language: invited.language.clone(),
        languages: state.languages().to_vec(),
        expires_at: invited.expires_at,
    }))
}

fn now() -> Timestamp {
    jiff::Timestamp::now().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_names_its_session_and_nothing_else_parses() {
        let token = Token::new(SessionId(Uuid::now_v7()));
        assert_eq!(token.to_string().parse::<Token>().unwrap(), token);
        for text in ["", "abc", &"g".repeat(64), &"0".repeat(63), &"é".repeat(32)] {
            assert!(matches!(text.parse::<Token>(), Err(Refusal::NotFound { .. })), "{text}");
        }
    }

    #[test]
    fn two_tokens_of_a_session_differ() {
        let session = SessionId(Uuid::now_v7());
        assert_ne!(Token::new(session).sha256(), Token::new(session).sha256());
    }
}
