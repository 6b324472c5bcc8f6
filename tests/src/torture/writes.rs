//! The calls that change something: which there are, and what happens when their replies are lost.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hyper::body::Bytes;

use super::reads;
use crate::error::{HarnessError, Result};
use crate::proxy::{Moment, Phase, Proxy, Verdict};

/// Every write action that the provider's source names, as `service:action`: each call stands in a table with its mode.
///
/// # Errors
/// When the source cannot be read.
pub fn in_source() -> Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    scan(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/provider/src"), &mut found)?;
    Ok(found)
}

fn scan(directory: &Path, found: &mut BTreeSet<String>) -> Result<()> {
    let failed = |e| HarnessError::caused(format!("could not read {}", directory.display()), e);
    for entry in fs::read_dir(directory).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.is_dir() {
            scan(&path, found)?;
        } else {
            let text = fs::read_to_string(&path).map_err(failed)?;
            // Not what tests below say.
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            let modes = [": Plan \"", ": Compare \"", ": Change \"", ": Apply \"", ": Destroy \""];
            found.extend(modes.iter().flat_map(|begin| named(code, begin)));
        }
    }
    Ok(())
}

/// The texts in quotes after `begin` that name a write.
fn named<'t>(code: &'t str, begin: &str) -> impl Iterator<Item = String> + use<'t> {
    let parts: Vec<&str> = code.split(begin).skip(1).collect();
    parts.into_iter().filter_map(|rest| {
        let name = rest.split('"').next()?;
        let (_, action) = name.split_once(':')?;
        (!reads(action)).then(|| name.to_owned())
    })
}

/// What became of lost replies.
#[derive(Debug, Default)]
pub struct Losses(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    lost: BTreeSet<String>,
    twice: BTreeSet<String>,
    /// The requests whose reply was lost since the last look at everything, by action.
    now: BTreeMap<String, Bytes>,
}

impl Losses {
    /// From now on every plan that is carried out loses the reply of the first call of each write action.
    pub fn begin(proxy: &Proxy) -> Arc<Self> {
        let losses = Arc::new(Self::default());
        let inner = Arc::clone(&losses);
        proxy.set_hook(move |moment| inner.at(moment));
        losses
    }

    /// The actions whose replies were lost, as `service:action`.
    pub fn actions(&self) -> BTreeSet<String> {
        self.state().lost.clone()
    }

    /// The creations that were asked for a second time, although the first had taken effect.
    pub fn twice(&self) -> BTreeSet<String> {
        self.state().twice.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn at(&self, moment: &Moment<'_>) -> Verdict {
        let (call, mut state) = (moment.call, self.state());
        let name = call.name();
        // Every plan begins with this call, and nothing that carries one out makes it.
        if name == "tagging:GetResources" {
            state.now.clear();
        }
        if reads(&call.action) {
            return Verdict::Continue;
        }
        match (moment.phase, state.now.get(&name)) {
            (Phase::Before, Some(body)) if *body == call.body && is_birth(&call.action) => {
                state.twice.insert(name);
                Verdict::Continue
            }
            (Phase::After, None) => {
                state.now.insert(name.clone(), call.body.clone());
                state.lost.insert(name);
                Verdict::Abort
            }
            _ => Verdict::Continue,
        }
    }
}

/// Whether an action makes something new each time it is called, or is refused the second time.
fn is_birth(action: &str) -> bool {
    // The second time these change what there is, to what it is.
    !["CreateTags", "RegisterScalableTarget"].contains(&action)
        && ["Create", "Register"].iter().any(|begin| action.starts_with(begin))
}
