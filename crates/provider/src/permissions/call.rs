//! What a call to AWS is: its name, when it is made, and what IAM wants to see for it.
//!
//! An error can only be made from a [`Call`], and a [`Call`] only stands in a table, so that no call is without. Which action takes which resource
//! is taken from AWS's service authorization reference.

use std::fmt;

use hatoba_engine::desired::{Desired, Goal};
use hatoba_engine::snapshot::Sighting;
use hatoba_engine::value::{Fields, Value};
use hatoba_model::facts::Facts;
use hatoba_model::iam::permission::Given;

/// One operation of AWS as this crate calls it.
#[derive(Debug)]
pub struct Call {
    /// The service and the operation: `logs:CreateLogGroup`.
    pub name: &'static str,
    /// In which runs it is made.
    pub mode: Mode,
    /// The actions that whoever makes it must be allowed. Usually the first is the operation itself.
    pub needs: &'static [Need],
}

/// In which runs a call is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    /// In all: to find out what there is.
    Plan,
    /// In `plan` and in `apply`: what a deletion takes along without a look at it.
    Compare,
    /// In `apply` and in `destroy`: to look again before something is changed, and to take marks off.
    Change,
    /// In `apply`.
    Apply,
    /// In `destroy`; also in an `apply` that replaces something, or removes what has left the file.
    Destroy,
    /// In `verify`, and in `apply`, which checks what it is about to change.
    Verify,
    /// In none of these: by `deploy`, whose permissions are those of the grant, or by `doctor`, which says what it may not ask.
    Aside,
}

/// What somebody wants to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Run {
    /// `hatoba plan`.
    Plan,
    /// `hatoba apply`: what it takes to create and to change, not to delete.
    Apply,
    /// `hatoba destroy`.
    Destroy,
    /// `hatoba verify`.
    Verify,
}

impl Mode {
    /// Whether a run makes calls of this mode.
    pub fn is_part_of(self, run: Run) -> bool {
        match self {
            Self::Plan => true,
            Self::Compare => run != Run::Destroy,
            Self::Change => matches!(run, Run::Apply | Run::Destroy),
            Self::Apply => run == Run::Apply,
            Self::Destroy => run == Run::Destroy,
            Self::Verify => matches!(run, Run::Verify | Run::Apply),
            Self::Aside => false,
        }
    }
}

/// One action that a call needs.
pub struct Need {
    /// The action: `logs:TagResource`.
    pub action: &'static str,
    /// On what.
    pub on: Form,
}

impl fmt::Debug for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Need").field("action", &self.action).finish_non_exhaustive()
    }
}

