//! Bounds that hold at every door, and why they are what they are.

/// Bytes of a JSON request body. The largest legitimate one, a chat message, is a thousandth of this.
pub const MAX_JSON_BYTES: usize = 64 * 1024;

/// Bytes of a WebSocket message from a client: control and chat only.
pub const MAX_WS_MESSAGE_BYTES: usize = 64 * 1024;

/// Bytes of an uploaded image. A 16-bit chest radiograph of 4,000 by 5,000 pixels takes 40 MB.
pub const MAX_IMAGE_BYTES: usize = 64 * 1024 * 1024;

/// Pixels of a decoded image, so that a small file cannot unfold into gigabytes.
pub const MAX_IMAGE_PIXELS: u64 = 64 * 1024 * 1024;

/// Depth of nested DICOM sequences. Structured reports, the deepest real objects, stay under 16.
pub const MAX_DICOM_DEPTH: u32 = 32;

/// Bytes of one HL7 v2 message. Monitor messages take 1 to 4 KiB; waveforms do not come by this door.
pub const MAX_HL7_MESSAGE_BYTES: usize = 256 * 1024;

/// Bytes of an SDP offer: Chromium's audio offer takes about 3 KiB.
pub const MAX_SDP_BYTES: usize = 64 * 1024;

/// Characters of a chat message.
pub const MAX_CHAT_CHARS: usize = 4_000;

/// Participants of one session at a time.
pub const MAX_PARTICIPANTS: usize = 16;

/// Terms of one session that its recogniser is told to expect: Whisper takes 224 tokens of them, some 60 words.
pub const MAX_TERMS: usize = 64;

/// Characters of such a term.
pub const MAX_TERM_CHARS: usize = 64;

/// Invitations to one session that have not expired.
pub const MAX_INVITATIONS: usize = 32;

/// Concurrent event-stream subscribers of one session.
pub const MAX_SUBSCRIBERS: usize = 64;

/// Vital-sign messages remembered for recognising repeats: over 15 minutes at one a second.
pub const REMEMBERED_MESSAGES: usize = 1_024;

/// Messages kept for patients without a session; the oldest give way. A ward of 50 beds at one a minute
/// fills this in over three hours.
pub const MAX_UNMATCHED: usize = 10_000;

/// Seconds the sound of an alarm may be off at a time: the audio pause of bedside monitors is two minutes, and who
/// needs longer says so again.
pub const MAX_SILENCE_SECONDS: u16 = 300;

/// Seconds a patient's own limit may be broken before it alarms. Studies of pulse oximetry go to 60; ten minutes leave
/// room for slow signs such as temperature.
pub const MAX_ALARM_DELAY_SECONDS: u16 = 600;

/// Months of the oldest age: 130 years.
pub const MAX_AGE_MONTHS: u16 = 1_560;

/// Characters kept of an observation that could not be used. An OBX segment of a monitor takes about 120.
pub const MAX_RAW_CHARS: usize = 512;

/// Kinds of observation (code, unit, reason) that could not be used and are counted; the ones not seen longest give
/// way. A monitor has some hundred codes.
pub const MAX_UNMAPPED: usize = 10_000;

/// Sets of vital signs remembered for late, corrected and withdrawn values: over an hour at one a minute.
pub const REMEMBERED_READINGS: usize = 64;

/// Bytes of one body of observations by HTTP (NDJSON): some 5,000 lines.
pub const MAX_OBSERVATIONS_BYTES: usize = 1024 * 1024;

/// Channels of waveforms in one session: a twelve-lead ECG, pleth, respiration and two pressures.
pub const MAX_WAVEFORM_CHANNELS: usize = 16;

/// Samples a second of one waveform channel. Diagnostic ECG takes 500 (AHA recommendations, 2007).
pub const MAX_WAVEFORM_RATE_HZ: u32 = 500;

/// Samples of one waveform block: 2 s at the highest rate. Longer blocks would only come late.
pub const MAX_WAVEFORM_SAMPLES: usize = 1_000;

/// Patients on the ward view: more than anybody can watch. Further ones wait until a session ends.
pub const MAX_WARD: usize = 1_000;

/// Standing alarms of one patient on the ward view; the session itself shows all.
pub const MAX_WARD_ALARMS: usize = 8;

/// Connections that watch the ward at a time: one a screen.
pub const MAX_WARD_VIEWERS: usize = 256;
