//! Where notifications may be sent. A server that posts to whatever address it is given can be made to reach what only
//! it can reach; so the operator names the endpoints, and nothing else is ever connected to.

use axum::http::Uri;
use std::str::FromStr;

/// Characters of an address.
const MAX_ADDRESS: usize = 512;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    Http,
    Https,
}

/// An address by its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    pub scheme: Scheme,
    pub host: String,
    pub port: u16,
    /// With the query.
    pub path: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be an absolute http or https address without user, fragment, '..', escaped dots or slashes, or spaces")]
pub struct NoEndpoint;

impl FromStr for Endpoint {
    type Err = NoEndpoint;

    fn from_str(text: &str) -> Result<Self, NoEndpoint> {
        if text.len() > MAX_ADDRESS || text.contains(['#', '\\', '@', ' ']) {
            return Err(NoEndpoint);
        }
        let uri: Uri = text.parse().map_err(|_| NoEndpoint)?;
        let (scheme, default) = match uri.scheme_str() {
            Some("http") => (Scheme::Http, 80),
            Some("https") => (Scheme::Https, 443),
            _ => return Err(NoEndpoint),
        };
        let host = uri.host().filter(|host| !host.is_empty()).ok_or(NoEndpoint)?.to_ascii_lowercase();
        let port = match uri.port_u16() {
            Some(port) => port,
            None if uri.port().is_none() => default,
            None => return Err(NoEndpoint),
        };
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        // What some servers take for a step to another folder: dots, dots with parameters, and escapes of either.
        let escaped = uri.path().to_ascii_lowercase();
        let dots = |segment: &str| matches!(segment.split(';').next(), Some("." | ".."));
        if ["%2e", "%2f", "%5c"].iter().any(|escape| escaped.contains(escape)) || uri.path().split('/').any(dots) {
            return Err(NoEndpoint);
        }
        Ok(Self { scheme, host, port, path: path.to_owned() })
    }
}

/// The endpoints that the operator named: those below one of these addresses.
#[derive(Debug, Clone, Default)]
pub struct Allowed(Vec<Endpoint>);

impl Allowed {
    pub fn read(addresses: &[String]) -> Result<Self, NoEndpoint> {
        addresses.iter().map(|address| address.parse()).collect::<Result<_, _>>().map(Self)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn allows(&self, endpoint: &Endpoint) -> bool {
        self.0.iter().any(|allowed| {
            let same =
                (allowed.scheme, &allowed.host, allowed.port) == (endpoint.scheme, &endpoint.host, endpoint.port);
            let prefix = allowed.path.trim_end_matches('/');
            let rest = endpoint.path.strip_prefix(prefix);
            same && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(allowed: &str, endpoint: &str) -> bool {
        let allowed = Allowed::read(&[allowed.to_owned()]).unwrap();
        endpoint.parse().is_ok_and(|endpoint| allowed.allows(&endpoint))
    }

    #[test]
    fn only_what_is_below_an_allowed_address_is_reached() {
        let allowed = "https://ehr.example/hooks";
        assert!(allows(allowed, "https://ehr.example/hooks"));
        assert!(allows(allowed, "https://EHR.example:443/hooks/healthsync?ward=4"));
        for endpoint in [
            "http://ehr.example/hooks",
            "https://ehr.example:8443/hooks",
            "https://ehr.example.evil.example/hooks",
            "https://ehr.example/hooks-of-others",
            "https://ehr.example/",
            "https://ehr.example/hooks/../admin",
            "https://ehr.example/hooks/%2e%2e/admin",
            "https://ehr.example/hooks/.%2E/admin",
            "https://ehr.example/hooks/..%2fadmin",
            "https://ehr.example/hooks/..;v=1/admin",
            "https://ehr.example@127.0.0.1/hooks",
            "https://127.0.0.1/hooks",
            "https://[::1]/hooks",
            "file:///hooks",
            "//ehr.example/hooks",
            "https://ehr.example/hooks#x",
            "",
        ] {
            assert!(!allows(allowed, endpoint), "{endpoint}");
        }
    }

    #[test]
    fn without_a_list_nothing_is_allowed() {
        assert!(!Allowed::default().allows(&"http://127.0.0.1/".parse().unwrap()));
        assert!(Allowed::read(&["ehr.example".to_owned()]).is_err());
    }
}
