//! Plans that would cost too much.
#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use hatoba_model::budget::Budget;

use super::super::testkit::{change, file};
use super::*;

fn budget(amount: &str) -> Dollars {
    let json = serde_json::json!({ "max_monthly": amount });
    serde_json::from_value::<Budget>(json).unwrap().max_monthly
}

#[test]
fn what_fits_is_let_through_to_the_cent() {
    // (0.25 × 0.04048 + 0.5 × 0.004445 + 0.005) × 730 = 12.660025
    let change = change(None, &file("us-east-1", "", ""));
    assert!(exceeded(budget("12.66"), &change).is_none());
    assert!(exceeded(budget("12.65"), &change).is_some());
}

#[test]
fn it_says_how_much_too_much_and_what_would_do() {
    let change = change(None, &file("us-east-1", "desired_count: 2", ""));
    let error = exceeded(budget("10"), &change).unwrap();
    assert_eq!(error.kind, Kind::Refused);
    assert_eq!(
        error.message,
        "it would cost $25.32 a month, $15.32 more than the budget of $10.00; nothing was changed"
    );
    assert_eq!(
        error.help,
        [
            "with `schedule: { start: \"cron(0 9 ? * MON-FRI *)\", stop: \"cron(0 18 ? * MON-FRI *)\" }` on its services: about $6.78 a month"
        ]
    );
    let error = exceeded(budget("0.50"), &change).unwrap();
    assert_eq!(error.help.len(), 5, "{:?}", error.help);
    assert!(error.help[1].starts_with("and with `capacity:"), "{:?}", error.help);
    assert!(error.help[4].contains("raise `max_monthly`"), "{:?}", error.help);
}

#[test]
fn what_is_stopped_by_hand_counts_as_started() {
    let mut change = change(None, &file("us-east-1", "desired_count: 2", ""));
    let nothing = "stack: papyrus\nregion: us-east-1\nclusters: { papyrus: {} }\n";
    change.after = super::super::testkit::change(None, nothing).after;
    assert_eq!(
        exceeded(budget("10"), &change).unwrap().message,
        "it would cost $25.32 a month once what is stopped is started again, $15.32 more than the budget of $10.00; nothing was changed"
    );
}

#[test]
fn without_prices_it_cannot_be_checked() {
    let error = exceeded(budget("20"), &change(None, &file("eu-south-2", "", ""))).unwrap();
    assert_eq!(error.kind, Kind::Refused);
    assert_eq!(
        error.message,
        "the budget of $20.00 a month cannot be checked: service.papyrus has no known price of vCPU; memory; public IPv4 address in eu-south-2; nothing was changed"
    );
}
