//! The pools behind the KServe v2 door. What comes in there is work of the background, in pools of its own where there
//! can be any: live speech and alarms go first.

mod tasks;

use crate::{config::Kserve, server::listen, wiring::TaskPools};
use anyhow::Context as _;
use futures_util::FutureExt as _;
use healthsync_actors::{
    Pool,
    pool::{Answer, Class, Dropped, Request},
};
use healthsync_events::{ModelInfo, Refusal, SessionId};
use healthsync_kserve::{
    Datatype, Error, InferRequest, InferResponse, ModelMetadata, Repository, Tensor, TensorMetadata, Token,
};
use healthsync_models::{Model, ModelError};
use std::{collections::BTreeMap, sync::Arc};
use tokio::net::TcpListener;

/// The listener and the token that the configuration asks for.
pub async fn open(config: &Kserve) -> anyhow::Result<(TcpListener, Token)> {
    let file = config.token_file.as_ref().context("kserve.token_file must be given")?;
    let secret = std::fs::read_to_string(file)
        .with_context(|| format!("kserve.token_file: {} cannot be read", file.display()))?;
    let token = Token::new(secret.trim()).with_context(|| format!("kserve.token_file: {}", file.display()))?;
    Ok((listen(config.listen, "kserve.listen").await?, token))
}

/// Models as the door names them.
const TRANSCRIBE: &str = "transcribe";
const TRANSLATE: &str = "translate";
const SPEAK: &str = "speak";

/// The pools that can be reached, and on whose behalf.
pub struct Pools {
    /// A session of its own, so that the pools' fairness holds between it and consultations.
    session: SessionId,
    tasks: TaskPools,
}

impl Pools {
    pub fn new(tasks: TaskPools) -> Self {
        Self { session: SessionId(uuid::Uuid::now_v7()), tasks }
    }

    /// Asks a pool; then its answer is to be waited for.
    fn ask<M: Model>(
        &self,
        pool: &Pool<M>,
        input: M::Input,
    ) -> impl Future<Output = Result<Answer<M::Output>, Error>> + Send + use<M> {
        let request =
            Request { session: self.session, class: Class::Background, input, deadline: None, supersedes: None };
        let asked = pool.submit(request);
        async move { asked.map_err(refused)?.answer().await.map_err(dropped) }
    }
}

impl Repository for Pools {
    fn server(&self) -> (&'static str, &'static str) {
        ("healthsync", env!("CARGO_PKG_VERSION"))
    }

    fn models(&self) -> Vec<Arc<ModelMetadata>> {
        let text = |name, shape: i64| TensorMetadata::new(name, Datatype::Bytes, &[shape]);
        let float = |name, shape: i64| TensorMetadata::new(name, Datatype::Fp32, &[shape]);
        let transcribe = describe(
            TRANSCRIBE,
            &self.tasks.transcribe,
            vec![float("AUDIO", -1), text("LANGUAGE", -1)],
            vec![text("TEXT", 1), text("LANGUAGE", 1), float("CONFIDENCE", 1), float("NO_SPEECH", 1)],
        );
        let translate = describe(
            TRANSLATE,
            &self.tasks.translate,
            vec![text("TEXT", -1), text("SOURCE_LANGUAGE", 1), text("TARGET_LANGUAGE", 1)],
            vec![text("TEXT", -1)],
        );
        let speak = describe(
            SPEAK,
            &self.tasks.speak,
            vec![text("TEXT", 1), text("LANGUAGE", 1)],
            vec![float("AUDIO", -1), TensorMetadata::new("SAMPLE_RATE", Datatype::Int32, &[1])],
        );
        vec![Arc::new(transcribe), Arc::new(translate), Arc::new(speak)]
    }

    fn is_ready(&self, name: &str) -> bool {
        match name {
            TRANSCRIBE => self.tasks.transcribe.is_ready(),
            TRANSLATE => self.tasks.translate.is_ready(),
            SPEAK => self.tasks.speak.is_ready(),
            _ => false,
        }
    }

    async fn infer(&self, name: &str, request: InferRequest) -> Result<InferResponse, Error> {
        match name {
            TRANSCRIBE => self.recognise(&request).await,
            TRANSLATE => self.put_over(&request).await,
            SPEAK => self.say(&request).await,
            _ => Err(Error::UnknownModel),
        }
    }
}

fn describe<M: Model>(
    name: &str,
    pool: &Pool<M>,
    inputs: Vec<TensorMetadata>,
    outputs: Vec<TensorMetadata>,
) -> ModelMetadata {
    // It is known at once when the model is loaded; before, it has no version.
    let info = pool.ready().now_or_never().and_then(Result::ok);
    let platform = info.as_ref().map_or_else(String::new, |info| info.name.clone());
    let versions = info.map(|info| info.version).into_iter().collect();
    ModelMetadata { name: name.to_owned(), versions, platform, inputs, outputs }
}

/// An answer with the model and weights it is from.
fn answered(name: &str, version: &str, from: &ModelInfo, outputs: Vec<Tensor>) -> InferResponse {
    let parameters = BTreeMap::from([
        ("model".to_owned(), from.name.clone()),
        ("model_version".to_owned(), from.version.clone()),
        ("weights_sha256".to_owned(), from.weights_sha256.clone()),
    ]);
    InferResponse { id: None, model_name: name.to_owned(), model_version: version.to_owned(), parameters, outputs }
}

fn refused(refusal: Refusal) -> Error {
    match refusal {
        Refusal::Overloaded { retry_after_ms, .. } => Error::Overloaded { retry_after_ms },
        Refusal::Unavailable { .. } => Error::NotReady,
        other => Error::Invalid(other.to_string()),
    }
}

fn dropped(dropped: Dropped) -> Error {
    match dropped {
        Dropped::Failed(error @ ModelError::Input { .. }) => Error::Invalid(error.to_string()),
        Dropped::Closed => Error::NotReady,
        other => Error::Failed(other.to_string()),
    }
}
