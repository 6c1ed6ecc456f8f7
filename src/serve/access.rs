//! Who may come in: the names by which this server may be addressed, the pages that may use it, and the token.

use std::net::IpAddr;

use axum::http::{HeaderMap, StatusCode, Uri, header};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use super::refusal::Refusal;
use crate::error::{Error, Result};

/// A token can be guessed when it is shorter than this, in bytes.
const SHORTEST_TOKEN: usize = 16;
/// The subprotocol of our WebSockets; beside it a browser, which can set no header, offers the token.
pub const SUBPROTOCOL: &str = "pgfeed";

/// Who may come in.
pub struct Access {
    /// Where the server listens.
    bound: IpAddr,
    origins: Vec<Origin>,
    token: Option<Token>,
}

/// Where a page comes from: `https://app.example.com`, spelled as browsers do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin(String);

/// What a client must know. It is kept as a code made of it, which shows nothing of it.
#[derive(Clone)]
pub struct Token(Vec<u8>);

impl Origin {
    /// Reads an origin.
    ///
    /// # Errors
    /// A usage error when it is none.
    pub fn parse(text: &str) -> Result<Self> {
        let refused = || {
            Error::usage(format!("'{text}' is not an origin"))
                .hint("write it as browsers do, such as https://app.example.com or http://localhost:3000")
        };
        let uri: Uri = text.parse().map_err(|_| refused())?;
        let scheme = uri.scheme_str().filter(|scheme| matches!(*scheme, "http" | "https")).ok_or_else(refused)?;
        let authority = uri.authority().filter(|authority| !authority.as_str().contains('@')).ok_or_else(refused)?;
        if !matches!(uri.path(), "" | "/") || uri.query().is_some() {
            return Err(refused());
        }
        // Browsers leave out the port that goes without saying.
        let usual = if scheme == "https" { ":443" } else { ":80" };
        let authority = authority.as_str().to_ascii_lowercase();
        Ok(Self(format!("{scheme}://{}", authority.strip_suffix(usual).unwrap_or(&authority))))
    }

    fn authority(&self) -> &str {
        self.0.split_once("://").map_or("", |(_, authority)| authority)
    }
}

impl Token {
    /// Takes the text of a token file.
    ///
    /// # Errors
    /// A usage error when it is too short, or could not be offered by a browser. The text itself is never shown.
    pub fn new(text: &str) -> Result<Self> {
        let text = text.trim_ascii();
        let hint = "openssl rand -hex 32 makes a good one";
        if text.len() < SHORTEST_TOKEN {
            let why = format!("the token has {} characters, and needs at least {SHORTEST_TOKEN}", text.len());
            return Err(Error::usage(why).hint(hint));
        }
        // What a subprotocol may hold (RFC 6455 and RFC 9110: token).
        let fits = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
        if !text.chars().all(fits) {
            return Err(Error::usage("the token may hold letters, digits and - . _ ~ only").hint(hint));
        }
        Ok(Self(code(text.as_bytes()).finalize().into_bytes().to_vec()))
    }

    /// Whether this is the token. What is compared are codes, in a time that tells nothing.
    fn is(&self, offered: &[u8]) -> bool {
        code(offered).verify_slice(&self.0).is_ok()
    }
}

fn code(token: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(token).expect("a key may have any length");
    mac.update(SUBPROTOCOL.as_bytes());
    mac
}

impl Access {
    /// Lets in who addresses `bound`, pages from there and from `origins`, and if there is a token, who knows it.
    pub fn new(bound: IpAddr, origins: Vec<Origin>, token: Option<Token>) -> Self {
        Self { bound, origins, token }
    }

    /// Checks where a request was meant to go and which page it comes from. Returns the origin of an allowed page elsewhere.
    ///
    /// # Errors
    /// Why it is refused.
    pub fn check_page(&self, headers: &HeaderMap) -> Result<Option<Origin>, Refusal> {
        let refused = |why: &str| Refusal::new(StatusCode::FORBIDDEN, why);
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        if !self.serves_host(host) {
            // A page of the name's owner would otherwise reach us from its visitors' browsers (DNS rebinding).
            return Err(refused("this server does not answer to this host name: --origin allows it"));
        }
        let Some(origin) = headers.get(header::ORIGIN) else {
            // Browsers that send no Origin with a request say at least whether another site made it.
            return match headers.get("sec-fetch-site").map(header::HeaderValue::as_bytes) {
                Some(b"cross-site" | b"same-site") if !is_navigation(headers) => {
                    Err(refused("a page of another origin made this request: --origin allows it"))
                }
                _ => Ok(None),
            };
        };
        let origin = origin.to_str().ok().and_then(|origin| Origin::parse(origin).ok());
        match origin {
            Some(origin) if self.origins.contains(&origin) => Ok(Some(origin)),
            Some(origin) if same_authority(&origin, host) => Ok(None),
            _ => Err(refused("pages of this origin may not use this server: --origin allows it")),
        }
    }

    /// Checks the token, where one is needed.
    ///
    /// # Errors
    /// That it is missing or wrong.
    pub fn check_token(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let Some(token) = &self.token else { return Ok(()) };
        let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.as_bytes().split_at_checked(7));
        let bearer = bearer.filter(|(scheme, _)| scheme.eq_ignore_ascii_case(b"bearer ")).map(|(_, token)| token);
        let offered = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter();
        let offered = offered.flat_map(|list| list.as_bytes().split(|&byte| byte == b','));
        // Each offered one, whether or not one before it was right.
        let right = bearer.into_iter().chain(offered).map(|word| token.is(word.trim_ascii())).fold(false, |a, b| a | b);
        if right { Ok(()) } else { Err(Refusal::new(StatusCode::UNAUTHORIZED, "this server asks for its token")) }
    }

    /// Addresses cannot be made to mean us by whoever owns a name; names can.
    fn serves_host(&self, host: &str) -> bool {
        let name = without_port(host).to_ascii_lowercase();
        if let Ok(address) = name.trim_matches(['[', ']']).parse::<IpAddr>() {
            return self.bound.is_unspecified() || address.is_loopback() || address == self.bound;
        }
        let is_name = |origin: &Origin| without_port(origin.authority()) == name;
        name == "localhost" || (!name.is_empty() && self.origins.iter().any(is_name))
    }
}

