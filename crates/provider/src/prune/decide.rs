//! What may go. Pure.

use std::collections::{BTreeMap, BTreeSet};

use crate::images::Place;

/// An active revision of a family of the stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision {
    /// Its ARN.
    pub arn: String,
    /// The family.
    pub family: String,
    /// Its number.
    pub number: u64,
    /// Whether it bears the mark of the stack.
    pub ours: bool,
    /// Where its images are.
    pub images: Vec<Place>,
}

/// An image, or a list of images for several machines, in a repository of the stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The repository.
    pub repository: String,
    /// Its digest: `sha256:…`.
    pub digest: String,
    /// Its tags.
    pub tags: Vec<String>,
    /// Its size as ECR stores it.
    pub bytes: u64,
    /// When it was pushed, in seconds since 1970.
    pub pushed: i64,
    /// The digests that it is a list of.
    pub parts: Vec<String>,
    /// The digest that it says something about: it is a signature, an attestation or the like.
    pub subject: Option<String>,
}

/// What is in use in the account and region, whoever uses it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Used {
    /// ARNs of revisions that tasks, services and their deployments run.
    pub revisions: BTreeSet<String>,
    /// Images that those name.
    pub images: BTreeSet<Place>,
    /// Digests that tasks run.
    pub digests: BTreeSet<String>,
    /// Repositories of which a service that runs nothing at the moment has an image by its tag: ECS starts the digest that the tag meant when
    /// it was deployed, and which one that is, no task tells.
    pub unsure: BTreeSet<String>,
}

/// What is kept although nothing uses it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keep {
    /// How many of the newest revisions, by family.
    pub revisions: BTreeMap<String, usize>,
    /// How many of the newest images, by repository.
    pub images: BTreeMap<String, usize>,
    /// Images that were pushed after this time, in seconds since 1970: their list of manifests may be on the way, or the deployment that they
    /// were pushed for.
    pub since: i64,
}

/// What may go, and how much stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decision {
    /// Revisions that go, by family and number.
    pub revisions: Vec<Revision>,
    /// Images that go; lists come before what they are lists of, because ECR deletes nothing that stands in a list.
    pub images: Vec<Stored>,
    /// How many revisions stay.
    pub revisions_kept: usize,
    /// How many images stay.
    pub images_kept: usize,
}

/// Decides. Kept are: revisions that are in use, that are not the stack's, and the newest of each family; images that are in use, that a kept
/// revision names, that stand in a kept list, that sign or describe a kept image, that are young, and the newest of each repository.
pub fn decide(revisions: &[Revision], stored: &[Stored], used: &Used, keep: &Keep) -> Decision {
    let (gone, kept) = split_revisions(revisions, used, keep);
    let named: BTreeSet<&Place> = kept.iter().flat_map(|revision| &revision.images).chain(&used.images).collect();
    let mut stays: BTreeSet<usize> = BTreeSet::new();
    for (at, image) in stored.iter().enumerate() {
        if used.unsure.contains(&image.repository)
            || image.pushed > keep.since
            || used.digests.contains(&image.digest)
            || named.iter().any(|place| is_at(image, place))
        {
            stays.insert(at);
        }
    }
    stays.extend(newest(stored, keep));
    let stays = with_relatives(stored, stays);
    let mut images: Vec<Stored> =
        stored.iter().enumerate().filter(|(at, _)| !stays.contains(at)).map(|(_, image)| image.clone()).collect();
    images.sort_by_key(|image| (image.parts.is_empty(), image.repository.clone(), image.pushed, image.digest.clone()));
    Decision { revisions_kept: kept.len(), images_kept: stays.len(), revisions: gone, images }
}

fn split_revisions<'a>(all: &'a [Revision], used: &Used, keep: &Keep) -> (Vec<Revision>, Vec<&'a Revision>) {
    let mut newest_first: Vec<&Revision> = all.iter().collect();
    newest_first.sort_by_key(|revision| (revision.family.as_str(), std::cmp::Reverse(revision.number)));
    let (mut gone, mut kept) = (Vec::new(), Vec::new());
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for revision in newest_first {
        let count = counts.entry(&revision.family).or_default();
        *count += 1;
        // Without a number nothing goes, and the newest is what a plan compares with.
        let newest = keep.revisions.get(&revision.family).is_none_or(|most| *count <= (*most).max(1));
        if newest || !revision.ours || used.revisions.contains(&revision.arn) {
            kept.push(revision);
        } else {
            gone.push(revision.clone());
        }
    }
    gone.sort_by(|a, b| (&a.family, a.number).cmp(&(&b.family, b.number)));
    (gone, kept)
}

