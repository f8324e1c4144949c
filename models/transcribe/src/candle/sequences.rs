//! Whisper with recordings that join and leave between two tokens: whoever is done is answered at once, and the next one
//! takes its place while the others go on.

use super::{
    CandleTranscriber, Engine, MAX_TOGETHER,
    decode::{self, Decoded, Job, Opened},
    jobs,
    network::State,
    search::Search,
};
use candle_core::Error;
use healthsync_events::ModelInfo;
use healthsync_models::{
    Model as _, ModelError, SequenceModel, SequenceStep, SlotKey, first_line,
    tasks::{TranscribeRequest, Transcription},
};

/// A recogniser of recordings that come and go.
pub struct CandleSequences {
    transcriber: CandleTranscriber,
    /// Those under way; `None`: nobody.
    group: Option<Group>,
    /// Those that were done when they had only just joined.
    done: Vec<(SlotKey, Result<Transcription, ModelError>)>,
}

/// Recordings decoded together. Everything but the newest token of each hypothesis has been read.
struct Group {
    state: State,
    members: Vec<Member>,
    jobs: Vec<Job>,
    searches: Vec<Search>,
}

struct Member {
    key: SlotKey,
    request: TranscribeRequest,
    language: (usize, f32),
    no_speech: f32,
}

/// A recording whose search is over.
struct Finished {
    member: Member,
    job: Job,
    search: Search,
}

impl CandleSequences {
    pub fn new(transcriber: CandleTranscriber) -> Self {
        Self { transcriber, group: None, done: Vec::new() }
    }

    fn failed(&self, error: &Error) -> ModelError {
        ModelError::Engine { model: self.transcriber.info.name.clone(), reason: first_line(error) }
    }

    /// What has been recognised of those that are done.
    fn conclude(
        &self,
        finished: Vec<Finished>,
        heard: Option<State>,
    ) -> Vec<(SlotKey, Result<Transcription, ModelError>)> {
        let keys: Vec<SlotKey> = finished.iter().map(|finished| finished.member.key).collect();
        let cancelled: Vec<bool> = finished.iter().map(|finished| finished.job.cancel.is_cancelled()).collect();
        let concluded = match heard {
            Some(heard) => self.transcriber.threads.install(|| self.texts(finished, heard)),
            None => Ok(Vec::new()),
        };
        let texts = match concluded {
            Ok(texts) => texts.into_iter().map(Ok).collect(),
            Err(error) => vec![Err(self.failed(&error)); keys.len()],
        };
        let given_up = || ModelError::Cancelled { model: self.transcriber.info.name.clone() };
        let told = texts.into_iter().zip(cancelled).map(|(text, gone)| if gone { Err(given_up()) } else { text });
        keys.into_iter().zip(told).collect()
    }

