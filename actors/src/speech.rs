//! How translations are spoken: whose voice, how fast, and by whose time.

use crate::clock::Pace;
use healthsync_events::Language;
use std::collections::BTreeMap;

/// The same for every session of a process.
#[derive(Clone)]
pub struct SpeechSettings {
    /// Voices by the primary subtag of the language they speak; the speaker's own choice for a language that is not
    /// here. Where there are several, people who are translated into the language get different ones.
    pub voices: BTreeMap<String, Vec<String>>,
    /// 1.0 is a voice's own pace; 0.5 to 2.0.
    pub speed: f32,
    pub pace: Pace,
}

impl Default for SpeechSettings {
    fn default() -> Self {
        Self { voices: BTreeMap::new(), speed: 1.0, pace: Pace::system() }
    }
}

impl SpeechSettings {
    /// The voice of the `place`-th person, from 0, who was translated into the language.
    pub(crate) fn voice(&self, language: &Language, place: usize) -> Option<&str> {
        let voices = self.voices.get(&language.primary()).filter(|voices| !voices.is_empty())?;
        Some(&voices[place % voices.len()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_get_different_voices_until_there_are_no_more() {
        let voices = BTreeMap::from([("pt".to_owned(), vec!["pf_dora".to_owned(), "pm_alex".to_owned()])]);
        let settings = SpeechSettings { voices, ..SpeechSettings::default() };
        let voice = |place| settings.voice(&"pt-BR".parse().unwrap(), place);
        assert_eq!([voice(0), voice(1), voice(2)], [Some("pf_dora"), Some("pm_alex"), Some("pf_dora")]);
        assert_eq!(settings.voice(&"en".parse().unwrap(), 0), None);
    }
}