fn is_at(image: &Stored, place: &Place) -> bool {
    let Place::Here { repository, tag, digest } = place else { return false };
    if *repository != image.repository {
        return false;
    }
    match (digest, tag) {
        (Some(digest), _) => *digest == image.digest,
        (None, Some(tag)) => image.tags.contains(tag),
        (None, None) => image.tags.iter().any(|tag| tag == "latest"),
    }
}

/// The newest of each repository. What stands in a list does not count: it comes and goes with the list.
fn newest(stored: &[Stored], keep: &Keep) -> BTreeSet<usize> {
    let parts: BTreeSet<(&str, &str)> = stored
        .iter()
        .flat_map(|image| image.parts.iter().map(|part| (image.repository.as_str(), part.as_str())))
        .collect();
    let whole = |image: &Stored| !parts.contains(&(image.repository.as_str(), image.digest.as_str()));
    let mut order: Vec<(usize, &Stored)> =
        stored.iter().enumerate().filter(|(_, image)| whole(image) && describes(image).is_none()).collect();
    order.sort_by_key(|(_, image)| (image.repository.as_str(), std::cmp::Reverse(image.pushed)));
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut found = BTreeSet::new();
    for (at, image) in order {
        let count = counts.entry(&image.repository).or_default();
        *count += 1;
        if keep.images.get(&image.repository).is_none_or(|most| *count <= *most) {
            found.insert(at);
        }
    }
    found
}

/// The digest that a signature or an attestation is about: the manifest says it, or the tag, `sha256-HEX` with or without an ending.
/// Source: OCI image specification 1.1, `subject`; OCI distribution specification 1.1, "Referrers Tag Schema".
fn describes(image: &Stored) -> Option<String> {
    image.subject.clone().or_else(|| by_tag(image))
}

fn by_tag(image: &Stored) -> Option<String> {
    image.tags.iter().find_map(|tag| {
        let hex = tag.strip_prefix("sha256-")?.get(..64)?;
        hex.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| format!("sha256:{hex}"))
    })
}

