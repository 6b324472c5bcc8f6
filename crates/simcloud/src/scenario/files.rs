//! The stack files of scenarios.

use hatoba_engine::desired::Goal as Wishes;
use hatoba_engine::plan::Intent;
use hatoba_model::address::Address;
use hatoba_model::stack::Stack;
use hatoba_provider::desire::goal;

use super::Goal;
use crate::script::{facts, read};

/// The stack files of scenarios, read once.
#[derive(Debug)]
pub struct Files {
    texts: Vec<String>,
    stacks: Vec<Stack>,
    /// For each file what is to be there, and the same for a destroy.
    goals: Vec<[Wishes; 2]>,
}

impl Files {
    /// Reads stack files.
    ///
    /// # Errors
    /// The diagnostics of the first one that is not valid.
    pub fn new(texts: Vec<String>) -> Result<Self, String> {
        let facts = facts()?;
        let mut stacks = Vec::new();
        let mut goals = Vec::new();
        for text in &texts {
            let stack = read(text, None, &facts)?;
            let present = goal(&stack, &facts);
            let mut absent = present.clone();
            absent.content = true;
            goals.push([present, absent]);
            stacks.push(stack);
        }
        Ok(Self { texts, stacks, goals })
    }

    /// The files as they were read.
    pub fn texts(&self) -> &[String] {
        &self.texts
    }

    /// The resources of all files with their names.
    pub(super) fn places(&self) -> impl Iterator<Item = (Address, String)> {
        let present = self.goals.iter().map(|[present, _]| present);
        present.flat_map(|wishes| wishes.resources.values()).map(|want| (want.address.clone(), want.name.clone()))
    }

    /// The stack of a goal, and what it wants.
    pub(super) fn of(&self, goal: Goal) -> Option<(&Stack, &Wishes)> {
        let at = goal.file.checked_sub(1)?;
        let [present, absent] = self.goals.get(at)?;
        let wishes = if goal.intent == Intent::Present { present } else { absent };
        Some((self.stacks.get(at)?, wishes))
    }

    /// The name of the stack.
    pub(super) fn stack(&self) -> &str {
        self.goals.first().map_or("", |[present, _]| &present.stack)
    }
}
