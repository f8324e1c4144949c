//! The KServe v2 inference protocol (Open Inference Protocol) over HTTP with the binary tensor data extension, as
//! NVIDIA Triton speaks it and `tritonclient` expects it: health, metadata, configuration, repository index, inference.
//!
//! The codec is pure; [`router`] is a thin layer over it that asks a [`Repository`] for models. What the protocol
//! offers besides (shared memory, classification, sequences, loading and unloading, compressed bodies) is refused.
//!
//! Sources: <https://github.com/kserve/open-inference-protocol> (`specification/protocol/inference_rest.md`) and
//! Triton's `docs/protocol/extension_binary_data.md`, `extension_model_repository.md`, `extension_model_configuration.md`.

pub mod datatype;
pub mod error;
pub mod infer;
pub mod limits;
pub mod metadata;
pub mod server;
pub mod tensor;
pub mod token;

pub use datatype::Datatype;
pub use error::Error;
pub use infer::{Encoded, InferRequest, InferResponse, Requested, RequestedOutput};
pub use metadata::{ModelMetadata, ServerMetadata, TensorMetadata};
pub use server::{Repository, router};
pub use tensor::{Data, Tensor};
pub use token::{Token, WeakToken};

/// Where the JSON part of a body ends and the binary part begins, in bytes (binary tensor data extension).
pub const HEADER_LENGTH: &str = "inference-header-content-length";
