//! What the ARN of a revision says: `arn:aws:ecs:REGION:ACCOUNT:task-definition/FAMILY:REVISION`.

/// The name of the family.
pub(crate) fn family_of(arn: &str) -> &str {
    let name = arn.rsplit_once('/').map_or(arn, |(_, name)| name);
    name.split_once(':').map_or(name, |(family, _)| family)
}

/// The number of the revision; 0, which none has, where there is none.
pub(crate) fn revision_of(arn: &str) -> u64 {
    arn.rsplit_once(':').and_then(|(_, revision)| revision.parse().ok()).unwrap_or_default()
}

/// Whether one revision is newer than another one of the same family.
pub(crate) fn is_newer(one: &str, other: &str) -> bool {
    family_of(one) == family_of(other) && revision_of(one) > revision_of(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_an_arn() {
        let arn = |rest: &str| format!("arn:aws:ecs:eu-west-1:123456789012:task-definition/{rest}");
        assert_eq!(family_of(&arn("web:12")), "web");
        assert_eq!(family_of(&arn("web")), "web");
        assert_eq!(revision_of(&arn("web:12")), 12);
        assert_eq!(revision_of(&arn("web")), 0);
        assert!(is_newer(&arn("web:12"), &arn("web:9")));
        assert!(!is_newer(&arn("web:9"), &arn("web:9")));
        assert!(!is_newer(&arn("worker:12"), &arn("web:9")));
    }
}
