//! A plan as a pull request comment.

use hatoba_engine::plan::Plan;

use super::Style;

/// GitHub refuses comments of 65,536 characters and more; a little room is left for what others put around it.
const LIMIT: usize = 65_000;

/// A plan as Markdown, cut with a note where it would be too long.
pub(crate) fn plan(plan: &Plan, place: &str) -> String {
    let style = Style { colour: false, width: 100 };
    let text = super::plan::text(plan, place, style);
    // A fence longer than any in the text cannot be closed by it.
    let fence = "`".repeat(longest_run(&text, '`').max(2) + 1);
    let summary = super::plan::summary(plan);
    let open = if plan.is_empty() { "" } else { " open" };
    let head = format!("### hatoba: {place}\n\n**{summary}**\n\n<details{open}><summary>Details</summary>\n\n{fence}diff\n");
    let tail = format!("\n{fence}\n\n</details>\n");
    let note = "\n… cut: too long for a comment; run `hatoba plan` to see all of it";
    let mut body: String = text.lines().map(diff_line).collect::<Vec<_>>().join("\n");
    let room = LIMIT.saturating_sub(head.chars().count() + tail.chars().count() + note.chars().count());
    if body.chars().count() > room {
        body = body.chars().take(room).collect();
        body.push_str(note);
    }
    format!("{head}{body}{tail}")
}

/// GitHub colours lines that begin with a sign, so changes get one that it knows.
fn diff_line(line: &str) -> String {
    match line.strip_prefix("~ ").or_else(|| line.strip_prefix("± ")) {
        Some(rest) => format!("! {rest}"),
        None => line.to_owned(),
    }
}

fn longest_run(text: &str, of: char) -> usize {
    let mut longest = 0;
    let mut run = 0;
    for c in text.chars() {
        run = if c == of { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}
