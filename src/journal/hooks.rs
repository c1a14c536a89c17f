//! What is configured to happen after a delivery.

/// What is to happen after a delivery.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hooks {
    /// A command is run once after a run that has delivered something.
    pub exec: bool,
    /// What is delivered is handed over, too.
    pub handover: bool,
}