    fn texts(&self, finished: Vec<Finished>, mut heard: State) -> Result<Vec<Transcription>, Error> {
        let engine = &self.transcriber.engine;
        let mut members = Vec::with_capacity(finished.len());
        let (mut jobs, mut decoded) = (Vec::new(), Vec::new());
        for Finished { member, job, search } in finished {
            jobs.push(job);
            decoded.push(Decoded { text: search.best(), no_speech: member.no_speech });
            members.push(member);
        }
        let mut accepted = Vec::with_capacity(members.len());
        for member in &members {
            accepted.push(self.transcriber.accept(&member.request).map_err(|e| Error::Msg(e.to_string()))?);
        }
        let begins = engine.begins(&accepted, &mut heard, &jobs, &decoded)?;
        let all = accepted.iter().zip(&members).zip(decoded.into_iter().zip(begins));
        let read =
            |((accepted, member), (decoded, begins)): ((&super::Accepted<'_>, &Member), (Decoded, Vec<usize>))| {
                engine.read(accepted, member.language.0, member.language.1, decoded, &begins)
            };
        Ok(all.map(read).collect())
    }

    /// Takes in recordings that can be recognised.
    fn take_in(&mut self, joining: Vec<(SlotKey, TranscribeRequest)>) -> Result<(), Error> {
        let transcriber = &self.transcriber;
        let (group, finished, heard) = transcriber.threads.install(|| open(transcriber, joining))?;
        let done = self.conclude(finished, heard);
        self.done.extend(done);
        let (before, joined) = match (self.group.take(), group) {
            (Some(before), Some(joined)) => (before, joined),
            (before, joined) => {
                self.group = before.or(joined);
                return Ok(());
            }
        };
        let others: Vec<SlotKey> = before.members.iter().map(|member| member.key).collect();
        match before.and(joined, &self.transcriber.engine) {
            Ok(group) => self.group = Some(group),
            // Those who were there are told with the next step.
            Err(error) => {
                let failed = self.failed(&error);
                self.done.extend(others.into_iter().map(|key| (key, Err(failed.clone()))));
                return Err(error);
            }
        }
        Ok(())
    }
}

/// What a step leaves: those that go on, those that are over, and what the latter heard.
type Stepped = (Option<Group>, Vec<Finished>, Option<State>);

/// Encodes recordings and reads what comes before their texts; also those of them that were done with the first token.
fn open(transcriber: &CandleTranscriber, joining: Vec<(SlotKey, TranscribeRequest)>) -> Result<Stepped, Error> {
    let engine = &transcriber.engine;
    let mut accepted = Vec::with_capacity(joining.len());
    for (_, request) in &joining {
        accepted.push(transcriber.accept(request).map_err(|e| Error::Msg(e.to_string()))?);
    }
    let mut state = engine.encode(&accepted)?;
    let languages = engine.languages(&accepted, &mut state)?;
    let jobs = jobs(&accepted, &languages);
    drop(accepted);
    let Opened { searches, no_speech, logits } = decode::open(&engine.network, &engine.vocabulary, &mut state, &jobs)?;
    let members = joining.into_iter().zip(languages).zip(no_speech);
    let members =
        members.map(|(((key, request), language), no_speech)| Member { key, request, language, no_speech }).collect();
    Group { state, members, jobs, searches }.advance(engine, &logits)
}

impl Group {
    /// One token further. Also those whose search is over with it, and what they heard.
    fn advance(mut self, engine: &Engine, logits: &[f32]) -> Result<Stepped, Error> {
        let kept = decode::advance(&engine.vocabulary, logits, &mut self.searches, &self.jobs);
        let is_over: Vec<bool> = self.searches.iter().map(|search| search.rows() == 0).collect();
        let over: Vec<usize> = (0..is_over.len()).filter(|n| is_over[*n]).collect();
        let heard = if over.is_empty() { None } else { Some(engine.network.fresh(&self.state, &over)?) };
        if !kept.is_empty() {
            engine.network.keep(&mut self.state, &kept)?;
        }
        let (mut left, mut finished) =
            (Self { members: Vec::new(), jobs: Vec::new(), searches: Vec::new(), ..self }, Vec::new());
        let all = self.members.into_iter().zip(self.jobs).zip(self.searches).zip(is_over);
        for (((member, job), search), is_over) in all {
            if is_over {
                finished.push(Finished { member, job, search });
            } else {
                left.members.push(member);
                left.jobs.push(job);
                left.searches.push(search);
            }
        }
        Ok((Some(left).filter(|group| !group.members.is_empty()), finished, heard))
    }

    fn and(mut self, joined: Self, engine: &Engine) -> Result<Self, Error> {
        self.state = engine.network.merge(self.state, joined.state)?;
        self.members.extend(joined.members);
        self.jobs.extend(joined.jobs);
        self.searches.extend(joined.searches);
        Ok(self)
    }

    fn step(mut self, engine: &Engine) -> Result<Stepped, Error> {
        let tokens: Vec<u32> = self.searches.iter().flat_map(Search::newest).collect();
        let hidden = engine.network.step(&mut self.state, &tokens)?;
        let logits = engine.network.logits(&hidden, 0)?;
        self.advance(engine, &logits)
    }

