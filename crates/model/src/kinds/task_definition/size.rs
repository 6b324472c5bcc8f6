//! How large a task on Fargate may be. Source: AWS documentation, "Fargate task sizes"; every pair was probed in 2026-08.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

/// CPU units of a task: 1024 are one vCPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cpu(pub u32);

/// Memory in MiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Memory(pub u32);

short_or_full!(Cpu: "CPU units such as 256, or `0.25 vCPU`",
    text => |text| number(text, &["vcpu"], 1024).map(Cpu).ok_or_else(|| format!("`{text}` is no number of CPU units; write 256, or `0.25 vCPU`")),
    number => |number| u32::try_from(number).map(Cpu).map_err(|_| format!("{number} CPU units are more than there are")));

short_or_full!(Memory: "MiB such as 512, or `2 GB`",
    text => |text| memory(text).ok_or_else(|| format!("`{text}` is no amount of memory; write MiB such as 512, or `2 GB`")),
    number => |number| u32::try_from(number).map(Memory).map_err(|_| format!("{number} MiB are more than there are")));

fn memory(text: &str) -> Option<Memory> {
    number(text, &["gb", "gib"], 1024).or_else(|| number(text, &["mb", "mib"], 1)).map(Memory)
}

/// `512`, `.5 vCPU` or `2GB` as a whole number. Without a unit the number stands for itself.
fn number(text: &str, units: &[&str], factor: u32) -> Option<u32> {
    let lower = text.trim().to_ascii_lowercase();
    let amount = units.iter().find_map(|unit| lower.strip_suffix(unit));
    let Some(amount) = amount else { return lower.parse().ok() };
    let amount = amount.trim();
    let (whole, fraction) = amount.split_once('.').unwrap_or((amount, ""));
    if whole.is_empty() && fraction.is_empty() || fraction.len() > 6 {
        return None;
    }
    let digits = |text: &str| if text.is_empty() { Some(0) } else { text.parse::<u64>().ok() };
    let scale = 10_u64.pow(u32::try_from(fraction.len()).ok()?);
    let units = digits(whole)?.checked_mul(scale)?.checked_add(digits(fraction)?)?.checked_mul(factor.into())?;
    (units % scale == 0).then(|| u32::try_from(units / scale).ok()).flatten()
}

impl fmt::Display for Cpu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl Serialize for Cpu {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(self.0)
    }
}

impl Serialize for Memory {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(self.0)
    }
}

impl JsonSchema for Cpu {
    fn schema_name() -> Cow<'static, str> {
        "Cpu".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "CPU units: 1024 are one vCPU.",
            "anyOf": [
                { "enum": CPUS },
                { "type": "string", "pattern": "^\\s*([0-9]+|[0-9]*\\.?[0-9]+\\s*[vV][cC][pP][uU])\\s*$" }
            ]
        })
    }
}

impl JsonSchema for Memory {
    fn schema_name() -> Cow<'static, str> {
        "Memory".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Memory in MiB, or such as `2 GB`.",
            "anyOf": [
                { "type": "integer", "minimum": 512, "maximum": 122_880 },
                { "type": "string", "pattern": "^\\s*([0-9]+|[0-9]*\\.?[0-9]+\\s*[gGmM][iI]?[bB])\\s*$" }
            ]
        })
    }
}

/// The CPU sizes there are.
pub const CPUS: [u32; 7] = [256, 512, 1024, 2048, 4096, 8192, 16_384];

/// The memory sizes that go with a number of CPU units; none for a number that Fargate does not have.
pub fn memory_sizes(cpu: Cpu) -> Vec<u32> {
    let steps = |from: u32, to: u32, step: u32| (from..=to).step_by(step as usize).collect();
    match cpu.0 {
        256 => vec![512, 1024, 2048],
        512 => steps(1024, 4096, 1024),
        1024 => steps(2048, 8192, 1024),
        2048 => steps(4096, 16_384, 1024),
        4096 => steps(8192, 30_720, 1024),
        8192 => steps(16_384, 61_440, 4096),
        16_384 => steps(32_768, 122_880, 8192),
        _ => Vec::new(),
    }
}

