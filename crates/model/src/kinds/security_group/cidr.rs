//! Blocks of addresses in the form in which EC2 returns them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Why a text is no block of addresses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CidrError {
    /// No address in front of the slash.
    #[error("`{0}` is no IP address")]
    Address(String),
    /// An address without a length.
    #[error("`{0}` is one address, not a block of addresses")]
    Bare(IpAddr),
    /// A length that the kind of address does not have.
    #[error("`/{0}` is no length of a block; it is 0 to {1}")]
    Length(String, u8),
}

/// The block with the bits below its length cleared, IPv6 compressed and in lower case: `100.68.0.18/18` is `100.68.0.0/18`.
///
/// # Errors
/// When the text is no block of addresses.
pub fn canonical_cidr(text: &str) -> Result<String, CidrError> {
    let (address, length) = match text.split_once('/') {
        Some((address, length)) => (address, Some(length)),
        None => (text, None),
    };
    let address: IpAddr = address.parse().map_err(|_| CidrError::Address(address.to_owned()))?;
    let Some(length) = length else { return Err(CidrError::Bare(address)) };
    let most: u8 = if address.is_ipv4() { 32 } else { 128 };
    let digits = !length.is_empty() && length.bytes().all(|b| b.is_ascii_digit());
    let bits = length.parse::<u8>().ok().filter(|bits| digits && *bits <= most);
    let Some(bits) = bits else { return Err(CidrError::Length(length.to_owned(), most)) };
    Ok(match address {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or_default();
            format!("{}/{bits}", Ipv4Addr::from_bits(address.to_bits() & mask))
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or_default();
            format!("{}/{bits}", Ipv6Addr::from_bits(address.to_bits() & mask))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::{CidrError, canonical_cidr};

    #[test]
    fn blocks_are_written_as_ec2_returns_them() {
        for (text, canonical) in [
            ("0.0.0.0/0", "0.0.0.0/0"),
            ("10.1.2.3/0", "0.0.0.0/0"),
            ("100.68.0.18/18", "100.68.0.0/18"),
            ("10.0.0.1/32", "10.0.0.1/32"),
            ("2001:DB8:0:0::1/64", "2001:db8::/64"),
            ("::/0", "::/0"),
            ("::1/128", "::1/128"),
        ] {
            assert_eq!(canonical_cidr(text).as_deref(), Ok(canonical), "{text}");
        }
    }

    #[test]
    fn what_is_no_block_is_refused() {
        assert!(matches!(canonical_cidr("10.0.0.1"), Err(CidrError::Bare(_))));
        assert!(matches!(canonical_cidr("10.0.0/8"), Err(CidrError::Address(_))));
        for length in ["33", "-1", "+1", "", "8x", "256"] {
            assert!(matches!(canonical_cidr(&format!("10.0.0.1/{length}")), Err(CidrError::Length(_, 32))), "{length}");
        }
    }
}