    /// Without one of its recordings.
    fn without(mut self, key: SlotKey, engine: &Engine) -> Result<Option<Self>, Error> {
        let Some(leaver) = self.members.iter().position(|member| member.key == key) else { return Ok(Some(self)) };
        if self.members.len() == 1 {
            return Ok(None);
        }
        let rows: Vec<usize> =
            (0..self.state.recordings.len()).filter(|n| self.state.recordings[*n] != leaver).collect();
        engine.network.keep(&mut self.state, &rows)?;
        self.members.remove(leaver);
        self.jobs.remove(leaver);
        self.searches.remove(leaver);
        Ok(Some(self))
    }
}

impl SequenceModel for CandleSequences {
    type Input = TranscribeRequest;
    type Output = Transcription;

    fn info(&self) -> &ModelInfo {
        &self.transcriber.info
    }

    fn slots(&self) -> usize {
        MAX_TOGETHER
    }

    fn join(&mut self, joining: Vec<(SlotKey, TranscribeRequest)>) -> Vec<Result<(), ModelError>> {
        let cancelled = || ModelError::Cancelled { model: self.transcriber.info.name.clone() };
        let mut results: Vec<Result<(), ModelError>> = joining
            .iter()
            .map(|(_, request)| if request.cancel.is_cancelled() { Err(cancelled()) } else { Ok(()) })
            .collect();
        for (result, (_, request)) in results.iter_mut().zip(&joining) {
            if result.is_ok() {
                *result = self.transcriber.accept(request).map(|_| ());
            }
        }
        let accepted =
            joining.into_iter().zip(&results).filter(|(_, result)| result.is_ok()).map(|(joining, _)| joining);
        let accepted: Vec<_> = accepted.collect();
        if accepted.is_empty() {
            return results;
        }
        if let Err(error) = self.take_in(accepted) {
            let failed = self.failed(&error);
            results.iter_mut().filter(|result| result.is_ok()).for_each(|result| *result = Err(failed.clone()));
        }
        results
    }

    fn step(&mut self) -> Vec<(SlotKey, SequenceStep<Transcription>)> {
        let mut news: Vec<_> =
            std::mem::take(&mut self.done).into_iter().map(|(key, text)| (key, SequenceStep::Done(text))).collect();
        let Some(group) = self.group.take() else { return news };
        let keys: Vec<SlotKey> = group.members.iter().map(|member| member.key).collect();
        let transcriber = &self.transcriber;
        match transcriber.threads.install(|| group.step(&transcriber.engine)) {
            Ok((group, finished, heard)) => {
                self.group = group;
                let left = self.group.iter().flat_map(|group| &group.members);
                news.extend(left.map(|member| (member.key, SequenceStep::Grown)));
                let done = self.conclude(finished, heard);
                news.extend(done.into_iter().map(|(key, text)| (key, SequenceStep::Done(text))));
            }
            Err(error) => {
                let failed = self.failed(&error);
                news.extend(keys.into_iter().map(|key| (key, SequenceStep::Done(Err(failed.clone())))));
            }
        }
        news
    }

    fn leave(&mut self, key: SlotKey) {
        self.done.retain(|(of, _)| *of != key);
        let Some(group) = self.group.take() else { return };
        let others: Vec<SlotKey> = group.members.iter().map(|member| member.key).filter(|of| *of != key).collect();
        let transcriber = &self.transcriber;
        match transcriber.threads.install(|| group.without(key, &transcriber.engine)) {
            Ok(group) => self.group = group,
            // Those who are left are told with the next step.
            Err(error) => {
                let failed = self.failed(&error);
                self.done.extend(others.into_iter().map(|key| (key, Err(failed.clone()))));
            }
        }
    }

    fn nonsense(&self, output: &Transcription) -> Option<&'static str> {
        output.nonsense()
    }

    fn warm_up(&mut self) -> Result<(), ModelError> {
        self.transcriber.warm_up()
    }
}
