//! An AWS account of its own for each test, on an emulator that many tests share.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::emulator::Kind;

/// The region that leases are in.
pub const REGION: &str = "us-west-2";

/// An isolated account on an emulator.
///
/// ministack takes a 12-digit access key for that account's root, so calls straight to `endpoint` are isolated. moto takes
/// the account from the header `x-moto-account-id`, which the proxy adds: there, isolation needs the calls to go through a
/// [`crate::proxy::Proxy`] (a [`crate::world::World`] has one).
#[derive(Clone, Debug)]
pub struct Lease {
    /// Which emulator it is on.
    pub kind: Kind,
    /// The emulator's own address, `http://127.0.0.1:PORT`.
    pub endpoint: String,
    /// The access key of the account's administrator.
    pub access_key: String,
    /// Its secret. The emulators accept any for an administrator.
    pub secret: String,
    /// The account, 12 digits.
    pub account: String,
    /// The region to work in.
    pub region: String,
}

impl Lease {
    pub(crate) fn of(kind: Kind, endpoint: &str, account: &str) -> Self {
        Self {
            kind,
            endpoint: endpoint.to_owned(),
            access_key: account.to_owned(),
            secret: "test".to_owned(),
            account: account.to_owned(),
            region: REGION.to_owned(),
        }
    }
}

/// Returns an account number that nobody else uses: six digits drawn once per process, because test processes share
/// emulators, and six that count.
pub(crate) fn fresh_account() -> String {
    static BASE: OnceLock<u64> = OnceLock::new();
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let base = BASE.get_or_init(|| {
        let mut hasher = RandomState::new().build_hasher();
        hasher.write_u32(std::process::id());
        100_000 + hasher.finish() % 900_000
    });
    format!("{base}{:06}", NEXT.fetch_add(1, Ordering::Relaxed) % 1_000_000)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::fresh_account;

    #[test]
    fn accounts_are_twelve_digits_and_never_repeat() {
        let accounts: BTreeSet<String> = (0..1000).map(|_| fresh_account()).collect();
        assert_eq!(accounts.len(), 1000);
        assert!(accounts.iter().all(|a| a.len() == 12 && a.bytes().all(|b| b.is_ascii_digit())));
    }
}
