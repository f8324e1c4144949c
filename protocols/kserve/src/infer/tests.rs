use super::*;
use crate::{Data, Datatype, Error, limits};
use proptest::{collection::vec, prelude::*};

fn read(json: &str) -> Result<InferRequest, Error> {
    request(Bytes::copy_from_slice(json.as_bytes()), None)
}

fn one(datatype: &str, shape: &str, data: &str) -> Result<Tensor, Error> {
    let json = format!(r#"{{"inputs":[{{"name":"x","shape":{shape},"datatype":"{datatype}","data":{data}}}]}}"#);
    read(&json).map(|mut request| request.inputs.remove(0))
}

#[test]
fn a_request_is_read_as_the_protocol_writes_it() {
    let request = read(
        r#"{"id":"7","inputs":[
            {"name":"a","shape":[2,2],"datatype":"FP32","data":[[1,2.5],[-3,4e1]]},
            {"datatype":"BYTES","name":"b","data":["x","é"],"shape":[2],"parameters":{}}],
            "outputs":[{"name":"c","parameters":{"binary_data":true}},{"name":"d"}],
            "parameters":{"binary_data_output":true,"priority":3}}"#,
    )
    .unwrap();
    assert_eq!(request.id.as_deref(), Some("7"));
    assert_eq!(request.input("a").unwrap().as_floats().unwrap(), [1.0, 2.5, -3.0, 40.0]);
    assert_eq!(request.input("b").unwrap().as_texts().unwrap(), ["x", "é"]);
    let named = [("c", Some(true)), ("d", None)].map(|(name, binary)| RequestedOutput { name: name.into(), binary });
    assert_eq!(request.outputs, Requested { binary: true, named: named.into() });
}

#[test]
fn an_element_that_its_type_does_not_hold_is_refused() {
    for (datatype, data) in [
        ("UINT8", "[256]"),
        ("UINT8", "[-1]"),
        ("INT8", "[1.5]"),
        ("INT64", "[9223372036854775808]"),
        ("FP32", "[1e39]"),
        ("FP32", "[\"1\"]"),
        ("FP32", "[null]"),
        ("FP16", "[1]"),
        ("BOOL", "[1]"),
        ("BYTES", "[1]"),
        ("INT8", "1"),
    ] {
        assert!(matches!(one(datatype, "[1]", data), Err(Error::Invalid(_))), "{datatype} {data}");
    }
    assert!(one("UINT64", "[1]", "[18446744073709551615]").is_ok());
    assert!(one("INT64", "[1]", "[-9223372036854775808]").is_ok());
    assert!(one("BOOL", "[2]", "[true,false]").is_ok());
    assert!(one("INT8", "[2]", "[1,true]").is_err(), "elements of two kinds");
}