/// What the ARNs of a need follow from.
#[derive(Clone, Copy)]
pub enum Form {
    /// From each resource of the kind.
    Each(fn(&Subject<'_>) -> On),
    /// From the file as a whole, whether or not it has resources of the kind.
    Stack(fn(&Whole<'_>) -> On),
}

/// A file as far as permissions depend on it.
#[derive(Clone, Copy, Debug)]
pub struct Whole<'a> {
    /// Account and region.
    pub facts: &'a Facts,
    /// Everything that is wanted.
    pub goal: &'a Goal,
}

/// For actions that support no resource, where the kind is in the file.
pub(crate) const ANY: Form = Form::Each(|_| On::any());
/// For actions that support no resource and are made whatever the file has.
pub(crate) const ALWAYS: Form = Form::Stack(|_| On::any());

/// Resources with the condition under which they are meant; nothing when the call is not made for this file.
#[derive(Clone, Debug, Default)]
pub struct On(pub(crate) Vec<(String, Option<Given>)>);

impl On {
    /// No resource, because the action supports none.
    pub(crate) fn any() -> Self {
        Self::arn("*")
    }

    /// One ARN.
    pub(crate) fn arn(arn: impl Into<String>) -> Self {
        Self::arns([arn])
    }

    /// Several ARNs.
    pub(crate) fn arns<T: Into<String>>(arns: impl IntoIterator<Item = T>) -> Self {
        Self(arns.into_iter().map(|arn| (arn.into(), None)).collect())
    }

    /// Only where this is so.
    #[must_use]
    pub(crate) fn when(self, so: bool) -> Self {
        if so { self } else { Self::default() }
    }

    /// Only under a condition.
    #[must_use]
    pub(crate) fn given(mut self, operator: &'static str, key: &'static str, value: impl Into<String>) -> Self {
        let given = Given::new(operator, key, value);
        self.0.iter_mut().for_each(|(_, condition)| *condition = Some(given.clone()));
        self
    }
}

impl FromIterator<String> for On {
    fn from_iter<I: IntoIterator<Item = String>>(arns: I) -> Self {
        Self::arns(arns)
    }
}

/// A resource as far as permissions depend on it.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// Account and region.
    pub facts: &'a Facts,
    /// Its name in AWS.
    pub name: &'a str,
    /// Where it lives, if its name is only unique there.
    pub scope: Option<&'a str>,
    /// What is wanted of it, or what is there.
    pub fields: &'a Fields,
    /// Whether it is only used and not managed here.
    pub existing: bool,
    /// Whether our tags may have to be taken off it instead of deleting it.
    pub may_stay: bool,
    /// Whether what is inside may be deleted with it.
    pub may_empty: bool,
    /// Whether the file has others of its kind.
    pub has_siblings: bool,
    /// For which run.
    pub run: Run,
}

impl<'a> Subject<'a> {
    /// A resource of the file.
    pub(crate) fn of_wish(want: &'a Desired, facts: &'a Facts, run: Run, has_siblings: bool) -> Self {
        Self {
            facts,
            name: &want.name,
            scope: want.scope.as_deref(),
            fields: &want.fields,
            existing: want.existing,
            may_stay: want.retain || want.adopt,
            may_empty: want.on_destroy.may_empty(),
            has_siblings,
            run,
        }
    }

    /// A resource that is there.
    pub(crate) fn of_sighting(live: &'a Sighting, facts: &'a Facts, run: Run) -> Self {
        Self {
            facts,
            name: &live.name,
            scope: live.scope.as_deref(),
            fields: &live.fields,
            existing: false,
            may_stay: true,
            may_empty: live.on_destroy.may_empty(),
            has_siblings: false,
            run,
        }
    }

    /// An ARN in the region: `log-group:/ecs/papyrus` of `logs`.
    pub(crate) fn arn(&self, service: &str, resource: impl fmt::Display) -> String {
        self.facts.arn(service, resource)
    }

    /// The ARN of something of IAM with a path of its own: `role`, `user`, `policy`.
    pub(crate) fn iam(&self, noun: &str) -> String {
        let path = self.text("path").unwrap_or("/");
        self.facts.iam_arn(format_args!("{noun}{path}{}", self.name))
    }

    /// Whether a field is set, and not empty.
    pub(crate) fn has(&self, field: &str) -> bool {
        match self.fields.get(field) {
            None => false,
            Some(Value::List(items)) => !items.is_empty(),
            Some(Value::Map(parts)) => !parts.is_empty(),
            Some(_) => true,
        }
    }

    /// The text of a field.
    pub(crate) fn text(&self, field: &str) -> Option<&'a str> {
        self.fields.get(field)?.as_text()
    }

    /// Whether its tags have to be taken off: in `apply` for tags that somebody added, in `destroy` where it stays.
    pub(crate) fn untags(&self) -> bool {
        self.run != Run::Destroy || self.may_stay
    }
}

/// Makes the table of the calls of a file, and a constant for each: its mode, its operation, and what that needs. An action without a resource form of
/// its own would not compile.
///
/// ```ignore
/// calls! {
///     CREATE_LOG_GROUP: Apply "logs:CreateLogGroup" => GROUP, "logs:TagResource" => GROUP;
/// }
/// ```
macro_rules! calls {
    (aside: $($NAME:ident: $call:literal;)*) => {
        $(
            #[doc = concat!("`", $call, "`")]
            pub(crate) static $NAME: $crate::permissions::call::Call = $crate::permissions::call::Call {
                name: $call,
                mode: $crate::permissions::call::Mode::Aside,
                needs: &[],
            };
        )*
    };
    ($($NAME:ident: $mode:ident $call:literal $(=> $form:expr $(, $action:literal => $also:expr)*)?;)*) => {
        $(
            #[doc = concat!("`", $call, "`")]
            pub(crate) static $NAME: $crate::permissions::call::Call = $crate::permissions::call::Call {
                name: $call,
                mode: $crate::permissions::call::Mode::$mode,
                needs: &[$(
                    $crate::permissions::call::Need { action: $call, on: $form },
                    $($crate::permissions::call::Need { action: $action, on: $also },)*
                )?],
            };
        )*
        /// The calls that are made here.
        pub(crate) static CALLS: &[&$crate::permissions::call::Call] = &[$(&$NAME),*];
    };
}
pub(crate) use calls;
