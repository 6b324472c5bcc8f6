//! Packs the relocations of a release build.
//!
//! Three of its twenty-five megabytes would be a table of addresses that the loader reads at every start, and that stays in memory. As `DT_RELR`
//! it takes some kilobytes. The loader of glibc 2.36 (2022) and later reads that: on a machine with an older one, and on other systems, nothing is
//! changed. A binary that was packed asks for such a loader, and says so where there is none.

use std::env;
use std::process::Command;

/// The first glibc that reads packed relocations. Source: its release notes.
const SINCE: (u32, u32) = (2, 36);

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let var = |name: &str| env::var(name).unwrap_or_default();
    // The other linkers know it, or say that they do not and go on; gold fails.
    let gold = var("CARGO_ENCODED_RUSTFLAGS").contains("gold");
    let here = !gold && var("HOST") == var("TARGET") && var("TARGET").ends_with("-linux-gnu");
    if var("PROFILE") == "release" && here && glibc().is_some_and(|version| version >= SINCE) {
        println!("cargo:rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
}

/// The version of this machine's glibc, which the binary is linked with.
fn glibc() -> Option<(u32, u32)> {
    let answer = Command::new("getconf").arg("GNU_LIBC_VERSION").output().ok()?;
    let text = String::from_utf8(answer.stdout).ok()?;
    let (major, minor) = text.trim().strip_prefix("glibc ")?.split_once('.')?;
    Some((major.parse().ok()?, minor.split('.').next()?.parse().ok()?))
}
