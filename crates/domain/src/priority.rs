//! How important a todo is.

/// The priority of a todo, in the order of importance.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// Less important than others.
    Low,
    /// The default.
    #[default]
    Medium,
    /// More important than others.
    High,
}

impl Priority {
    /// All of them, in order.
    pub const ALL: [Self; 3] = [Self::Low, Self::Medium, Self::High];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }

    /// The priority with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|priority| priority.name() == name)
    }

    /// A number for it, from 1 on, in the same order: what the databases store.
    #[must_use]
    pub fn rank(self) -> u8 {
        match self {
            Self::Low => 1,
            Self::Medium => 2,
            Self::High => 3,
        }
    }

    /// The priority with this number.
    #[must_use]
    pub fn from_rank(rank: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|priority| i64::from(priority.rank()) == rank)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn priorities_are_ordered_by_importance_not_by_name() {
        assert!(Priority::ALL.is_sorted());
        assert!(Priority::ALL.is_sorted_by_key(|priority| priority.rank()));
        assert!(!Priority::ALL.is_sorted_by_key(|priority| priority.name()));
    }

    #[test]
    fn names_and_ranks_are_read_back() {
        for priority in Priority::ALL {
            assert_eq!(Priority::from_name(priority.name()), Some(priority));
            assert_eq!(Priority::from_rank(priority.rank().into()), Some(priority));
        }
        for name in ["", "High", "urgent", "1"] {
            assert_eq!(Priority::from_name(name), None, "{name}");
        }
        assert_eq!((Priority::from_rank(0), Priority::from_rank(4)), (None, None));
    }
}