/// The legal sizes that come nearest to an illegal pair, in words: with the same CPU, and with the same memory.
pub fn nearest_pairs(cpu: Cpu, memory: Memory) -> Vec<String> {
    let mut pairs: Vec<(u32, u32)> = Vec::new();
    let sizes = memory_sizes(cpu);
    pairs.extend(sizes.iter().rev().find(|size| **size < memory.0).map(|size| (cpu.0, *size)));
    pairs.extend(sizes.iter().find(|size| **size > memory.0).map(|size| (cpu.0, *size)));
    let with_memory: Vec<u32> = CPUS.into_iter().filter(|cpu| memory_sizes(Cpu(*cpu)).contains(&memory.0)).collect();
    let nearest = with_memory.iter().min_by_key(|other| other.abs_diff(cpu.0));
    pairs.extend(nearest.map(|cpu| (*cpu, memory.0)));
    if pairs.is_empty() {
        // Neither number is one of Fargate's: the next larger size that has room for both.
        let roomy = CPUS.into_iter().filter(|size| *size >= cpu.0);
        let pair = roomy
            .flat_map(|cpu| memory_sizes(Cpu(cpu)).into_iter().map(move |m| (cpu, m)))
            .find(|(_, m)| *m >= memory.0);
        pairs.extend(pair);
    }
    pairs.into_iter().map(|(cpu, memory)| format!("`cpu: {cpu}` with `memory: {memory}`")).collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;

    #[test]
    fn sizes_are_read_in_all_spellings_of_ecs() {
        let cpu = |json: serde_json::Value| serde_json::from_value::<Cpu>(json).map(|cpu| cpu.0).ok();
        assert_eq!(
            [cpu(256.into()), cpu("0.25 vCPU".into()), cpu(".25vcpu".into()), cpu("256".into())],
            [Some(256); 4]
        );
        assert_eq!([cpu("1 vCPU".into()), cpu("16 VCPU".into())], [Some(1024), Some(16_384)]);
        assert_eq!([cpu("vCPU".into()), cpu("0.0001 vCPU".into()), cpu("a".into()), cpu((-1).into())], [None; 4]);
        let memory = |json: serde_json::Value| serde_json::from_value::<Memory>(json).map(|memory| memory.0).ok();
        assert_eq!(
            [memory("2 GB".into()), memory("2GB".into()), memory(2048.into()), memory("2048 MiB".into())],
            [Some(2048); 4]
        );
        assert_eq!(memory("0.5 GB".into()), Some(512));
        let error = serde_json::from_value::<Memory>("much".into()).unwrap_err().to_string();
        assert!(error.contains("`much`") && error.contains("`2 GB`"), "{error}");
    }

    #[test]
    fn there_are_74_pairs() {
        // The number of pairs that were probed against AWS.
        assert_eq!(CPUS.into_iter().map(|cpu| memory_sizes(Cpu(cpu)).len()).sum::<usize>(), 74);
    }

    #[test]
    fn near_pairs_keep_one_of_the_two_numbers() {
        assert_eq!(
            nearest_pairs(Cpu(256), Memory(4096)),
            ["`cpu: 256` with `memory: 2048`", "`cpu: 512` with `memory: 4096`"]
        );
        assert_eq!(
            nearest_pairs(Cpu(1024), Memory(2500)),
            ["`cpu: 1024` with `memory: 2048`", "`cpu: 1024` with `memory: 3072`"]
        );
        assert_eq!(nearest_pairs(Cpu(300), Memory(700)), ["`cpu: 512` with `memory: 1024`"]);
        assert_eq!(nearest_pairs(Cpu(300), Memory(512)), ["`cpu: 256` with `memory: 512`"]);
    }
}