/// Following a link to our page is nobody's attack: the page shows nothing to where the link stood.
fn is_navigation(headers: &HeaderMap) -> bool {
    headers.get("sec-fetch-mode").is_some_and(|mode| mode == "navigate")
}

fn same_authority(origin: &Origin, host: &str) -> bool {
    // Behind a proxy that ends TLS we cannot know the scheme: either one's usual port goes without saying.
    let host = host.to_ascii_lowercase();
    ["http", "https"].iter().any(|scheme| {
        Origin::parse(&format!("{scheme}://{host}")).is_ok_and(|host| host.authority() == origin.authority())
    })
}

fn without_port(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => authority,
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    const TOKEN: &str = "0123456789abcdef";

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &str)| {
            (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())
        };
        pairs.iter().map(pair).collect()
    }

    fn access(bound: &str, origins: &[&str]) -> Access {
        let origins = origins.iter().map(|origin| Origin::parse(origin).unwrap()).collect();
        Access::new(bound.parse().unwrap(), origins, Some(Token::new(TOKEN).unwrap()))
    }

    fn admits(access: &Access, pairs: &[(&'static str, &str)]) -> bool {
        access.check_page(&headers(pairs)).is_ok()
    }

    #[test]
    fn only_our_own_names_are_answered() {
        let local = access("127.0.0.1", &["https://feed.example.com"]);
        for host in ["localhost", "LOCALHOST:8080", "127.0.0.1:8080", "[::1]:80", "feed.example.com", "127.0.0.2"] {
            assert!(admits(&local, &[("host", host)]), "{host}");
        }
        for host in ["evil.example", "localhost.evil.example:8080", "192.0.2.1", "", "feed.example.com.evil.example"] {
            assert!(!admits(&local, &[("host", host)]), "{host}");
        }
        assert!(!admits(&local, &[]));
        assert!(admits(&access("0.0.0.0", &[]), &[("host", "192.0.2.1:8080")]));
        assert!(!admits(&access("0.0.0.0", &[]), &[("host", "evil.example")]));
    }

    #[test]
    fn only_our_own_page_and_those_allowed_may_use_it() {
        let local = access("127.0.0.1", &["https://app.example.com", "http://localhost:3000"]);
        let comes = |origin: &str, host: &str| local.check_page(&headers(&[("host", host), ("origin", origin)]));
        assert_eq!(comes("http://localhost:8080", "localhost:8080"), Ok(None));
        assert_eq!(comes("http://localhost", "localhost:80"), Ok(None));
        assert!(comes("http://localhost:3000", "localhost:8080").is_ok_and(|origin| origin.is_some()));
        assert!(comes("https://app.example.com", "127.0.0.1:8080").is_ok_and(|origin| origin.is_some()));
        for origin in ["http://localhost:3001", "https://evil.example", "http://app.example.com", "null", "", "x"] {
            assert!(comes(origin, "localhost:8080").is_err(), "{origin}");
        }
    }

    #[test]
    fn other_sites_are_seen_without_an_origin() {
        let local = access("127.0.0.1", &[]);
        let host = ("host", "localhost");
        assert!(!admits(&local, &[host, ("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "no-cors")]));
        assert!(admits(&local, &[host, ("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")]));
        assert!(admits(&local, &[host, ("sec-fetch-site", "same-origin"), ("sec-fetch-mode", "cors")]));
    }

    #[test]
    fn the_token_is_needed() {
        let access = access("127.0.0.1", &[]);
        let knows = |name, value: &str| access.check_token(&headers(&[(name, value)])).is_ok();
        assert!(knows("authorization", &format!("Bearer {TOKEN}")));
        assert!(knows("authorization", &format!("bearer  {TOKEN}")));
        assert!(knows("sec-websocket-protocol", &format!("pgfeed, {TOKEN}")));
        for wrong in ["", "Bearer", "Bearer ", "Bearer 0123456789abcdeF", "Basic 0123456789abcdef", TOKEN] {
            assert!(!knows("authorization", wrong), "{wrong}");
        }
        assert!(!knows("sec-websocket-protocol", "pgfeed, 0123456789abcdef0"));
        assert!(!knows("x-token", TOKEN));
    }

    #[test]
    fn tokens_are_long_and_can_be_offered() {
        for wrong in ["", "short", "0123456789 abcdef", "0123456789abcdef,", "0123456789abcdé"] {
            let error = Token::new(wrong).err().unwrap();
            assert!(wrong.is_empty() || !error.to_string().contains(wrong), "{error}");
        }
        assert!(Token::new(" 0123456789abcdef\n").unwrap().is(TOKEN.as_bytes()));
    }

    #[test]
    fn origins() {
        assert_eq!(Origin::parse("HTTPS://App.example.com:443").unwrap().0, "https://app.example.com");
        assert_eq!(Origin::parse("http://[::1]:3000/").unwrap().0, "http://[::1]:3000");
        for wrong in ["*", "null", "app.example.com", "ftp://x", "https://x/y", "https://u:p@x", "https://x?y"] {
            assert!(Origin::parse(wrong).is_err(), "{wrong}");
        }
    }
}
