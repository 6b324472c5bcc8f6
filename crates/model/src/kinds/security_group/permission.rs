//! One single permission: a protocol, a range of ports and one peer. Rules of the file and rules of EC2 both come to these.

use std::collections::BTreeSet;
use std::fmt;

use super::cidr::{CidrError, canonical_cidr};
use crate::check::shorten;
use crate::diag::nearest;

/// Which way connections are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// To the group.
    In,
    /// From the group.
    Out,
}

impl Direction {
    /// The word in front of a peer.
    pub fn word(self) -> &'static str {
        match self {
            Self::In => "from",
            Self::Out => "to",
        }
    }
}

/// The other side of a connection.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Peer {
    /// A block of addresses in canonical form.
    Cidr(String),
    /// A security group of the file, by its key.
    Group(String),
    /// A security group that is not ours, by its id.
    GroupId(String),
    /// A prefix list, by its id.
    PrefixList(String),
    /// The group itself.
    Own,
}

impl Peer {
    /// What a text of the file means. `own` is the key of the group, `keys` those of all groups.
    ///
    /// # Errors
    /// What is wrong with the text, and the way out.
    pub fn read(text: &str, own: &str, keys: &BTreeSet<&str>) -> Result<Self, (String, String)> {
        if text == "self" || text == own {
            return Ok(Self::Own);
        }
        if keys.contains(text) {
            return Ok(Self::Group(text.to_owned()));
        }
        if text.starts_with("sg-") || text.starts_with("pl-") {
            let id = &text[3..];
            if id.len() < 8 || !id.chars().all(|c| c.is_ascii_alphanumeric()) {
                let help = "it looks like `sg-0a1b2c3d4e5f60718`, that of a prefix list like `pl-0a1b2c3d4e5f60718`";
                return Err((format!("`{}` is no id", shorten(text)), help.into()));
            }
            let text = text.to_owned();
            return Ok(if text.starts_with("sg-") { Self::GroupId(text) } else { Self::PrefixList(text) });
        }
        match canonical_cidr(text) {
            Ok(cidr) => Ok(Self::Cidr(cidr)),
            Err(CidrError::Address(_)) if !text.contains('/') => {
                let message =
                    format!("there is no `{}` under `security_groups`, and it is no block of addresses", shorten(text));
                Err((message, match nearest(text, keys.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "name a security group of this file, addresses such as `10.0.0.0/8`, `sg-…`, `pl-…` or `self`".into(),
                }))
            }
            Err(CidrError::Bare(address)) => {
                let help = if address.is_unspecified() {
                    format!("write `{address}/0` for everywhere")
                } else {
                    format!("write `{address}/{}` for this one address", if address.is_ipv4() { 32 } else { 128 })
                };
                Err((CidrError::Bare(address).to_string(), help))
            }
            Err(error) => {
                Err((error.to_string(), "a block of addresses looks like `10.0.0.0/8` or `2001:db8::/32`".into()))
            }
        }
    }

    /// The key of another group of the file.
    pub fn group(&self) -> Option<&str> {
        match self {
            Self::Group(key) => Some(key),
            _ => None,
        }
    }

    /// What a text of a label means: the reverse of [`fmt::Display`].
    fn of_label(text: &str) -> Self {
        match text {
            "self" => Self::Own,
            id if id.starts_with("sg-") => Self::GroupId(id.to_owned()),
            id if id.starts_with("pl-") => Self::PrefixList(id.to_owned()),
            other => canonical_cidr(other).map_or_else(|_| Self::Group(other.to_owned()), Self::Cidr),
        }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cidr(text) | Self::Group(text) | Self::GroupId(text) | Self::PrefixList(text) => f.write_str(text),
            Self::Own => f.write_str("self"),
        }
    }
}

/// One single permission.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Permission {
    /// `tcp`, `udp`, `icmp`, `icmpv6`, `all`, or the number of another protocol.
    pub protocol: String,
    /// The first port, or the type of ICMP; -1 for all.
    pub from: i32,
    /// The last port, or the code of ICMP; -1 for all.
    pub to: i32,
    /// The other side.
    pub peer: Peer,
}

impl Permission {
    /// The permission in words: `tcp 5000 from 0.0.0.0/0`.
    pub fn label(&self, direction: Direction) -> String {
        let Self { protocol, from, to, peer } = self;
        let word = direction.word();
        match (protocol.as_str(), *from, *to) {
            ("tcp" | "udp", from, to) if from == to => format!("{protocol} {from} {word} {peer}"),
            ("tcp" | "udp", from, to) => format!("{protocol} {from}-{to} {word} {peer}"),
            (_, -1, _) => format!("{protocol} {word} {peer}"),
            (_, kind, -1) => format!("{protocol} type {kind} {word} {peer}"),
            (_, kind, code) => format!("{protocol} type {kind} code {code} {word} {peer}"),
        }
    }

    /// The permission that a label means.
    pub fn of_label(label: &str) -> Option<Self> {
        let words: Vec<&str> = label.split(' ').collect();
        let at = words.iter().position(|word| matches!(*word, "from" | "to"))?;
        let (what, peer) = words.split_at(at);
        let peer = Peer::of_label(&peer.get(1..)?.join(" "));
        let (protocol, from, to) = match what {
            [protocol] => (protocol, -1, -1),
            [protocol, ports] => {
                let (from, to) = ports.split_once('-').unwrap_or((ports, ports));
                (protocol, from.parse().ok()?, to.parse().ok()?)
            }
            [protocol, "type", kind] => (protocol, kind.parse().ok()?, -1),
            [protocol, "type", kind, "code", code] => (protocol, kind.parse().ok()?, code.parse().ok()?),
            _ => return None,
        };
        Some(Self { protocol: (*protocol).to_owned(), from, to, peer })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;

    #[test]
    fn a_label_means_the_permission_it_was_made_from() {
        for label in [
            "tcp 5000 from 0.0.0.0/0",
            "udp 8000-8010 from web",
            "all from self",
            "icmp from 2001:db8::/32",
            "icmp type 8 from pl-12345678",
            "icmpv6 type 3 code 4 from sg-12345678",
            "50 from 10.0.0.0/8",
        ] {
            assert_eq!(Permission::of_label(label).unwrap().label(Direction::In), label);
        }
        let out = Permission::of_label("all to 0.0.0.0/0").unwrap();
        assert_eq!((out.from, &out.peer), (-1, &Peer::Cidr("0.0.0.0/0".into())));
        assert_eq!(Permission::of_label("nothing"), None);
    }

    #[test]
    fn peers_are_told_apart() {
        let keys = BTreeSet::from(["web", "db"]);
        let read = |text| Peer::read(text, "web", &keys);
        assert_eq!(read("self"), Ok(Peer::Own));
        assert_eq!(read("web"), Ok(Peer::Own));
        assert_eq!(read("db"), Ok(Peer::Group("db".into())));
        assert_eq!(read("sg-0a1b2c3d"), Ok(Peer::GroupId("sg-0a1b2c3d".into())));
        assert_eq!(read("pl-0a1b2c3d"), Ok(Peer::PrefixList("pl-0a1b2c3d".into())));
        assert_eq!(read("10.1.0.0/8"), Ok(Peer::Cidr("10.0.0.0/8".into())));
        assert_eq!(read("10.1.0.9").unwrap_err().1, "write `10.1.0.9/32` for this one address");
        assert_eq!(read("dbb").unwrap_err().1, "did you mean `db`?");
        assert!(read("10.1.0.9/40").is_err());
        assert!(read("sg-1").is_err());
    }
}
