//! The index behind the tagging API is behind: it lists what is gone and lacks what is there (Resource Groups Tagging API
//! reference, `GetResources`).

use std::sync::{Mutex, PoisonError};

use hyper::body::Bytes;
use serde_json::{Value, json};

use super::Count;
use crate::proxy::{Call, Play, Reply};

/// What the index shows.
#[derive(Clone, Debug, Default)]
enum Shows {
    #[default]
    Truth,
    /// What it showed when it was asked next after it had been held.
    Next,
    Old(Value),
    Nothing,
}

/// An index that can be held.
#[derive(Debug, Default)]
pub struct StaleIndex {
    shows: Mutex<Shows>,
    asked: Count,
}

impl StaleIndex {
    fn show(&self, shows: Shows) {
        *self.shows.lock().unwrap_or_else(PoisonError::into_inner) = shows;
    }

    /// From the next query on it shows what it shows then.
    pub fn hold(&self) {
        self.show(Shows::Next);
    }

    /// From now on it shows nothing.
    pub fn know_nothing(&self) {
        self.show(Shows::Nothing);
    }

    /// From now on it is up to date.
    pub fn catch_up(&self) {
        self.show(Shows::Truth);
    }

    /// How often it was asked while it was behind.
    pub fn asked(&self) -> usize {
        self.asked.get()
    }
}

impl Play for StaleIndex {
    fn after(&self, call: &Call, reply: &mut Reply) {
        if call.name() != "tagging:GetResources" || !reply.is_success() {
            return;
        }
        let mut shows = self.shows.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = match &*shows {
            Shows::Truth => return,
            Shows::Next => {
                *shows = Shows::Old(reply.json());
                return;
            }
            Shows::Old(answer) => answer.clone(),
            Shows::Nothing => json!({ "ResourceTagMappingList": [] }),
        };
        self.asked.one_more();
        reply.body = Bytes::from(answer.to_string());
    }
}
