//! A plan as a pull request comment.

use hatoba_engine::plan::Plan;

use super::beside::Beside;
use super::change::{Action, changes, summary};
use super::line::{Line, write_all};
use super::plan::{notes, resource};
use super::{Style, safe};

/// GitHub refuses comments of 65,536 characters and more; a little room is left for what others put around it.
const LIMIT: usize = 65_000;
/// Room for the note that says that something was cut, and for the closing tags of what was.
const RESERVE: usize = 400;

/// A plan as Markdown: what it costs, what stands in the way, then one foldable part for each resource. Cut with a note where it would be too
/// long for a comment. `options` are those that commands in advice need.
pub(crate) fn plan(plan: &Plan, place: &str, cost: Option<&str>, beside: &Beside, options: &'static str) -> String {
    let style = Style { options, ..Style::plain(100) };
    let mut out = Comment::new();
    out.push(&format!("### hatoba: {}\n\n**{}**\n", escape(place), escape(&summary(plan))));
    if let Some(cost) = cost {
        out.push(&format!("\n{}\n", escape(cost)));
    }
    for refusal in &plan.refusals {
        let place =
            refusal.address.as_ref().map(|address| format!("{}: ", code(&address.to_string()))).unwrap_or_default();
        out.push(&format!(
            "\n> [!CAUTION]\n> {place}{}\n>\n> {}\n",
            escape(&refusal.problem),
            escape(&style.complete(&refusal.help))
        ));
    }
    for (address, reason) in &plan.unknown {
        out.push(&format!(
            "\n> [!WARNING]\n> {}: the state is unknown: {}\n",
            code(&address.to_string()),
            escape(reason)
        ));
    }
    for reason in &plan.unread {
        let text = "there may be more of this stack than is shown, because not everything could be looked for";
        out.push(&format!("\n> [!WARNING]\n> {text}: {}\n", escape(reason)));
    }
    for warning in &beside.warnings {
        let address = code(&warning.address.to_string());
        out.push(&format!(
            "\n> [!WARNING]\n> {address}: {}\n>\n> {}\n",
            escape(&warning.text),
            escape(&style.complete(&warning.help))
        ));
    }
    if let Some(reason) = &beside.not_compared {
        let text = "whether secrets changed after the tasks started is not known";
        out.push(&format!("\n> [!WARNING]\n> {text}: {}\n", escape(reason)));
    }
    let changes = changes(plan);
    for (at, change) in changes.iter().enumerate() {
        let step = change.step;
        let what = match change.action {
            Action::Create => "create",
            Action::Update => "update",
            Action::Replace => "**replace**",
            Action::Delete => "**delete**",
            Action::Release => "let go of",
            Action::Wait => "wait",
        };
        let lines = resource(change, beside, style);
        let body = write_all(lines.get(1..).unwrap_or_default(), style);
        let title = format!("{} {}", code(&format!("{} {}", change.action.sign(), step.address)), html(what));
        if !out.fold(&title, &body) {
            out.cut(changes.len() - at);
            return out.text;
        }
    }
    if !plan.notes.is_empty() {
        let lines: Vec<Line> = notes(plan);
        out.fold("What is left as it is", &write_all(&lines, style));
    }
    out.text
}

/// The comment, which knows how long it is.
struct Comment {
    text: String,
    length: usize,
}

impl Comment {
    fn new() -> Self {
        Self { text: String::new(), length: 0 }
    }

    /// Adds text, as far as there is room for it.
    fn push(&mut self, text: &str) {
        let room = (LIMIT - RESERVE).saturating_sub(self.length);
        let text: String = text.chars().take(room).collect();
        self.length += text.chars().count();
        self.text.push_str(&text);
    }

    /// Adds a foldable part, if there is room for at least its beginning; a long one loses its end.
    fn fold(&mut self, title: &str, body: &str) -> bool {
        let body: String = body.lines().map(|line| format!("{}\n", diff_line(line))).collect();
        // A fence longer than any in the text cannot be closed by it.
        let fence = "`".repeat(longest_run(&body, '`').max(2) + 1);
        let head = format!("\n<details><summary>{title}</summary>\n\n");
        let frame = head.chars().count() + 2 * fence.len() + 40;
        let room = (LIMIT - RESERVE).saturating_sub(self.length + frame);
        if room < 200 && body.chars().count() > room {
            return false;
        }
        let mut shown: String = body.chars().take(room).collect();
        let cut = shown.len() < body.len();
        if cut {
            shown.push_str("\n… cut\n");
        }
        let block = if shown.trim().is_empty() { String::new() } else { format!("{fence}diff\n{shown}{fence}\n\n") };
        let part = format!("{head}{block}</details>\n");
        self.length += part.chars().count();
        self.text.push_str(&part);
        !cut
    }

