//! Whose voices there are, and which language each speaks.

use healthsync_events::Language;

/// Name of the Piper voice among the voices.
pub const PIPER_VOICE: &str = "joe";

/// The language a voice speaks, as a primary subtag; `None` for a name that no voice has. Kokoro names its voices by
/// language (American, British, español, português), gender, and a name.
pub fn voice_language(voice: &str) -> Option<&'static str> {
    if voice == PIPER_VOICE {
        return Some("en");
    }
    let (kind, name) = voice.split_once('_')?;
    if name.is_empty() {
        return None;
    }
    match kind {
        "af" | "am" | "bf" | "bm" => Some("en"),
        "ef" | "em" => Some("es"),
        "pf" | "pm" => Some("pt"),
        _ => None,
    }
}

/// The voice of a language where nobody asks for another. English is Piper's where there is one, for its speed.
pub(crate) fn default_voice(language: &Language, has_piper: bool) -> Option<&'static str> {
    match language.primary().as_str() {
        "pt" => Some("pf_dora"),
        "es" => Some("ef_dora"),
        "en" if has_piper => Some(PIPER_VOICE),
        "en" => Some("am_michael"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_voice_tells_its_language_by_its_name() {
        for (voice, language) in [("pf_dora", "pt"), ("em_alex", "es"), ("bm_george", "en"), ("joe", "en")] {
            assert_eq!(voice_language(voice), Some(language));
        }
        for nobody in ["", "dora", "xx_dora", "pf_"] {
            assert_eq!(voice_language(nobody), None);
        }
    }

    #[test]
    fn every_default_voice_speaks_its_language() {
        for language in ["pt", "en", "es"] {
            for has_piper in [true, false] {
                let voice = default_voice(&language.parse().unwrap(), has_piper).unwrap();
                assert_eq!(voice_language(voice), Some(language));
            }
        }
    }
}
