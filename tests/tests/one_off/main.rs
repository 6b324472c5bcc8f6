//! `hatoba run` and `hatoba exec` with the real binary on both emulators: what they print, what they send, and with what they end.
//!
//! `golden/` has what a run prints, the same on both; written anew with `UPDATE_GOLDEN=1`.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

/// Makes two tests of each function that takes an emulator.
macro_rules! on_both {
    ($($name:ident),* $(,)?) => {
        mod ministack {
            $(
                #[test]
                fn $name() {
                    super::$name(hatoba_tests::emulator::Kind::Ministack);
                }
            )*
        }
        mod moto {
            $(
                #[test]
                fn $name() {
                    super::$name(hatoba_tests::emulator::Kind::Moto);
                }
            )*
        }
    };
}

mod exec;
mod run;
mod scene;
mod signals;
