//! Which offers are accepted.

use super::{
    IceCredentials, MAX_CANDIDATES, attribute, credentials, is_usable, lines,
    sections::{Direction, Section, split},
};
use crate::{error::WhipError, forward::VideoCodec};

/// An offer of one Opus track and perhaps one of video, and nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The offer without candidates and codecs that are of no use here.
    pub sdp: String,
    pub ice: IceCredentials,
    /// RTP payload types that mean Opus.
    pub opus: Vec<u8>,
    /// RTP payload types that mean video we forward, one for each codec, in the offerer's order. Empty where
    /// there is no video section, or none of use: that is rejected in the answer, and the audio goes on.
    pub video: Vec<(u8, VideoCodec)>,
    /// Candidates left in `sdp`.
    pub candidates: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Intent {
    Publish,
    Watch,
    Listen,
}

impl Offer {
    /// Reads the offer of somebody who sends (WHIP).
    pub fn parse(text: &str) -> Result<Self, WhipError> {
        Self::read(text, Intent::Publish)
    }

    /// Reads the offer of somebody who receives what another one sends (WHEP).
    pub fn parse_watch(text: &str) -> Result<Self, WhipError> {
        Self::read(text, Intent::Watch)
    }

    /// Reads the offer of somebody who receives a voice (WHEP). There are no pictures of that.
    pub fn parse_listen(text: &str) -> Result<Self, WhipError> {
        Self::read(text, Intent::Listen)
    }

    /// What asks for more than is done here is refused as a whole: a partial answer would have a participant
    /// believe that it arrives (RFC 9725, section 4.4.3). The one exception is a video section whose codecs
    /// we do not forward, because sound without pictures is still a consultation.
    fn read(text: &str, intent: Intent) -> Result<Self, WhipError> {
        let lines = lines(text)?;
        if lines.first() != Some(&"v=0") {
            return Err(WhipError::Malformed("it does not begin with v=0"));
        }
        let (session, sections) = split(&lines)?;
        let (audio, video) = roles(&sections)?;
        let video = video.filter(|video| video.is_enabled());
        if !audio.is_enabled() {
            return Err(WhipError::Unacceptable("the audio section is disabled"));
        }
        if video.is_some() && intent == Intent::Listen {
            return Err(WhipError::Unacceptable("speech has no video"));
        }
        for section in std::iter::once(audio).chain(video) {
            section.check_transport()?;
            check_direction(section.direction(&session), intent)?;
        }
        if let Some(video) = video {
            check_bundle(&session, &[audio, video])?;
        }
        check_security(&lines)?;
        let opus = audio.opus();
        if opus.is_empty() {
            return Err(WhipError::Unacceptable("Opus is not offered"));
        }
        let formats = video.map(Section::video).unwrap_or_default();
        let ice = credentials(&lines);
        if ice.ufrag.is_empty() || ice.pwd.is_empty() {
            return Err(WhipError::Malformed("it has no ICE credentials"));
        }
        let (sdp, candidates) = sanitised(&session, &sections, &formats);
        Ok(Self { sdp, ice, opus, video: formats, candidates })
    }
}

/// The audio section, which there must be, and the video section, if there is one.
fn roles<'s, 'a>(sections: &'s [Section<'a>]) -> Result<(&'s Section<'a>, Option<&'s Section<'a>>), WhipError> {
    if sections.is_empty() {
        return Err(WhipError::Malformed("it has no media section"));
    }
    let (mut audio, mut video) = (None, None);
    for section in sections {
        let place = match section.kind {
            "audio" => &mut audio,
            "video" => &mut video,
            _ => return Err(WhipError::Unacceptable("only audio and video are accepted")),
        };
        if place.replace(section).is_some() {
            return Err(WhipError::Unacceptable("at most one section of audio and one of video are accepted"));
        }
    }
    let audio = audio.ok_or(WhipError::Unacceptable("there is no section of audio"))?;
    Ok((audio, video))
}

fn check_direction(direction: Direction, intent: Intent) -> Result<(), WhipError> {
    match intent {
        Intent::Publish if !direction.sends => Err(WhipError::Unacceptable("the offer does not send what it offers")),
        Intent::Watch | Intent::Listen if !direction.receives => {
            Err(WhipError::Unacceptable("the offer does not receive what it asks for"))
        }
        _ => Ok(()),
    }
}

/// Both sections must share one transport (RFC 9725, section 4.4.2).
fn check_bundle(session: &[&str], sections: &[&Section<'_>]) -> Result<(), WhipError> {
    let bundled: Vec<&str> = session
        .iter()
        .filter_map(|line| line.strip_prefix("a=group:BUNDLE "))
        .flat_map(|mids| mids.split_ascii_whitespace())
        .collect();
    let is_bundled = |section: &&Section<'_>| section.mid().is_some_and(|mid| bundled.contains(&mid));
    if sections.iter().all(is_bundled) {
        return Ok(());
    }
    Err(WhipError::Unacceptable("audio and video must be bundled"))
}

fn check_security(lines: &[&str]) -> Result<(), WhipError> {
    if attribute(lines, "a=fingerprint:").is_none() {
        return Err(WhipError::Malformed("it has no certificate fingerprint"));
    }
    match attribute(lines, "a=setup:") {
        Some("actpass" | "active") => Ok(()),
        _ => Err(WhipError::Unacceptable("setup must be actpass or active")),
    }
}

/// The offer as the stack is to see it, and how many candidates are in it.
fn sanitised(session: &[&str], sections: &[Section<'_>], video: &[(u8, VideoCodec)]) -> (String, usize) {
    let keep: Vec<u8> = video.iter().map(|(format, _)| *format).collect();
    let mut kept: Vec<String> = session.iter().map(|line| (*line).to_owned()).collect();
    for section in sections {
        if section.kind == "video" && !keep.is_empty() {
            kept.extend(section.narrowed(&keep));
        } else if section.kind == "audio" {
            kept.extend(section.narrowed(section.formats()));
        } else {
            kept.extend(section.lines.iter().map(|line| (*line).to_owned()));
        }
    }
    let mut candidates = 0;
    let mut sdp = String::new();
    for line in kept {
        if let Some(candidate) = line.strip_prefix("a=candidate:") {
            if !is_usable(candidate) || candidates == MAX_CANDIDATES {
                continue;
            }
            candidates += 1;
        }
        sdp.push_str(&line);
        sdp.push_str("\r\n");
    }
    (sdp, candidates)
}
