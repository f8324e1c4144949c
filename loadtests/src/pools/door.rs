//! A client of the KServe v2 protocol over one connection that it keeps. The same for every server.

use super::{INPUT, ITEM, OUTPUT, closed::Ask};
use crate::speech::BenchError;
use bytes::Bytes;
use healthsync_kserve::{Data, Datatype, HEADER_LENGTH, InferRequest, Requested, RequestedOutput, Tensor, infer};
use http_body_util::{BodyExt as _, Full};
use hyper::{
    Request, StatusCode,
    client::conn::http1::{SendRequest, handshake},
    header,
};
use hyper_util::rt::TokioIo;
use std::net::SocketAddr;
use tokio::net::TcpStream;

/// One client and its connection.
pub struct Client {
    connection: SendRequest<Full<Bytes>>,
    address: SocketAddr,
    path: String,
    token: Option<String>,
    body: Bytes,
    header_length: usize,
    sent: Tensor,
    /// Whether an answer has been read to the last float; of later ones only the status and that they came whole are seen,
    /// so that clients take little of what they measure.
    read: bool,
}

impl Client {
    /// Connects, to ask one model. `number` tells this client's items from others'.
    pub async fn connect(
        address: SocketAddr,
        model: &str,
        token: Option<String>,
        number: usize,
    ) -> Result<Self, BenchError> {
        let stream = TcpStream::connect(address).await.map_err(|e| BenchError::program("the connection", e))?;
        stream.set_nodelay(true).map_err(|e| BenchError::program("the connection", e))?;
        let (connection, driver) =
            handshake(TokioIo::new(stream)).await.map_err(|e| BenchError::program("the connection", e))?;
        // It ends with the connection; what goes wrong shows where the answer is waited for.
        tokio::spawn(driver);
        let sent = item(number)?;
        let named = vec![RequestedOutput { name: OUTPUT.into(), binary: Some(true) }];
        let request =
            InferRequest { id: None, inputs: vec![sent.clone()], outputs: Requested { binary: false, named } };
        let encoded = infer::encode_request(&request, true).map_err(|e| BenchError::program("the request", e))?;
        let header_length = encoded.header_length.unwrap_or(encoded.body.len());
        let path = format!("/v2/models/{model}/infer");
        Ok(Self { connection, address, path, token, body: encoded.body, header_length, sent, read: false })
    }

    fn request(&self) -> Result<Request<Full<Bytes>>, hyper::http::Error> {
        let mut request = Request::post(&self.path)
            .header(header::HOST, self.address.to_string())
            .header(HEADER_LENGTH, self.header_length);
        if let Some(token) = &self.token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        request.body(Full::new(self.body.clone()))
    }

    /// Whether the answer is what was sent.
    fn check(&self, length: Option<usize>, body: Bytes) -> Result<(), BenchError> {
        let answer = infer::response(body, length).map_err(|e| BenchError::program("the answer", e))?;
        let same = answer.output(OUTPUT).is_some_and(|output| output.data() == self.sent.data());
        if same { Ok(()) } else { Err(BenchError::program("the answer", "it is another's")) }
    }
}

impl Ask for Client {
    type Error = BenchError;

    async fn ask(&mut self) -> Result<(), BenchError> {
        let failed = |error: &dyn ToString| BenchError::Stream(error.to_string());
        self.connection.ready().await.map_err(|e| failed(&e))?;
        let request = self.request().map_err(|e| failed(&e))?;
        let answer = self.connection.send_request(request).await.map_err(|e| failed(&e))?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = answer.into_body().collect().await.map_err(|e| failed(&e))?.to_bytes();
        if status != StatusCode::OK {
            return Err(BenchError::Stream(format!("{status}: {}", String::from_utf8_lossy(&body))));
        }
        if !self.read {
            let length = headers.get(HEADER_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
            self.check(length, body)?;
            self.read = true;
        }
        Ok(())
    }
}

/// A row of floats that no other number has.
fn item(number: usize) -> Result<Tensor, BenchError> {
    let floats: Vec<u8> = (0..ITEM).flat_map(|index| ((number * ITEM + index) as f32).to_le_bytes()).collect();
    Tensor::new(INPUT, Datatype::Fp32, vec![1, ITEM as u64], Data::Packed(floats.into()))
        .map_err(|e| BenchError::program("an item", e))
}