#[test]
fn what_is_too_much_is_refused_before_it_is_held() {
    let deep = format!("{}1{}", "[".repeat(limits::MAX_DIMENSIONS + 1), "]".repeat(limits::MAX_DIMENSIONS + 1));
    assert!(one("INT8", "[1]", &deep).is_err());
    assert!(one("INT8", "[1]", &"[".repeat(100_000)).is_err());
    assert_eq!(one("INT8", "[1048577]", "[]").unwrap_err().status(), 413);
    assert_eq!(one("INT8", "[4294967296,4294967296,2]", "[]").unwrap_err().status(), 413);
    let many = format!("[{}1]", "1,".repeat(limits::MAX_ELEMENTS));
    assert!(one("INT8", "[1]", &many).is_err());
    let tensor = r#"{"name":"x","shape":[1],"datatype":"INT8","data":[1]}"#;
    let inputs = vec![tensor; limits::MAX_TENSORS + 1].join(",");
    assert_eq!(read(&format!(r#"{{"inputs":[{inputs}]}}"#)).unwrap_err().status(), 413);
}

#[test]
fn an_error_does_not_repeat_what_was_sent() {
    for json in [r#"{"inputs":"Maria"}"#, r#"{"inputs":[{"name":"Maria","shape":["Maria"]}]}"#, "Maria"] {
        let error = read(json).unwrap_err().to_string();
        assert!(error.contains("column") && !error.contains("Maria"), "{error}");
    }
}

#[test]
fn binary_data_is_as_long_as_the_tensors_say() {
    let json = br#"{"inputs":[{"name":"x","shape":[1],"datatype":"FP32","parameters":{"binary_data_size":4}}]}"#;
    let body = |tail: &[u8]| Bytes::from([json, tail].concat());
    assert_eq!(request(body(&[0, 0, 128, 63]), Some(json.len())).unwrap().inputs[0].as_floats().unwrap(), [1.0]);
    assert!(request(body(&[0, 0, 128]), Some(json.len())).is_err());
    assert!(request(body(&[0, 0, 128, 63, 0]), Some(json.len())).is_err());
    assert!(request(body(&[]), Some(json.len() + 1)).is_err());
    assert!(request(body(&[0, 0, 128, 63]), None).is_err(), "then all of it is JSON");
}

#[test]
fn a_string_that_ends_early_is_refused() {
    let json = br#"{"inputs":[{"name":"x","shape":[1],"datatype":"BYTES","parameters":{"binary_data_size":6}}]}"#;
    let read = |tail: &[u8]| request(Bytes::from([json, tail].concat()), Some(json.len()));
    assert_eq!(read(&[2, 0, 0, 0, b'h', b'i']).unwrap().inputs[0].as_texts().unwrap(), ["hi"]);
    assert!(read(&[3, 0, 0, 0, b'h', b'i']).is_err());
    assert!(read(&[255, 255, 255, 255, b'h', b'i']).is_err());
}

#[test]
fn what_is_not_served_is_said() {
    let shared = r#"{"inputs":[{"name":"x","shape":[1],"datatype":"INT8","parameters":{"shared_memory_region":"r"}}]}"#;
    assert_eq!(read(shared).unwrap_err(), Error::Unsupported("shared memory"));
    let classes = r#"{"inputs":[],"outputs":[{"name":"x","parameters":{"classification":3}}]}"#;
    assert_eq!(read(classes).unwrap_err(), Error::Unsupported("classification"));
}

#[test]
fn an_answer_has_the_outputs_asked_for_and_no_others() {
    let response = InferResponse {
        model_name: "m".into(),
        model_version: "1".into(),
        outputs: vec![Tensor::floats("a", &[1.0]), Tensor::texts("b", ["x".into()])],
        ..InferResponse::default()
    };
    let named = vec![RequestedOutput { name: "b".into(), binary: Some(false) }];
    let encoded = encode_response(&response, &Requested { binary: true, named }).unwrap();
    let expected = r#"{"model_name":"m","model_version":"1","outputs":[{"name":"b","datatype":"BYTES","shape":[1],"data":["x"]}]}"#;
    assert_eq!((encoded.body, encoded.header_length), (expected.into(), None));
    let named = vec![RequestedOutput { name: "c".into(), binary: None }];
    assert!(encode_response(&response, &Requested { binary: true, named }).is_err());
}

#[test]
fn what_json_cannot_hold_is_an_error_and_not_null() {
    let response = InferResponse { outputs: vec![Tensor::floats("a", &[f32::NAN])], ..InferResponse::default() };
    assert!(encode_response(&response, &Requested::default()).is_err());
    assert!(encode_response(&response, &Requested { binary: true, named: Vec::new() }).is_ok());
}

/// A tensor of any type, shape and content; of what JSON holds only where asked.
fn any_tensor(in_json: bool) -> impl Strategy<Value = Tensor> {
    let datatype = proptest::sample::select(Datatype::ALL.to_vec())
        .prop_filter("not in JSON", move |datatype| !in_json || datatype.in_json());
    (datatype, vec(0_u64..4, 0..4), "[a-z]{1,8}").prop_flat_map(move |(datatype, shape, name)| {
        let count = shape.iter().product::<u64>() as usize;
        let strings = vec("\\PC{0,6}", count).prop_map(|all| Data::Strings(all.into_iter().map(Bytes::from).collect()));
        let size = datatype.size().unwrap_or(0);
        let packed = vec(any::<u8>(), count * size).prop_map(move |mut bytes| {
            if datatype == Datatype::Bool {
                for byte in &mut bytes {
                    *byte &= 1;
                }
            }
            Data::Packed(bytes.into())
        });
        let data = if datatype == Datatype::Bytes { strings.boxed() } else { packed.boxed() };
        data.prop_map(move |data| Tensor::new(name.clone(), datatype, shape.clone(), data).unwrap())
    })
}

fn finite(tensor: &Tensor) -> bool {
    let Data::Packed(packed) = tensor.data() else { return true };
    match tensor.datatype() {
        Datatype::Fp32 => packed.as_chunks().0.iter().all(|four| f32::from_le_bytes(*four).is_finite()),
        Datatype::Fp64 => packed.as_chunks().0.iter().all(|eight| f64::from_le_bytes(*eight).is_finite()),
        _ => true,
    }
}

fn any_requested() -> impl Strategy<Value = Requested> {
    let output = ("[a-z]{1,8}", any::<Option<bool>>()).prop_map(|(name, binary)| RequestedOutput { name, binary });
    (any::<bool>(), vec(output, 0..3)).prop_map(|(binary, named)| Requested { binary, named })
}

proptest! {
    #[test]
    fn a_binary_request_is_read_as_it_was_written(
        inputs in vec(any_tensor(false), 0..4), id in any::<Option<String>>(), outputs in any_requested(),
    ) {
        let written = InferRequest { id: id.filter(|id| id.len() <= limits::MAX_NAME_BYTES), inputs, outputs };
        let encoded = encode_request(&written, true).unwrap();
        prop_assert_eq!(request(encoded.body, encoded.header_length).unwrap(), written);
    }

    #[test]
    fn a_json_request_is_read_as_it_was_written(
        inputs in vec(any_tensor(true).prop_filter("finite", finite), 0..4), outputs in any_requested(),
    ) {
        let written = InferRequest { id: None, inputs, outputs };
        let encoded = encode_request(&written, false).unwrap();
        prop_assert_eq!(encoded.header_length, None);
        prop_assert_eq!(request(encoded.body, None).unwrap(), written);
    }

    #[test]
    fn a_response_is_read_as_it_was_written(outputs in vec(any_tensor(false), 0..4), version in "[0-9.]{0,5}") {
        let parameters = [("weights_sha256".to_owned(), "ab".to_owned())].into();
        let written =
            InferResponse { id: None, model_name: "m".into(), model_version: version, parameters, outputs };
        let encoded = encode_response(&written, &Requested { binary: true, named: Vec::new() }).unwrap();
        prop_assert_eq!(response(encoded.body, encoded.header_length).unwrap(), written);
    }

    #[test]
    fn no_bytes_make_the_reader_panic(body in vec(any::<u8>(), 0..200), length in any::<Option<u8>>()) {
        let _ = request(body.into(), length.map(usize::from));
    }

    #[test]
    fn a_request_cut_short_anywhere_is_an_error(
        inputs in vec(any_tensor(false), 1..3), cut in any::<proptest::sample::Index>(),
    ) {
        let encoded = encode_request(&InferRequest { inputs, ..InferRequest::default() }, true).unwrap();
        let body = encoded.body.slice(..cut.index(encoded.body.len()));
        prop_assert!(request(body, encoded.header_length).is_err());
    }
}
