//! What the tests print.

use std::fmt;

/// Rows of numbers under headings.
#[derive(Clone, Debug)]
pub struct Table {
    headings: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table without rows.
    pub fn new(headings: &[&str]) -> Self {
        Self { headings: headings.iter().map(|text| (*text).to_owned()).collect(), rows: Vec::new() }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = |f: &mut fmt::Formatter<'_>, cells: &[String]| {
            for (n, cell) in cells.iter().enumerate() {
                let all = self.rows.iter().chain([&self.headings]);
                let width = all.filter_map(|row| row.get(n)).map(|cell| cell.chars().count()).max().unwrap_or_default();
                write!(f, "{}{cell:<width$}", if n == 0 { "| " } else { " | " })?;
            }
            writeln!(f, " |")
        };
        line(f, &self.headings)?;
        let rules: Vec<String> = self.headings.iter().map(|_| "---".to_owned()).collect();
        line(f, &rules)?;
        self.rows.iter().try_for_each(|row| line(f, row))
    }
}
