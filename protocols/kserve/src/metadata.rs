//! What a server and its models say of themselves.

use crate::{Datatype, Error, InferRequest};
use serde::Serialize;

/// What `GET v2` answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ServerMetadata {
    pub name: &'static str,
    pub version: &'static str,
    pub extensions: Vec<&'static str>,
}

/// The protocol's extensions that are served.
pub const EXTENSIONS: [&str; 3] = ["binary_tensor_data", "model_repository", "model_configuration"];

/// What `GET v2/models/…` answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ModelMetadata {
    pub name: String,
    pub versions: Vec<String>,
    pub platform: String,
    pub inputs: Vec<TensorMetadata>,
    pub outputs: Vec<TensorMetadata>,
}

/// A tensor that goes in or comes out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TensorMetadata {
    pub name: &'static str,
    pub datatype: Datatype,
    /// -1 where any length will do.
    pub shape: Vec<i64>,
}

impl TensorMetadata {
    pub fn new(name: &'static str, datatype: Datatype, shape: &[i64]) -> Self {
        Self { name, datatype, shape: shape.to_vec() }
    }

    fn fits(&self, shape: &[u64]) -> bool {
        let fits = |(&want, &have): (&i64, &u64)| want == -1 || u64::try_from(want) == Ok(have);
        self.shape.len() == shape.len() && self.shape.iter().zip(shape).all(fits)
    }
}

impl ModelMetadata {
    /// The parts of Triton's model configuration that mean something here. The pools batch the requests
    /// of all clients, so that no shape has a batch dimension and `max_batch_size` is 0.
    pub fn config(&self) -> serde_json::Value {
        let tensors = |tensors: &[TensorMetadata]| -> Vec<serde_json::Value> {
            let one = |t: &TensorMetadata| serde_json::json!({ "name": t.name, "data_type": t.datatype.config_name(), "dims": t.shape });
            tensors.iter().map(one).collect()
        };
        let Self { name, platform, inputs, outputs, .. } = self;
        serde_json::json!({
            "name": name,
            "platform": platform,
            "backend": "healthsync",
            "max_batch_size": 0,
            "input": tensors(inputs),
            "output": tensors(outputs),
        })
    }

    /// Refuses a request that the model cannot take: another number of inputs, other names, types or shapes, or outputs
    /// that it has not.
    pub fn check(&self, request: &InferRequest) -> Result<(), Error> {
        let Self { inputs, outputs, .. } = self;
        for wanted in inputs {
            let input = request.input(wanted.name);
            let input = input.ok_or_else(|| Error::invalid(format!("the input {} is missing", wanted.name)))?;
            if input.datatype() != wanted.datatype {
                let (wants, has) = (wanted.datatype.name(), input.datatype().name());
                return Err(Error::invalid(format!("the input {} is {wants}, not {has}", wanted.name)));
            }
            if !wanted.fits(input.shape()) {
                let (want, have) = (&wanted.shape, input.shape());
                return Err(Error::invalid(format!("the input {} has the shape {want:?}, not {have:?}", wanted.name)));
            }
        }
        if request.inputs.len() != inputs.len() {
            return Err(Error::invalid(format!("the model takes {} inputs, each once", inputs.len())));
        }
        let known = |name: &str| outputs.iter().any(|output| output.name == name);
        if !request.outputs.named.iter().all(|output| known(&output.name)) {
            return Err(Error::invalid("the model has no such output as one asked for"));
        }
        Ok(())
    }
}

/// A line of the repository index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IndexEntry {
    pub name: String,
    pub version: String,
    pub state: &'static str,
    pub reason: &'static str,
}

impl IndexEntry {
    pub fn new(metadata: &ModelMetadata, ready: bool) -> Self {
        let (state, reason) = if ready { ("READY", "") } else { ("UNAVAILABLE", "not loaded") };
        let version = metadata.versions.last().cloned().unwrap_or_default();
        Self { name: metadata.name.clone(), version, state, reason }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Requested, RequestedOutput, Tensor};

    fn model() -> ModelMetadata {
        ModelMetadata {
            name: "m".into(),
            versions: vec!["1".into()],
            platform: "test".into(),
            inputs: vec![
                TensorMetadata::new("A", Datatype::Fp32, &[-1]),
                TensorMetadata::new("B", Datatype::Bytes, &[1]),
            ],
            outputs: vec![TensorMetadata::new("C", Datatype::Fp32, &[-1])],
        }
    }

    fn request(inputs: Vec<Tensor>) -> InferRequest {
        InferRequest { inputs, ..InferRequest::default() }
    }

    #[test]
    fn a_request_fits_in_every_part_or_is_refused_by_the_part_that_does_not() {
        let (a, b) = (Tensor::floats("A", &[1.0, 2.0]), Tensor::texts("B", ["x".into()]));
        let check = |inputs: Vec<Tensor>| model().check(&request(inputs)).map_err(|error| error.to_string());
        assert_eq!(check(vec![b.clone(), a.clone()]), Ok(()));
        assert_eq!(check(vec![a.clone()]), Err("the input B is missing".into()));
        assert_eq!(check(vec![a.clone(), b.clone(), b.clone()]), Err("the model takes 2 inputs, each once".into()));
        let wrong = Tensor::integers("A", &[1]);
        assert_eq!(check(vec![wrong, b.clone()]), Err("the input A is FP32, not INT32".into()));
        let two = Tensor::texts("B", ["x".into(), "y".into()]);
        assert_eq!(check(vec![a.clone(), two]), Err("the input B has the shape [1], not [2]".into()));
    }

    #[test]
    fn an_output_that_is_not_there_is_refused() {
        let mut request = request(vec![Tensor::floats("A", &[1.0]), Tensor::texts("B", ["x".into()])]);
        request.outputs = Requested { binary: false, named: vec![RequestedOutput { name: "Z".into(), binary: None }] };
        assert!(model().check(&request).is_err());
    }

    #[test]
    fn the_configuration_names_types_as_triton_does() {
        let config = model().config();
        assert_eq!(config["input"][1]["data_type"], "TYPE_STRING");
        assert_eq!(config["input"][0]["dims"][0], -1);
    }
}
