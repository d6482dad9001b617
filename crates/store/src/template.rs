//! Templates: what a chatbot says with places left open for each recipient (`chatbot_api::template`).
//!
//! Family `templates`, key: the chatbot's address, zero byte, the template's name.

use rcs::Timestamp;
use rcs::address::Address;
use serde::{Deserialize, Serialize};

use crate::row::{Family, Row};
use crate::view::{View, Wants};
use crate::{Store, StoreError, damaged, mailbox};

/// Names a template: whose, and which.
pub type TemplateKey = (Address, String);

/// A template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Template {
    /// The chatbot in whose name it is said.
    pub chatbot: Address,
    /// Its name among the chatbot's: letters, digits, `-`, `_`, `.`.
    pub name: String,
    /// The template as JSON, already validated.
    pub source: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last replaced.
    pub changed_at: Timestamp,
}

impl Row for Template {
    type Key = TemplateKey;
    const FAMILY: Family = Family::Templates;
    const VERSION: u8 = 1;

    fn key_bytes((chatbot, name): &TemplateKey) -> Vec<u8> {
        let mut key = mailbox::prefix(chatbot);
        key.extend_from_slice(name.as_bytes());
        key
    }
}

impl Wants {
    /// A template.
    pub fn template(&mut self, key: &TemplateKey) {
        self.templates.push(key.clone());
    }

    /// The names of all templates of a chatbot.
    pub fn templates_of(&mut self, chatbot: &Address) {
        self.template_lists.push(chatbot.clone());
    }
}

impl View {
    /// A template; `None` when there is none of the name.
    pub fn template(&self, key: &TemplateKey) -> Option<&Template> {
        self.templates.get(key)
    }

    /// The names of a chatbot's templates, as they were when they were loaded.
    pub fn templates_of(&self, chatbot: &Address) -> &[TemplateKey] {
        self.template_lists.get(chatbot).map_or(&[], Vec::as_slice)
    }

    /// Adds or replaces a template.
    pub fn put_template(&mut self, template: Template) {
        self.templates.put((template.chatbot.clone(), template.name.clone()), Some(template));
    }

    /// Removes a template.
    pub fn remove_template(&mut self, key: &TemplateKey) {
        self.templates.put(key.clone(), None);
    }
}

impl Store {
    pub(crate) fn load_template_list(&self, chatbot: Address, view: &mut View) -> Result<(), StoreError> {
        let prefix = mailbox::prefix(&chatbot);
        let name = |key: &[u8]| std::str::from_utf8(&key[prefix.len()..]).ok().map(str::to_owned);
        let keys = self.keyspace(Family::Templates).prefix(&prefix).map(|guard| {
            let name = name(&guard.key()?).ok_or_else(|| damaged(Family::Templates))?;
            Ok((chatbot.clone(), name))
        });
        let keys = keys.collect::<Result<Vec<TemplateKey>, StoreError>>()?;
        view.template_lists.insert(chatbot, keys);
        Ok(())
    }

    /// One template.
    ///
    /// # Errors
    /// If the disk cannot be read or holds damaged rows.
    pub fn template(&self, key: &TemplateKey) -> Result<Option<Template>, StoreError> {
        self.get(key)
    }

    /// Up to `limit` templates by chatbot and name: of one chatbot, or of all.
    ///
    /// # Errors
    /// If the disk cannot be read or holds damaged rows.
    pub fn templates(&self, chatbot: Option<&Address>, limit: usize) -> Result<Vec<Template>, StoreError> {
        self.rows_under(chatbot.map(mailbox::prefix).unwrap_or_default(), limit)
    }
}