    /// Says that `left` resources are missing.
    fn cut(&mut self, left: usize) {
        let what = if left == 1 { "1 resource is".to_owned() } else { format!("{left} resources are") };
        self.text.push_str(&format!(
            "\n{what} not shown, or not to the end: too long for a comment. `hatoba plan` shows all.\n"
        ));
    }
}

/// Markdown and HTML in what comes from outside are shown, not obeyed.
fn escape(text: &str) -> String {
    let mut out = String::new();
    for c in safe(text).chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            // Backquotes are hatoba's own way of quoting names; they cannot do harm.
            '*' | '_' | '[' | ']' | '\\' | '|' | '@' | '#' | '!' | '~' | '$' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}

/// A name in the font of code, as HTML.
fn code(text: &str) -> String {
    let text = safe(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    format!("<code>{text}</code>")
}

/// What is done, as HTML: the summary of a foldable part is no Markdown.
fn html(what: &str) -> String {
    match what.strip_prefix("**").and_then(|rest| rest.strip_suffix("**")) {
        Some(strong) => format!("<b>{strong}</b>"),
        None => what.to_owned(),
    }
}

/// GitHub colours lines of a diff by their first character, so the indent goes, and changes get the sign that it knows.
fn diff_line(line: &str) -> String {
    let line = line.strip_prefix("    ").unwrap_or(line);
    let inner = line.trim_start();
    let indent = line.len() - inner.len();
    match inner.get(..2) {
        Some(sign @ ("+ " | "- ")) if indent == 4 => {
            format!("{}{}{}", sign.trim_end(), " ".repeat(indent), &inner[1..])
        }
        _ => match line.strip_prefix("~ ") {
            Some(rest) => format!("! {rest}"),
            None => line.to_owned(),
        },
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

#[cfg(test)]
mod tests {
    use hatoba_engine::value::Value;

    use super::super::testkit::{self, change, create, set};
    use super::*;

    #[test]
    fn one_foldable_part_for_each_resource() {
        let update = testkit::update(
            "papyrus",
            vec![
                change("size", Some(Value::Int(1)), Some(Value::Int(2))),
                change("document", Some(Value::Doc("a\nb".into())), Some(Value::Doc("a\nc".into()))),
            ],
        );
        assert_eq!(
            plan(
                &testkit::plan(vec![update]),
                "stack papyrus",
                Some("Cost: $1.00 → $2.00 a month."),
                &Beside::default(),
                ""
            ),
            "### hatoba: stack papyrus

**Plan: 0 to add, 1 to change, 0 to replace, 0 to delete.**

Cost: \\$1.00 → \\$2.00 a month.

<details><summary><code>~ thing.papyrus</code> update</summary>

```diff
! size  1 → 2
! document:
      a
-     b
+     c
```

</details>
"
        );
    }

    #[test]
    fn fences_and_tags_in_values_stay_text() {
        let text = Value::text("x\n```\n</details>@everyone");
        let made = plan(
            &testkit::plan(vec![create("papyrus", vec![set("document", text)])]),
            "<b>*papyrus*",
            None,
            &Beside::default(),
            "",
        );
        assert!(made.contains("````diff\n"), "{made}");
        assert!(made.starts_with("### hatoba: &lt;b&gt;\\*papyrus\\*\n"), "{made}");
    }

    #[test]
    fn too_long_is_cut_with_a_note_that_counts() {
        let long: String = (0..2000).map(|n| format!("line {n} of a long document\n")).collect();
        let steps = (0..5).map(|n| create(&format!("r{n}"), vec![set("document", Value::Doc(long.clone()))])).collect();
        let made = plan(&testkit::plan(steps), "stack papyrus", None, &Beside::default(), "");
        assert!(made.chars().count() < 65_536, "{}", made.chars().count());
        assert!(made.ends_with(
            "4 resources are not shown, or not to the end: too long for a comment. `hatoba plan` shows all.\n"
        ));
        assert_eq!(made.matches("<details>").count(), made.matches("</details>").count());
        assert_eq!(made.matches("```").count() % 2, 0);
    }
}
