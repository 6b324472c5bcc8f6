//! Sizes and ports as other tools write them, where a stack file wants a whole number.

use crate::yaml::{Path, Segment};

/// CPU units of one vCPU, and MiB of one GB.
const OF_ONE: f64 = 1024.0;

/// How to write what a whole number was expected for, where it can be told what was meant. `found` is what is there, in words, as in
/// `the text "0.5GB"`.
pub(super) fn meant(path: &Path, found: &str) -> Option<String> {
    let text = found.strip_prefix("the text \"").and_then(|rest| rest.strip_suffix('"'));
    let text = text.or_else(|| found.strip_prefix("the number "))?.trim();
    let keys = path.segments().iter().filter_map(|one| match one {
        Segment::Key(key) => Some(key.as_str()),
        Segment::Index(_) => None,
    });
    let keys: Vec<&str> = keys.collect();
    match keys.as_slice() {
        // There both are percentages.
        [.., "autoscaling", _] => None,
        [.., "cpu"] => {
            let units = whole(text, &[("vcpus", OF_ONE), ("vcpu", OF_ONE), ("", OF_ONE)])?;
            Some(format!("`cpu: {units}`: it is counted in CPU units, 1024 are one vCPU"))
        }
        [.., "memory" | "memory_reservation"] => {
            let units = [("gib", OF_ONE), ("gb", OF_ONE), ("gi", OF_ONE), ("g", OF_ONE)];
            let small = [("mib", 1.0), ("mb", 1.0), ("mi", 1.0), ("m", 1.0), ("", OF_ONE)];
            let key = keys.last()?;
            let size = whole(text, &[units.as_slice(), &small].concat())?;
            Some(format!("`{key}: {size}`: it is counted in MiB, 1024 are one GB"))
        }
        [.., "ingress" | "egress", "port"] => {
            let (first, last) = text.split_once('-')?;
            let (first, last) = (first.trim().parse::<u16>().ok()?, last.trim().parse::<u16>().ok()?);
            Some(format!("a range stands under `ports`: `ports: {first}-{last}`"))
        }
        _ => None,
    }
}

/// A number with one of these units, as a whole number of the small ones.
fn whole(text: &str, units: &[(&str, f64)]) -> Option<u32> {
    let lower = text.to_ascii_lowercase();
    let (number, one) = units.iter().find_map(|(unit, one)| Some((lower.strip_suffix(unit)?, one)))?;
    // A whole number without a unit is in the right one already, only in quotes.
    if number.parse::<i64>().is_ok() && number == lower {
        return None;
    }
    let size = number.trim().parse::<f64>().ok()? * one;
    // More than Fargate has of either is no size.
    (size.fract() == 0.0 && (1.0..=262_144.0).contains(&size)).then(|| format!("{size:.0}").parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn help(keys: &[&str], found: &str) -> Option<String> {
        meant(&Path::of(keys), found)
            .map(|help| help.split('`').nth(1).unwrap_or_default().to_owned())
            .filter(|it| !it.is_empty())
    }

    #[test]
    fn sizes_of_other_tools_are_translated() {
        let cpu = |found: &str| help(&["apps", "papyrus", "cpu"], found);
        let memory = |found: &str| help(&["apps", "papyrus", "memory"], found);
        assert_eq!(cpu("the number 0.25").as_deref(), Some("cpu: 256"));
        assert_eq!(cpu("the text \".5 vCPU\"").as_deref(), Some("cpu: 512"));
        assert_eq!(memory("the text \"0.5GB\"").as_deref(), Some("memory: 512"));
        assert_eq!(memory("the text \"1 GiB\"").as_deref(), Some("memory: 1024"));
        assert_eq!(memory("the text \"512M\"").as_deref(), Some("memory: 512"));
        assert_eq!(memory("the number 0.5").as_deref(), Some("memory: 512"));
    }

    #[test]
    fn what_could_mean_anything_is_not_guessed() {
        for found in
            ["the text \"much\"", "the number -1", "the number 0.3", "the number 1e99", "a list", "the text \"\""]
        {
            for key in ["cpu", "memory"] {
                assert_eq!(help(&["apps", "papyrus", key], found), None, "{key}: {found}");
            }
        }
        assert_eq!(help(&["services", "papyrus", "autoscaling", "cpu"], "the number 0.25"), None);
        assert_eq!(help(&["apps", "papyrus", "count"], "the number 0.5"), None);
    }
}
