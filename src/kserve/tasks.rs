//! Tensors to each task's request, and its answer to tensors.

use super::{Pools, SPEAK, TRANSCRIBE, TRANSLATE, answered};
use healthsync_events::{Language, audio::SAMPLE_RATE};
use healthsync_kserve::{Error, InferRequest, InferResponse, Tensor};
use healthsync_models::tasks::{Cancel, Effort, SpeakRequest, SpokenLanguage, TranscribeRequest, TranslateRequest};

/// Samples recognised at a time at most: half a minute, what Whisper's encoder takes.
const MAX_SAMPLES: usize = 30 * SAMPLE_RATE as usize;

/// Samples there are at least: a tenth of a second. Nothing is said in less.
const MIN_SAMPLES: usize = SAMPLE_RATE as usize / 10;

/// Texts translated for one request: they wait in the pool's queue, which others share.
const MAX_TEXTS: usize = 32;

/// Characters of a text to translate. It is a long chat message.
const MAX_TEXT_CHARS: usize = 4_000;

/// Characters of a text to speak. It is spoken in one piece, for which live speech would have to wait.
const MAX_SPOKEN_CHARS: usize = 300;

/// Languages that speech may be in.
const MAX_LANGUAGES: usize = 8;

/// Tells the engine to give up when nobody waits any more.
struct GiveUp(Cancel);

impl Drop for GiveUp {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

impl Pools {
    pub(super) async fn recognise(&self, request: &InferRequest) -> Result<InferResponse, Error> {
        let samples = input(request, "AUDIO")?.as_floats()?;
        if !(MIN_SAMPLES..=MAX_SAMPLES).contains(&samples.len()) {
            return Err(Error::invalid(format!(
                "AUDIO has {MIN_SAMPLES} to {MAX_SAMPLES} samples, at {SAMPLE_RATE} Hz"
            )));
        }
        if !samples.iter().all(|sample| sample.is_finite()) {
            return Err(Error::invalid("a sample of AUDIO is not finite"));
        }
        let cancel = Cancel::default();
        let give_up = GiveUp(cancel.clone());
        let input = TranscribeRequest {
            samples: samples.into(),
            language: spoken(&input(request, "LANGUAGE")?.as_texts()?)?,
            prompt: None,
            effort: Effort::Full,
            cancel,
        };
        let answer = self.ask(&self.tasks.transcribe, input).await?;
        drop(give_up);
        let heard = answer.output;
        let outputs = vec![
            Tensor::texts("TEXT", [heard.text]),
            Tensor::texts("LANGUAGE", [heard.language.to_string()]),
            Tensor::floats("CONFIDENCE", &[heard.confidence]),
            Tensor::floats("NO_SPEECH", &[heard.no_speech]),
        ];
        Ok(answered(TRANSCRIBE, &answer.model.version, &answer.model, outputs))
    }

    pub(super) async fn put_over(&self, request: &InferRequest) -> Result<InferResponse, Error> {
        let texts = input(request, "TEXT")?.as_texts()?;
        if texts.is_empty() || texts.len() > MAX_TEXTS {
            return Err(Error::invalid(format!("TEXT has 1 to {MAX_TEXTS} elements")));
        }
        let (source, target) = (one_language(request, "SOURCE_LANGUAGE")?, one_language(request, "TARGET_LANGUAGE")?);
        let mut asked = Vec::with_capacity(texts.len());
        for text in texts {
            let text = bounded(text, MAX_TEXT_CHARS)?;
            let input = TranslateRequest { text, source: source.clone(), target: target.clone() };
            asked.push(self.ask(&self.tasks.translate, input));
        }
        // All of them are asked already; the first that fails cancels the rest.
        let mut answers = Vec::with_capacity(asked.len());
        for answer in asked {
            answers.push(answer.await?);
        }
        let first = answers.first().ok_or_else(|| Error::Failed("the model gave no answer".into()))?;
        let (version, from) = (first.model.version.clone(), first.output.model.clone());
        let texts = Tensor::texts("TEXT", answers.into_iter().map(|answer| answer.output.text));
        Ok(answered(TRANSLATE, &version, &from, vec![texts]))
    }

    pub(super) async fn say(&self, request: &InferRequest) -> Result<InferResponse, Error> {
        let text = bounded(one(request, "TEXT")?, MAX_SPOKEN_CHARS)?;
        let language = one_language(request, "LANGUAGE")?;
        let answer = self.ask(&self.tasks.speak, SpeakRequest { text, language, voice: None, speed: 1.0 }).await?;
        let spoken = answer.output;
        let sample_rate = i32::try_from(spoken.sample_rate).map_err(|_| Error::Failed("no sample rate".into()))?;
        let outputs = vec![Tensor::floats("AUDIO", &spoken.samples), Tensor::integers("SAMPLE_RATE", &[sample_rate])];
        Ok(answered(SPEAK, &answer.model.version, &spoken.model, outputs))
    }
}

/// There is one, since the request was held against the model's description.
fn input<'a>(request: &'a InferRequest, name: &str) -> Result<&'a Tensor, Error> {
    request.input(name).ok_or_else(|| Error::invalid(format!("the input {name} is missing")))
}

fn one<'a>(request: &'a InferRequest, name: &str) -> Result<&'a str, Error> {
    let texts = input(request, name)?.as_texts()?;
    texts.first().copied().ok_or_else(|| Error::invalid(format!("{name} is empty")))
}

fn one_language(request: &InferRequest, name: &str) -> Result<Language, Error> {
    one(request, name)?.parse().map_err(|error: healthsync_events::IdError| Error::Invalid(error.to_string()))
}

fn spoken(tags: &[&str]) -> Result<SpokenLanguage, Error> {
    if tags.is_empty() || tags.len() > MAX_LANGUAGES {
        return Err(Error::invalid(format!("LANGUAGE has 1 to {MAX_LANGUAGES} elements")));
    }
    let parsed: Result<Vec<Language>, _> = tags.iter().map(|tag| tag.parse()).collect();
    let mut languages = parsed.map_err(|error: healthsync_events::IdError| Error::Invalid(error.to_string()))?;
    match languages.pop() {
        Some(only) if languages.is_empty() => Ok(SpokenLanguage::Known(only)),
        last => Ok(SpokenLanguage::OneOf(languages.into_iter().chain(last).collect())),
    }
}

fn bounded(text: &str, limit: usize) -> Result<String, Error> {
    if text.trim().is_empty() || text.chars().count() > limit {
        return Err(Error::invalid(format!("an element of TEXT has 1 to {limit} characters")));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_language_is_known_and_several_are_to_be_found_out() {
        assert_eq!(spoken(&["pt"]).unwrap(), SpokenLanguage::Known("pt".parse().unwrap()));
        let several = SpokenLanguage::OneOf(vec!["pt".parse().unwrap(), "en".parse().unwrap()]);
        assert_eq!(spoken(&["pt", "en"]).unwrap(), several);
        assert!(spoken(&[]).is_err() && spoken(&["Maria da Silva"]).is_err());
    }

    #[test]
    fn a_text_that_is_refused_is_not_repeated() {
        assert_eq!(bounded(" x", 3).unwrap(), " x");
        assert_eq!(bounded("Maria", 3).unwrap_err().to_string(), "an element of TEXT has 1 to 3 characters");
        assert!(bounded("  ", 3).is_err());
    }
}
