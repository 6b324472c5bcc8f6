//! What a plan shows beside what it does.

use std::collections::BTreeMap;

use hatoba_model::address::Address;

use super::line::Line;
use super::{Tone, one_line};

/// What stands beside the steps of a plan.
#[derive(Clone, Debug, Default)]
pub(crate) struct Beside {
    /// Sentences without a full stop below the headline of a resource that changes.
    pub(crate) under: BTreeMap<Address, Vec<String>>,
    /// What nothing in the plan changes, and should be known.
    pub(crate) warnings: Vec<Warning>,
    /// Why it is not known whether secrets changed after the tasks started that have them.
    pub(crate) not_compared: Option<String>,
    /// What is said where nothing changes, as a sentence; else that everything is as the file says.
    pub(crate) settled: Option<String>,
}

/// Something to know, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Warning {
    /// What it is about.
    pub(crate) address: Address,
    /// What there is to know.
    pub(crate) text: String,
    /// What to do.
    pub(crate) help: String,
}

impl Beside {
    /// The sentences about a resource.
    pub(crate) fn of(&self, address: &Address) -> &[String] {
        self.under.get(address).map(Vec::as_slice).unwrap_or_default()
    }

    /// The warnings, and what is not known.
    pub(crate) fn lines(&self) -> Vec<Line> {
        let one = |it: &Warning| {
            let what = Line::new(0).hang(4).add(Tone::Warning, "note").text(": ");
            [what.add(Tone::Strong, &it.address.to_string()).text(": ").text(&it.text), Line::help(2, &it.help)]
        };
        let mut out: Vec<Line> = self.warnings.iter().flat_map(one).collect();
        if let Some(reason) = &self.not_compared {
            let text = ": whether secrets changed after the tasks started is not known";
            out.push(Line::new(0).hang(4).add(Tone::Warning, "note").text(text));
            out.push(Line::new(4).hang(0).text(&one_line(reason)));
        }
        out
    }
}
