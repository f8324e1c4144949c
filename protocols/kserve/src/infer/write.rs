//! Requests and responses to bytes.

use super::{Encoded, InferRequest, InferResponse, Requested, json::TensorParameters, values::Flat};
use crate::{Data, Datatype, Error, Tensor};
use bytes::{BufMut as _, BytesMut};
use serde::Serialize;
use std::collections::BTreeMap;

#[derive(Serialize)]
struct Request<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters: Option<RequestParameters>,
    inputs: Vec<Written<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    outputs: Vec<Output<'a>>,
}

#[derive(Serialize)]
struct RequestParameters {
    binary_data_output: bool,
}

#[derive(Serialize)]
struct Output<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters: Option<OutputParameters>,
}

#[derive(Serialize)]
struct OutputParameters {
    binary_data: bool,
}

#[derive(Serialize)]
struct Response<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    model_name: &'a str,
    model_version: &'a str,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    parameters: &'a BTreeMap<String, String>,
    outputs: Vec<Written<'a>>,
}

#[derive(Serialize)]
struct Written<'a> {
    name: &'a str,
    datatype: Datatype,
    shape: &'a [u64],
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters: Option<TensorParameters>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Flat<'a>>,
}

/// Writes a request whose inputs are all binary, or all JSON.
pub fn encode_request(request: &InferRequest, binary: bool) -> Result<Encoded, Error> {
    let mut tail = BytesMut::new();
    let requested = &request.outputs;
    let output = |output: &'_ super::RequestedOutput| output.binary.map(|binary_data| OutputParameters { binary_data });
    let json = Request {
        id: request.id.as_deref(),
        parameters: requested.binary.then_some(RequestParameters { binary_data_output: true }),
        inputs: request.inputs.iter().map(|tensor| write(tensor, binary, &mut tail)).collect::<Result<_, _>>()?,
        outputs: requested.named.iter().map(|one| Output { name: &one.name, parameters: output(one) }).collect(),
    };
    join(&json, tail)
}

/// Writes a response with the outputs that are wanted, in the forms that are wanted.
pub fn encode_response(response: &InferResponse, requested: &Requested) -> Result<Encoded, Error> {
    let mut tail = BytesMut::new();
    let mut outputs = Vec::with_capacity(response.outputs.len());
    if requested.named.is_empty() {
        for tensor in &response.outputs {
            outputs.push(write(tensor, requested.binary, &mut tail)?);
        }
    }
    for wanted in &requested.named {
        let tensor = response.output(&wanted.name);
        let tensor = tensor.ok_or_else(|| Error::invalid("the model has no such output as one asked for"))?;
        outputs.push(write(tensor, wanted.binary.unwrap_or(requested.binary), &mut tail)?);
    }
    let json = Response {
        id: response.id.as_deref(),
        model_name: &response.model_name,
        model_version: &response.model_version,
        parameters: &response.parameters,
        outputs,
    };
    join(&json, tail)
}

fn write<'a>(tensor: &'a Tensor, binary: bool, tail: &mut BytesMut) -> Result<Written<'a>, Error> {
    let (name, datatype, shape) = (tensor.name(), tensor.datatype(), tensor.shape());
    if !binary {
        return Ok(Written { name, datatype, shape, parameters: None, data: Some(Flat(tensor)) });
    }
    let before = tail.len();
    match tensor.data() {
        Data::Packed(packed) => tail.put_slice(packed),
        Data::Strings(strings) => {
            for string in strings {
                let length = u32::try_from(string.len()).map_err(|_| Error::invalid("an element has over 4 GiB"))?;
                tail.put_u32_le(length);
                tail.put_slice(string);
            }
        }
    }
    let parameters = TensorParameters { binary_data_size: Some(tail.len() - before), shared_memory_region: None };
    Ok(Written { name, datatype, shape, parameters: Some(parameters), data: None })
}

/// The JSON in front and the binary part behind it. Where no tensor is binary, there is no header to tell of: an empty
/// binary tensor is told by its parameters alone.
fn join(json: &impl Serialize, tail: BytesMut) -> Result<Encoded, Error> {
    let mut body = serde_json::to_vec(json).map_err(|_| {
        Error::invalid(
            "JSON cannot hold an element, which is not finite, not UTF-8 or of half precision: ask for binary data",
        )
    })?;
    let header_length = (!tail.is_empty()).then_some(body.len());
    body.extend_from_slice(&tail);
    Ok(Encoded { body: body.into(), header_length })
}
