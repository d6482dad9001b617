//! Reads JSON objects member by member, remembering the path, so that a refusal can name the place.
//! The chatbot content is read with it, and so are the requests of the chatbot APIs that carry the content.
//!
//! A [`Members`] hands out each member once; what is left at the end is the `extra` of the typed value. Faults are
//! collected rather than thrown: a chatbot's author wants the whole list at once.

use serde_json::{Map, Value};

use super::{Extra, Violation, rule};

/// More faults than this in one document are not listed: the answer to a bad request stays small.
const MAX_FAULTS: usize = 20;

/// What was wrong so far.
#[derive(Default)]
pub struct Faults(Vec<Violation>);

impl Faults {
    /// Notes a fault.
    pub fn add(&mut self, path: impl Into<String>, rule: &'static str, detail: impl Into<String>) {
        if self.0.len() < MAX_FAULTS {
            self.0.push(Violation { path: path.into(), rule, detail: detail.into() });
        }
    }

    /// The value if there was no fault; else the faults, never none.
    pub fn finish<T>(mut self, value: Option<T>) -> Result<T, Vec<Violation>> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            _ => {
                if self.0.is_empty() {
                    self.add("", rule::REQUIRED, "missing");
                }
                Err(self.0)
            }
        }
    }
}

/// A word of the specification's lists.
pub trait Word: Sized + Copy + 'static {
    /// Every word of the list.
    const ALL: &'static [Self];

    /// The word as it is written.
    fn as_str(self) -> &'static str;

    /// The value of a word, compared exactly.
    fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|known| known.as_str() == word)
    }
}

/// Defines an enumeration whose variants are words of the specification.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$variant_meta])* $variant,)+ }

        impl $name {
            /// The word of the specification.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }

        impl $crate::bot::reader::Word for $name {
            const ALL: &'static [Self] = &[$(Self::$variant,)+];
            fn as_str(self) -> &'static str { $name::as_str(self) }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
    };
}
pub(super) use words;

/// The members of one object that were not taken yet.
pub struct Members {
    /// Where the object stands.
    pub path: String,
    map: Map<String, Value>,
}

impl Members {
    /// `None`, with a fault, if `value` is no object.
    pub fn of(path: impl Into<String>, value: Value, faults: &mut Faults) -> Option<Self> {
        let path = path.into();
        match value {
            Value::Object(map) => Some(Self { path, map }),
            other => {
                faults.add(path, rule::TYPE, format!("{} where an object belongs", kind(&other)));
                None
            }
        }
    }

    /// The path of a member.
    pub fn at(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// Whether a member is there and not `null`.
    pub fn has(&self, key: &str) -> bool {
        self.map.get(key).is_some_and(|value| !value.is_null())
    }

    /// The member, left where it is.
    pub fn peek(&self, key: &str) -> Option<&Value> {
        self.map.get(key)
    }

    /// Puts a member where it ought to have been.
    pub fn put(&mut self, key: &str, value: Value) {
        self.map.insert(key.to_owned(), value);
    }

    /// The member, taken out, unless it is absent or `null`.
    pub fn value(&mut self, key: &str) -> Option<Value> {
        self.map.remove(key).filter(|value| !value.is_null())
    }

    /// A string; an empty one counts as absent.
    pub fn string(&mut self, key: &str, faults: &mut Faults) -> Option<String> {
        match self.value(key)? {
            Value::String(text) => Some(text).filter(|text| !text.is_empty()),
            other => {
                faults.add(self.at(key), rule::TYPE, format!("{} where a string belongs", kind(&other)));
                None
            }
        }
    }

    /// A string that must be there.
    pub fn text(&mut self, key: &str, faults: &mut Faults) -> Option<String> {
        let absent = !self.has(key) || self.map.get(key) == Some(&Value::String(String::new()));
        if absent {
            faults.add(self.at(key), rule::REQUIRED, "missing");
            self.map.remove(key);
            return None;
        }
        self.string(key, faults)
    }

    /// An integer of at least 0.
    pub fn size(&mut self, key: &str, faults: &mut Faults) -> Option<u64> {
        let value = self.value(key)?;
        let size = value.as_u64();
        if size.is_none() {
            let detail = match &value {
                Value::Number(number) => format!("{number} where an integer of at least 0 belongs"),
                other => format!("{} where an integer belongs", kind(other)),
            };
            faults.add(self.at(key), rule::TYPE, detail);
        }
        size
    }

    /// A finite number.
    pub fn number(&mut self, key: &str, faults: &mut Faults) -> Option<f64> {
        let value = self.value(key)?;
        let number = value.as_f64().filter(|number| number.is_finite());
        if number.is_none() {
            faults.add(self.at(key), rule::TYPE, format!("{} where a number belongs", kind(&value)));
        }
        number
    }

    /// `true` or `false`, also as a string.
    pub fn flag(&mut self, key: &str, faults: &mut Faults) -> Option<bool> {
        match self.value(key)? {
            Value::Bool(flag) => Some(flag),
            Value::String(text) if text.is_empty() => None,
            Value::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
            Value::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
            other => {
                faults.add(self.at(key), rule::TYPE, format!("{} where true or false belongs", kind(&other)));
                None
            }
        }
    }

    /// One of a list of words.
    pub fn word<W: Word>(&mut self, key: &str, faults: &mut Faults) -> Option<W> {
        let word = self.string(key, faults)?;
        let known = W::from_word(&word);
        if known.is_none() {
            let words = W::ALL.iter().map(|known| known.as_str()).collect::<Vec<_>>().join(", ");
            let word: String = word.chars().take(40).collect();
            faults.add(self.at(key), rule::WORD, format!("{word:?} is not one of {words}"));
        }
        known
    }

    /// A member that must be there; `read` is one of the other methods.
    pub fn required<T>(
        &mut self,
        key: &str,
        faults: &mut Faults,
        read: impl FnOnce(&mut Self, &str, &mut Faults) -> Option<T>,
    ) -> Option<T> {
        if !self.has(key) {
            faults.add(self.at(key), rule::REQUIRED, "missing");
            return None;
        }
        read(self, key, faults)
    }

    /// An object.
    pub fn object(&mut self, key: &str, faults: &mut Faults) -> Option<Self> {
        let value = self.value(key)?;
        Self::of(self.at(key), value, faults)
    }

    /// An array, each item read with its path; items that cannot be read are left out, with a fault.
    pub fn list<T>(
        &mut self,
        key: &str,
        faults: &mut Faults,
        read: impl Fn(Self, &mut Faults) -> Option<T>,
    ) -> Option<Vec<T>> {
        let path = self.at(key);
        let items = match self.value(key)? {
            Value::Array(items) => items,
            other => {
                faults.add(path, rule::TYPE, format!("{} where an array belongs", kind(&other)));
                return None;
            }
        };
        let read = items.into_iter().enumerate().filter_map(|(index, item)| {
            let item = Self::of(format!("{path}[{index}]"), item, faults)?;
            read(item, faults)
        });
        Some(read.collect())
    }

    /// What nobody asked for.
    pub fn rest(self) -> Extra {
        self.map
    }
}

/// What a value is, with its article: `a string`, `an object`.
pub fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}
