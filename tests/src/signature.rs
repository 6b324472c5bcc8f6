//! Signature Version 4 of a POST to `/`: what the key of a user or session needs. The SDK's own signer wants the SDK's request types.

use std::time::{SystemTime, UNIX_EPOCH};

use sha2::{Digest, Sha256};

use crate::error::{HarnessError, Result};

/// What a request is signed with.
#[derive(Clone, Debug)]
pub(crate) struct Secret {
    /// The secret access key.
    pub(crate) secret: String,
    /// The session token, with the key of a session.
    pub(crate) token: Option<String>,
}

/// Adds the headers that make a request valid now. `scope` is region and service, `host` the header that the request is sent with.
pub(crate) fn add(
    headers: &mut Vec<(String, String)>,
    access_key: &str,
    secret: &Secret,
    scope: (&str, &str),
    host: &str,
    body: &str,
) -> Result<()> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_err(|e| HarnessError::caused("no clock", e))?;
    let time = stamp(now.as_secs());
    headers.push(("x-amz-date".to_owned(), time.clone()));
    if let Some(token) = &secret.token {
        headers.push(("x-amz-security-token".to_owned(), token.clone()));
    }
    let authorization = authorization(headers, access_key, &secret.secret, scope, host, body, &time);
    headers.push(("authorization".to_owned(), authorization));
    Ok(())
}

fn authorization(
    headers: &[(String, String)],
    access_key: &str,
    secret: &str,
    (region, service): (&str, &str),
    host: &str,
    body: &str,
    time: &str,
) -> String {
    let mut signed: Vec<(&str, &str)> =
        headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).chain([("host", host)]).collect();
    signed.sort_unstable();
    let lines: String = signed.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
    let names: Vec<&str> = signed.iter().map(|(name, _)| *name).collect();
    let names = names.join(";");
    let request = format!("POST\n/\n\n{lines}\n{names}\n{}", hex(&Sha256::digest(body)));
    let day = &time[..8];
    let scope = format!("{day}/{region}/{service}/aws4_request");
    let text = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{}", hex(&Sha256::digest(request)));
    let key = [day, region, service, "aws4_request"]
        .iter()
        .fold(format!("AWS4{secret}").into_bytes(), |key, part| hmac(&key, part.as_bytes()));
    let signature = hex(&hmac(&key, text.as_bytes()));
    format!("AWS4-HMAC-SHA256 Credential={access_key}/{scope}, SignedHeaders={names}, Signature={signature}")
}

/// HMAC with SHA-256 (RFC 2104).
fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    const BLOCK: usize = 64;
    let mut block = if key.len() > BLOCK { Sha256::digest(key).to_vec() } else { key.to_vec() };
    block.resize(BLOCK, 0);
    let padded = |pad: u8| block.iter().map(|byte| byte ^ pad).collect::<Vec<u8>>();
    let inner = Sha256::new().chain_update(padded(0x36)).chain_update(message).finalize();
    Sha256::new().chain_update(padded(0x5C)).chain_update(inner).finalize().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `20260815T090000Z`, from seconds since 1970.
fn stamp(seconds: u64) -> String {
    let (mut days, rest) = (seconds / 86_400, seconds % 86_400);
    let leap = |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let mut year = 1970;
    while days >= 365 + u64::from(leap(year)) {
        days -= 365 + u64::from(leap(year));
        year += 1;
    }
    let mut month = 1;
    for length in [31, 28 + u64::from(leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    format!("{year:04}{month:02}{:02}T{:02}{:02}{:02}Z", days + 1, rest / 3600, rest / 60 % 60, rest % 60)
}

#[cfg(test)]
mod tests {
    use super::{authorization, hex, hmac, stamp};

    #[test]
    fn times() {
        assert_eq!(stamp(0), "19700101T000000Z");
        assert_eq!(stamp(951_782_400), "20000229T000000Z");
        assert_eq!(stamp(1_786_784_461), "20260815T090101Z");
        assert_eq!(stamp(1_798_761_599), "20261231T235959Z");
    }

    /// Test case 2 of RFC 4231.
    #[test]
    fn keyed_hashes() {
        let expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(hex(&hmac(b"Jefe", b"what do ya want for nothing?")), expected);
    }

    /// The case `post-vanilla` of AWS's test suite for Signature Version 4.
    #[test]
    fn a_request() {
        let headers = [("x-amz-date".to_owned(), "20150830T123600Z".to_owned())];
        let found = authorization(
            &headers,
            "AKIDEXAMPLE",
            "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
            ("us-east-1", "service"),
            "example.amazonaws.com",
            "",
            "20150830T123600Z",
        );
        assert!(found.ends_with("5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"), "{found}");
    }
}
