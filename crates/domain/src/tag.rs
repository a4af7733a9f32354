//! Tags.

use std::collections::HashSet;

use thiserror::Error;

use crate::search::fold;

/// A tag: 1 to [`Tag::MAX_CHARS`] code points without white space around them, no comma, no U+0000. Tags that differ only
/// in case are the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    name: String,
    folded: String,
}

/// The tags of a todo: at most [`Tags::MAX`], in the order in which they were given, each once.
///
/// Kept as the databases store them, so that reading many todos is fast.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tags {
    /// The names, joined by commas.
    joined: String,
}

/// What is wrong with a tag. The message says how to fix it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum InvalidTag {
    /// It has no characters, or only white space.
    #[error("must contain at least one character that is not white space")]
    Blank,
    /// It is too long.
    #[error("must be at most {max} characters long, but has {actual}", max = Tag::MAX_CHARS)]
    TooLong {
        /// The code points that were given, without the white space around them.
        actual: usize,
    },
    /// It contains a comma.
    #[error("must not contain a comma")]
    Comma,
    /// It contains U+0000.
    #[error("must not contain the character U+0000")]
    Nul,
}

/// There are more than [`Tags::MAX`] tags.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must be at most {max} tags, but has {actual}", max = Tags::MAX)]
pub struct TooManyTags {
    /// The number of tags that were given.
    pub actual: usize,
}

/// How a patch changes the tags of a todo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TagsPatch {
    /// Replaces them.
    Set(Tags),
    /// Removes some, and adds others at the end. A tag that the todo already has keeps its name and its place. No tag is
    /// both removed and added.
    Edit {
        /// The tags to add.
        add: Tags,
        /// The tags to remove.
        remove: Tags,
    },
    /// Renames a tag, in its place. If the todo also has the other one, that is removed.
    Rename {
        /// The tag to rename.
        from: Tag,
        /// Its new name.
        to: Tag,
    },
}

/// How many todos have a tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagCount {
    /// The name of the tag; if todos spell it differently, the first spelling in the order of code points.
    pub name: String,
    /// The number of todos.
    pub count: u64,
}

impl TagCount {
    /// At most so many are told, by name, so that the memory that they take is bounded.
    pub const MAX: u32 = 20_000;
}

impl Tag {
    /// The maximum length of a tag in code points.
    pub const MAX_CHARS: usize = 50;

    /// Makes a tag of a text. White space around it is removed.
    ///
    /// # Errors
    /// [`InvalidTag`] if it is blank, too long, or contains a comma or U+0000.
    pub fn new(text: &str) -> Result<Self, InvalidTag> {
        let name = text.trim();
        Self::check(name)?;
        Ok(Self::from_valid(name))
    }

    /// Checks a name without white space around it.
    fn check(name: &str) -> Result<(), InvalidTag> {
        let actual = name.chars().count();
        match actual {
            0 => Err(InvalidTag::Blank),
            _ if actual > Self::MAX_CHARS => Err(InvalidTag::TooLong { actual }),
            _ if name.contains(',') => Err(InvalidTag::Comma),
            _ if name.contains('\0') => Err(InvalidTag::Nul),
            _ => Ok(()),
        }
    }

    fn from_valid(name: &str) -> Self {
        Self { name: name.to_owned(), folded: fold(name).into_owned() }
    }

    /// Its name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.name
    }

    /// Its name, folded: what is the same for the same tag.
    #[must_use]
    pub fn as_folded_str(&self) -> &str {
        &self.folded
    }

    /// Its folded name between two commas, as in [`Tags::folded`].
    #[must_use]
    pub fn in_commas(&self) -> String {
        format!(",{},", self.folded)
    }

    /// Whether both are the same tag.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.folded == other.folded
    }
}

impl From<Tag> for Tags {
    fn from(tag: Tag) -> Self {
        Self { joined: tag.name }
    }
}

impl Tags {
    /// The maximum number of tags of a todo.
    pub const MAX: usize = 20;

    /// Of tags that are the same, the first one is kept.
    ///
    /// # Errors
    /// [`TooManyTags`] if there are more than [`Tags::MAX`], repeated ones included.
    pub fn new(tags: Vec<Tag>) -> Result<Self, TooManyTags> {
        if tags.len() > Self::MAX {
            return Err(TooManyTags { actual: tags.len() });
        }
        Self::without_repeated(tags)
    }

    fn without_repeated(mut tags: Vec<Tag>) -> Result<Self, TooManyTags> {
        let mut seen = HashSet::new();
        tags.retain(|tag| seen.insert(tag.folded.clone()));
        if tags.len() > Self::MAX {
            return Err(TooManyTags { actual: tags.len() });
        }
        let names: Vec<_> = tags.iter().map(Tag::as_str).collect();
        Ok(Self { joined: names.join(",") })
    }

    /// Reads what [`Tags::as_joined_str`] returned.
    ///
    /// # Errors
    /// [`InvalidTag`] if one of them is invalid.
    pub fn from_joined(joined: impl Into<String>) -> Result<Self, InvalidTag> {
        let tags = Self { joined: joined.into() };
        tags.iter().try_for_each(Tag::check)?;
        Ok(tags)
    }

    /// Their names, joined by commas: what the databases store.
    #[must_use]
    pub fn as_joined_str(&self) -> &str {
        &self.joined
    }

    /// Their folded names, each between two commas; empty without tags. A tag is among them if the text contains
    /// [`Tag::in_commas`].
    #[must_use]
    pub fn folded(&self) -> String {
        self.iter().fold(String::new(), |text, name| {
            let start = if text.is_empty() { "," } else { "" };
            text + start + &fold(name) + ","
        })
    }

    /// Their names, in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.joined.split(',').filter(|name| !name.is_empty())
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.joined.is_empty()
    }

    /// Whether this tag is among them.
    #[must_use]
    pub fn contains(&self, tag: &Tag) -> bool {
        self.iter().any(|name| fold(name) == tag.folded)
    }

    /// The tags after a patch.
    ///
    /// # Errors
    /// [`TooManyTags`] if there would be more than [`Tags::MAX`].
    pub fn patched(&self, patch: &TagsPatch) -> Result<Self, TooManyTags> {
        let own = self.iter().map(Tag::from_valid);
        let tags = match patch {
            TagsPatch::Set(tags) => return Ok(tags.clone()),
            TagsPatch::Edit { add, remove } => {
                let kept = own.filter(|tag| !remove.contains(tag));
                kept.chain(add.iter().map(Tag::from_valid)).collect()
            }
            TagsPatch::Rename { from, .. } if !self.contains(from) => return Ok(self.clone()),
            TagsPatch::Rename { from, to } => {
                let kept = own.filter(|tag| !tag.is_same(to) || tag.is_same(from));
                kept.map(|tag| if tag.is_same(from) { to.clone() } else { tag }).collect()
            }
        };
        Self::without_repeated(tags)
    }
}

#[cfg(test)]
mod tests;
