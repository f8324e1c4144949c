//! The fake model behind the same door as the real ones: `healthsync bench pools-door`, which the benchmark starts.

use super::{
    fake::{self, Fake},
    options::DoorOptions,
};
use crate::http::{self, ServerLimits};
use anyhow::Context as _;
use healthsync_actors::{
    Pool,
    pool::{Class, Request},
};
use healthsync_events::SessionId;
use healthsync_kserve::{
    Data, Datatype, Error, InferRequest, InferResponse, ModelMetadata, Repository, Tensor, TensorMetadata, Token,
    router,
};
use healthsync_loadtests::pools::{ECHO, INPUT, ITEM, MODEL, OUTPUT};
use std::{sync::Arc, time::Duration};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};
use tokio_util::sync::CancellationToken;

/// Serves until it is told to end.
pub(in crate::commands::bench) async fn serve(options: &DoorOptions) -> anyhow::Result<()> {
    let secret = std::fs::read_to_string(&options.token_file)
        .with_context(|| format!("{} cannot be read", options.token_file.display()))?;
    let token = Token::new(secret.trim())?;
    let pool = fake::start(options.model.model(), options.model.latency_target())?;
    pool.ready().await?;
    let tensor = |name| vec![TensorMetadata::new(name, Datatype::Fp32, &[1, ITEM as i64])];
    let metadata = |name: &str| ModelMetadata {
        name: name.into(),
        versions: vec!["1".into()],
        platform: "fake".into(),
        inputs: tensor(INPUT),
        outputs: tensor(OUTPUT),
    };
    let session = SessionId(uuid::Uuid::now_v7());
    let door = Arc::new(Door { pool, metadata: [MODEL, ECHO].map(|name| Arc::new(metadata(name))), session });
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    eprintln!("The fake model answers KServe v2 at {}", listener.local_addr()?);
    let shutdown = CancellationToken::new();
    let limits = ServerLimits { max_connections: 1_024, header_timeout: Duration::from_mins(1) };
    let serving = tokio::spawn(http::serve(listener, router(door, token), limits, shutdown.clone()));
    signal(SignalKind::terminate())?.recv().await;
    shutdown.cancel();
    serving.await?;
    Ok(())
}

struct Door {
    pool: Pool<Fake>,
    metadata: [Arc<ModelMetadata>; 2],
    session: SessionId,
}

impl Repository for Door {
    fn server(&self) -> (&'static str, &'static str) {
        ("healthsync-bench", env!("CARGO_PKG_VERSION"))
    }

    fn models(&self) -> Vec<Arc<ModelMetadata>> {
        self.metadata.to_vec()
    }

    fn is_ready(&self, _: &str) -> bool {
        self.pool.is_ready()
    }

    async fn infer(&self, name: &str, request: InferRequest) -> Result<InferResponse, Error> {
        let input = request.input(INPUT).ok_or_else(|| Error::invalid("the input is missing"))?;
        if name == ECHO {
            return answered(name, "1".into(), input, &input.as_floats()?);
        }
        let asked = Request {
            session: self.session,
            class: Class::Background,
            input: input.as_floats()?,
            deadline: None,
            supersedes: None,
        };
        let failed = |error: &dyn ToString| Error::Failed(error.to_string());
        let ticket = self.pool.submit(asked).map_err(|refusal| failed(&refusal))?;
        let answer = ticket.answer().await.map_err(|dropped| failed(&dropped))?;
        answered(name, answer.model.version, input, &answer.output)
    }
}

fn answered(name: &str, version: String, input: &Tensor, output: &[f32]) -> Result<InferResponse, Error> {
    let packed: Vec<u8> = output.iter().flat_map(|value| value.to_le_bytes()).collect();
    let output = Tensor::new(OUTPUT, Datatype::Fp32, input.shape().to_vec(), Data::Packed(packed.into()))?;
    Ok(InferResponse {
        model_name: name.to_owned(),
        model_version: version,
        outputs: vec![output],
        ..InferResponse::default()
    })
}