/// With everything that a kept image needs or belongs to: its parts, the lists that it stands in, and what is said about it.
fn with_relatives(stored: &[Stored], mut stays: BTreeSet<usize>) -> BTreeSet<usize> {
    let mut places: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for (at, image) in stored.iter().enumerate() {
        places.insert((&image.repository, &image.digest), at);
    }
    let mut relatives: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (at, image) in stored.iter().enumerate() {
        let about = describes(image);
        for other in image.parts.iter().chain(&about) {
            let Some(other) = places.get(&(image.repository.as_str(), other.as_str())) else { continue };
            // A list needs its parts; a part that runs keeps its list, which the deployment may name.
            relatives.entry(at).or_default().push(*other);
            relatives.entry(*other).or_default().push(at);
        }
    }
    let mut next: Vec<usize> = stays.iter().copied().collect();
    while let Some(at) = next.pop() {
        for other in relatives.get(&at).into_iter().flatten() {
            if stays.insert(*other) {
                next.push(*other);
            }
        }
    }
    stays
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

    use proptest::prelude::*;

    use super::*;

    fn here(tag: Option<&str>, digest: Option<&str>) -> Place {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        Place::Here { repository: "papyrus".into(), tag: owned(tag), digest: owned(digest) }
    }

    fn digest(number: u64) -> String {
        format!("sha256:{number:064x}")
    }

    fn image(number: u64, tags: &[&str], parts: &[u64]) -> Stored {
        Stored {
            repository: "papyrus".into(),
            digest: digest(number),
            tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
            bytes: 1_000,
            pushed: i64::try_from(number).unwrap(),
            parts: parts.iter().map(|part| digest(*part)).collect(),
            subject: None,
        }
    }

    fn revision(number: u64, images: &[Place]) -> Revision {
        Revision {
            arn: format!("arn:aws:ecs:us-west-2:123456789012:task-definition/papyrus:{number}"),
            family: "papyrus".into(),
            number,
            ours: true,
            images: images.to_vec(),
        }
    }

    fn keep(revisions: usize, images: usize) -> Keep {
        Keep {
            revisions: [("papyrus".to_owned(), revisions)].into(),
            images: [("papyrus".to_owned(), images)].into(),
            since: 1_000,
        }
    }

    fn numbers(decision: &Decision) -> (Vec<u64>, Vec<u64>) {
        let hex = |image: &Stored| u64::from_str_radix(&image.digest[7..], 16).unwrap();
        (decision.revisions.iter().map(|it| it.number).collect(), decision.images.iter().map(hex).collect())
    }

    #[test]
    fn the_newest_revisions_stay_and_those_that_run() {
        let all: Vec<Revision> = (1..=6).map(|number| revision(number, &[])).collect();
        let used = Used { revisions: [all[1].arn.clone()].into(), ..Used::default() };
        assert_eq!(numbers(&decide(&all, &[], &used, &keep(2, 0))).0, [1, 3, 4]);
        // The newest always stays; without a number all do.
        assert_eq!(numbers(&decide(&all, &[], &Used::default(), &keep(0, 0))).0, [1, 2, 3, 4, 5]);
        assert_eq!(numbers(&decide(&all, &[], &Used::default(), &Keep::default())).0, [] as [u64; 0]);
        let mut theirs = all;
        theirs.iter_mut().for_each(|revision| revision.ours = false);
        assert_eq!(numbers(&decide(&theirs, &[], &Used::default(), &keep(1, 0))).0, [] as [u64; 0]);
    }

    #[test]
    fn images_of_kept_revisions_stay_by_tag_and_by_digest() {
        let revisions = [
            revision(1, &[here(Some("one"), None)]),
            revision(2, &[here(None, Some(&digest(2)))]),
            revision(3, &[here(None, None)]),
        ];
        let stored = [image(1, &["one"], &[]), image(2, &["two"], &[]), image(3, &["latest"], &[]), image(4, &[], &[])];
        // The first revision goes, and with it the claim of its image.
        assert_eq!(numbers(&decide(&revisions, &stored, &Used::default(), &keep(2, 0))), (vec![1], vec![1, 4]));
        assert_eq!(numbers(&decide(&revisions, &stored, &Used::default(), &keep(3, 0))), (vec![], vec![4]));
    }

    #[test]
    fn a_list_stays_with_its_parts_and_goes_before_them() {
        let stored = [
            image(1, &[], &[]),
            image(2, &[], &[]),
            image(3, &["old"], &[1, 2]),
            image(4, &[], &[]),
            image(5, &["new"], &[4]),
            // A signature of the first list.
            image(6, &[&format!("sha256-{:064x}.sig", 3)], &[]),
        ];
        let running = Used { digests: [digest(4)].into(), ..Used::default() };
        assert_eq!(numbers(&decide(&[], &stored, &running, &keep(1, 0))).1, [3, 1, 2, 6]);
        let both = Used { digests: [digest(4), digest(1)].into(), ..Used::default() };
        assert_eq!(numbers(&decide(&[], &stored, &both, &keep(1, 0))).1, [] as [u64; 0]);
        assert_eq!(numbers(&decide(&[], &stored, &Used::default(), &keep(1, 1))).1, [3, 1, 2, 6]);
        // The same without a tag: it does not count as the newest image, and stays with what it is about.
        let signature = Stored { subject: Some(digest(5)), ..image(7, &[], &[]) };
        let with: Vec<Stored> = stored.into_iter().chain([signature]).collect();
        assert_eq!(numbers(&decide(&[], &with, &Used::default(), &keep(1, 1))).1, [3, 1, 2, 6]);
    }

    #[test]
    fn where_a_stopped_service_may_start_any_image_all_stay() {
        let used = Used { unsure: ["papyrus".to_owned()].into(), ..Used::default() };
        assert_eq!(decide(&[], &[image(1, &[], &[])], &used, &keep(1, 0)).images, []);
    }

    #[test]
    fn what_was_pushed_lately_stays() {
        let mut young = image(1, &[], &[]);
        let keep = keep(1, 0);
        young.pushed = keep.since + 1;
        assert_eq!(decide(&[], &[young.clone()], &Used::default(), &keep).images, []);
        young.pushed -= 1;
        assert_eq!(decide(&[], &[young.clone()], &Used::default(), &keep).images, [young]);
    }

    fn places() -> impl Strategy<Value = Place> {
        prop_oneof![
            (0_u64..12).prop_map(|number| here(None, Some(&digest(number)))),
            (0_u64..6).prop_map(|number| here(Some(&format!("t{number}")), None)),
            Just(Place::Elsewhere),
        ]
    }

    fn account() -> impl Strategy<Value = (Vec<Revision>, Vec<Stored>, Used, Keep)> {
        let revisions = prop::collection::vec((prop::collection::vec(places(), 0..3), any::<bool>()), 0..8);
        let revisions = revisions.prop_map(|all| {
            let all = all.into_iter().zip(1..);
            all.map(|((images, ours), number)| Revision { ours, ..revision(number, &images) }).collect::<Vec<_>>()
        });
        let stored = prop::collection::vec(
            (prop::collection::vec(0_u64..6, 0..2), prop::collection::vec(0_u64..12, 0..3)),
            0..12,
        );
        let stored = stored.prop_map(|all| {
            let mut given = BTreeSet::new();
            let all = all.into_iter().zip(0_u64..);
            let one = |((tags, parts), number): ((Vec<u64>, Vec<u64>), u64)| {
                // A tag is at one image only, and no image stands in itself.
                let tags: Vec<String> =
                    tags.into_iter().filter(|tag| given.insert(*tag)).map(|tag| format!("t{tag}")).collect();
                let tags: Vec<&str> = tags.iter().map(String::as_str).collect();
                let parts: Vec<u64> = parts.into_iter().filter(|part| *part < number).collect();
                image(number, &tags, &parts)
            };
            all.map(one).collect::<Vec<_>>()
        });
        let used = (
            prop::collection::btree_set(1_u64..9, 0..4),
            prop::collection::btree_set(places(), 0..3),
            prop::collection::btree_set(0_u64..12, 0..3),
        );
        let used = used.prop_map(|(revisions, images, digests)| Used {
            revisions: revisions.into_iter().map(|number| revision(number, &[]).arn).collect(),
            images,
            digests: digests.into_iter().map(digest).collect(),
            unsure: BTreeSet::new(),
        });
        (revisions, stored, used, 0_usize..4, 0_usize..4)
            .prop_map(|(revisions, stored, used, some, more)| (revisions, stored, used, keep(some, more)))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]

        /// Whatever the account is like: what a task, a service, a deployment or a kept revision uses is never among what goes, nor any part
        /// of it; and nothing that goes is needed by what stays.
        #[test]
        fn what_is_in_use_never_goes((revisions, stored, used, keep) in account()) {
            let decision = decide(&revisions, &stored, &used, &keep);
            let goes: BTreeSet<&str> = decision.images.iter().map(|image| image.digest.as_str()).collect();
            for revision in &decision.revisions {
                prop_assert!(revision.ours && !used.revisions.contains(&revision.arn));
            }
            let kept: Vec<&Revision> = revisions.iter().filter(|it| !decision.revisions.contains(it)).collect();
            let named: Vec<&Place> = kept.iter().flat_map(|it| &it.images).chain(&used.images).collect();
            for image in &stored {
                let needed = used.digests.contains(&image.digest) || named.iter().any(|place| is_at(image, place));
                if needed {
                    prop_assert!(!goes.contains(image.digest.as_str()), "{} is in use", image.digest);
                }
                if !goes.contains(image.digest.as_str()) {
                    for part in &image.parts {
                        prop_assert!(!goes.contains(part.as_str()), "{part} stands in the list {}", image.digest);
                    }
                }
            }
            prop_assert_eq!(decision.images.len() + decision.images_kept, stored.len());
            prop_assert_eq!(decision.revisions.len() + decision.revisions_kept, revisions.len());
            // What was decided once is decided for good: a second look at what is left finds nothing more to take.
            let left: Vec<Stored> = stored.iter().filter(|it| !decision.images.contains(it)).cloned().collect();
            let kept: Vec<Revision> = kept.into_iter().cloned().collect();
            let again = decide(&kept, &left, &used, &keep);
            prop_assert_eq!(again.revisions, []);
        }
    }
}
