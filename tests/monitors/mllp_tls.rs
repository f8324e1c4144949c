//! The MLLP door with TLS, with certificates made for the test.

use crate::common::{Server, start_session};
use healthsync_events::VitalSigns;
use healthsync_hl7::client::{MllpClient, oru_r01};
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::{
    TlsConnector,
    rustls::{
        ClientConfig, RootCertStore,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer, ServerName},
    },
};

/// Certificates of an authority, a server and a client, in PEM.
struct Certificates {
    authority: rcgen::Certificate,
    folder: tempfile::TempDir,
    client: (rcgen::Certificate, rcgen::KeyPair),
}

impl Certificates {
    fn make() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let key = rcgen::KeyPair::generate().unwrap();
        let authority = params.self_signed(&key).unwrap();
        let issuer = rcgen::Issuer::new(params, key);
        let signed = |name: &str| {
            let key = rcgen::KeyPair::generate().unwrap();
            let params = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
            (params.signed_by(&key, &issuer).unwrap(), key)
        };
        let (server, server_key) = signed("localhost");
        let client = signed("monitor");
        std::fs::write(folder.path().join("server.pem"), server.pem()).unwrap();
        std::fs::write(folder.path().join("server.key"), server_key.serialize_pem()).unwrap();
        std::fs::write(folder.path().join("authority.pem"), authority.pem()).unwrap();
        Self { authority, folder, client }
    }

    fn file(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    fn connector(&self, with_certificate: bool) -> TlsConnector {
        let mut roots = RootCertStore::empty();
        roots.add(self.authority.der().clone()).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let builder = builder.with_safe_default_protocol_versions().unwrap().with_root_certificates(roots);
        let config = if with_certificate {
            let certificates: Vec<CertificateDer<'static>> = vec![self.client.0.der().clone()];
            let key = PrivateKeyDer::try_from(self.client.1.serialize_der()).unwrap();
            builder.with_client_auth_cert(certificates, key).unwrap()
        } else {
            builder.with_no_client_auth()
        };
        TlsConnector::from(Arc::new(config))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_door_speaks_tls_and_may_ask_monitors_who_they_are() {
    let certificates = Certificates::make();
    let (certificate, key) = (certificates.file("server.pem"), certificates.file("server.key"));
    let authority = certificates.file("authority.pem");
    let config = [
        ("HEALTHSYNC__MLLP__TLS__CERTIFICATE", certificate.as_str()),
        ("HEALTHSYNC__MLLP__TLS__KEY", key.as_str()),
        ("HEALTHSYNC__MLLP__TLS__CLIENT_AUTHORITIES", authority.as_str()),
    ];
    let server = Server::start_with(tempfile::tempdir().unwrap(), &config).await;
    start_session(&server.api(), "TLS-1").await;
    let vitals = VitalSigns { heart_rate: Some(80.0), ..VitalSigns::default() };
    let text = oru_r01(&"TLS-1".parse().unwrap(), "1", jiff::Timestamp::now().into(), &vitals);
    let connect = async |with_certificate| {
        let socket = TcpStream::connect(server.mllp).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let stream = certificates.connector(with_certificate).connect(name, socket).await?;
        MllpClient::over(stream).send(&text).await.map_err(std::io::Error::other)
    };
    assert!(connect(true).await.unwrap().is_accepted());
    assert!(connect(false).await.is_err(), "a monitor without a certificate");
    let mut plain = MllpClient::connect(server.mllp).await.unwrap();
    assert!(plain.send(&text).await.is_err(), "no plain text on this door");
}
