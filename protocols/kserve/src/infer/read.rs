//! Bytes to requests and responses.

use super::{InferRequest, InferResponse, Requested, RequestedOutput, json};
use crate::{Data, Datatype, Error, Tensor, limits, tensor::elements};
use bytes::{Buf as _, Bytes};
use serde::de::DeserializeOwned;

/// Reads a request. `header_length` is what the client said the JSON in front takes; all of it where it said nothing.
pub fn request(body: Bytes, header_length: Option<usize>) -> Result<InferRequest, Error> {
    let (json, mut binary): (json::Request, _) = split(body, header_length)?;
    if json.id.as_ref().is_some_and(|id| id.len() > limits::MAX_NAME_BYTES) {
        return Err(Error::TooLarge { what: "the request's id", limit: limits::MAX_NAME_BYTES });
    }
    let outputs = json.outputs.unwrap_or_default();
    if json.inputs.len() > limits::MAX_TENSORS || outputs.len() > limits::MAX_TENSORS {
        return Err(Error::TooLarge { what: "the number of tensors", limit: limits::MAX_TENSORS });
    }
    let wanted =
        json.inputs.iter().map(|tensor| elements(&tensor.shape)).try_fold(0_usize, |sum, n| sum.checked_add(n?));
    if wanted.is_none_or(|wanted| wanted > limits::MAX_ELEMENTS) {
        return Err(Error::TooLarge { what: "the number of elements", limit: limits::MAX_ELEMENTS });
    }
    let inputs = tensors(json.inputs, &mut binary)?;
    let named = outputs.into_iter().map(output).collect::<Result<Vec<_>, Error>>()?;
    let binary = json.parameters.unwrap_or_default().binary_data_output;
    Ok(InferRequest { id: json.id, inputs, outputs: Requested { binary, named } })
}

/// Reads a response. Its size is the caller's to bound.
pub fn response(body: Bytes, header_length: Option<usize>) -> Result<InferResponse, Error> {
    let (json, mut binary): (json::Response, _) = split(body, header_length)?;
    let text = |(name, value): (String, serde_json::Value)| Some((name, value.as_str()?.to_owned()));
    Ok(InferResponse {
        id: json.id,
        model_name: json.model_name,
        model_version: json.model_version,
        parameters: json.parameters.into_iter().filter_map(text).collect(),
        outputs: tensors(json.outputs, &mut binary)?,
    })
}

/// The JSON in front, and the binary part after it.
fn split<T: DeserializeOwned>(mut body: Bytes, header_length: Option<usize>) -> Result<(T, Bytes), Error> {
    let length = header_length.unwrap_or(body.len());
    if length > body.len() {
        return Err(Error::invalid("the JSON is shorter than the header says"));
    }
    let json = body.split_to(length);
    Ok((serde_json::from_slice(&json)?, body))
}

fn tensors(tensors: Vec<json::Tensor>, binary: &mut Bytes) -> Result<Vec<Tensor>, Error> {
    let tensors = tensors.into_iter().map(|one| tensor(one, binary)).collect::<Result<Vec<_>, Error>>()?;
    if !binary.is_empty() {
        return Err(Error::invalid("there is more binary data than the tensors have"));
    }
    Ok(tensors)
}

fn tensor(json: json::Tensor, binary: &mut Bytes) -> Result<Tensor, Error> {
    let parameters = json.parameters.unwrap_or_default();
    if parameters.shared_memory_region.is_some() {
        return Err(Error::Unsupported("shared memory"));
    }
    let data = match (parameters.binary_data_size, json.data) {
        (Some(_), Some(_)) => return Err(Error::invalid("a tensor has both data and binary data")),
        (None, None) => return Err(Error::invalid("a tensor has no data")),
        (None, Some(values)) => values.pack(json.datatype)?,
        (Some(size), None) if size > binary.len() => {
            return Err(Error::invalid("there is less binary data than a tensor's binary_data_size says"));
        }
        (Some(size), None) if json.datatype == Datatype::Bytes => Data::Strings(strings(binary.split_to(size))?),
        (Some(size), None) => Data::Packed(binary.split_to(size)),
    };
    Tensor::new(json.name, json.datatype, json.shape, data)
}

/// Strings one after the other, each behind its length in four little-endian bytes.
fn strings(mut packed: Bytes) -> Result<Vec<Bytes>, Error> {
    let mut strings = Vec::new();
    while packed.has_remaining() {
        let length = packed.try_get_u32_le().ok().and_then(|length| usize::try_from(length).ok());
        let length = length.filter(|&length| length <= packed.len());
        let length = length.ok_or_else(|| Error::invalid("an element of BYTES ends before its length says"))?;
        if strings.len() >= limits::MAX_ELEMENTS {
            return Err(Error::TooLarge { what: "the number of elements", limit: limits::MAX_ELEMENTS });
        }
        strings.push(packed.split_to(length));
    }
    Ok(strings)
}

fn output(json: json::Output) -> Result<RequestedOutput, Error> {
    let parameters = json.parameters.unwrap_or_default();
    if parameters.classification.is_some_and(|classes| classes > 0) {
        return Err(Error::Unsupported("classification"));
    }
    if parameters.shared_memory_region.is_some() {
        return Err(Error::Unsupported("shared memory"));
    }
    Ok(RequestedOutput { name: json.name, binary: parameters.binary_data })
}
