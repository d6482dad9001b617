//! Tenants: who owns chatbots, and what all chatbots of one may use together.

use std::collections::BTreeMap;

use message_centre::Work;
use rcs::address::Address;
use rustc_hash::FxHashMap;
use serde::Deserialize;
use store::{Quota, Tenant};
use utoipa::ToSchema;

use super::{Answer, invalid};
use crate::Maap;
use crate::rate::{Account, Limits};

/// Longest id of a tenant, in characters.
const ID_CHARS_MAX: usize = 40;
/// Longest name, in characters.
const NAME_CHARS_MAX: usize = 100;
/// The most tenants: they are held in memory.
const TENANTS_MAX: usize = 10_000;

/// Changes of a tenant, as JSON has them. An absent member leaves things as they are; a quota of 0 takes the limit away.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
#[schema(example = json!({ "name": "Acme 2" }))]
pub struct TenantChange {
    /// What people call it, 1 to 100 characters.
    pub name: Option<String>,
    /// Whether its keys open nothing and its chatbots may not send.
    pub suspended: Option<bool>,
    /// Chatbots.
    pub chatbots: Option<u32>,
    /// Messages a second of all its chatbots, counted by addressee.
    pub messages_per_second: Option<u32>,
    /// Messages a day of all its chatbots, counted by addressee.
    pub messages_per_day: Option<u64>,
    /// Messages a month of all its chatbots, counted by addressee.
    pub messages_per_month: Option<u64>,
}

/// What is known of tenants in memory: who has a quota is asked with every message.
#[derive(Debug, Default)]
pub(crate) struct Tenants {
    all: FxHashMap<String, Hot>,
    owners: FxHashMap<Address, String>,
}

#[derive(Debug)]
struct Hot {
    is_suspended: bool,
    quota: Quota,
}

impl Tenants {
    pub(crate) fn new(tenants: Vec<Tenant>, owners: BTreeMap<Address, String>) -> Self {
        let mut known = Self { all: FxHashMap::default(), owners: owners.into_iter().collect() };
        tenants.iter().for_each(|tenant| known.put(tenant));
        known
    }

    fn put(&mut self, tenant: &Tenant) {
        let hot = Hot { is_suspended: tenant.is_suspended, quota: tenant.quota };
        self.all.insert(tenant.id.clone(), hot);
    }

    fn chatbots_of(&self, tenant: &str) -> usize {
        self.owners.values().filter(|owner| *owner == tenant).count()
    }

    /// Whose a chatbot is; `None` for the operator's.
    pub(crate) fn of(&self, chatbot: &Address) -> Option<&String> {
        self.owners.get(chatbot)
    }

    /// A chatbot is gone.
    pub(crate) fn forget(&mut self, chatbot: &Address) {
        self.owners.remove(chatbot);
    }

    /// Whether a tenant may have one chatbot more.
    pub(crate) fn has_room(&self, tenant: &str) -> Result<(), String> {
        let Some(hot) = self.all.get(tenant) else { return Err(format!("there is no tenant {tenant}")) };
        match hot.quota.chatbots {
            Some(most) if self.chatbots_of(tenant) >= most as usize => {
                Err(format!("tenant {tenant} may have {most} chatbots, and has them"))
            }
            _ => Ok(()),
        }
    }

    /// A chatbot is a tenant's from now on.
    pub(crate) fn own(&mut self, chatbot: &Address, tenant: &str) {
        self.owners.insert(chatbot.clone(), tenant.to_owned());
    }

    /// Whether the tenant of a chatbot is suspended.
    pub(crate) fn is_suspended(&self, chatbot: &Address) -> bool {
        let tenant = self.owners.get(chatbot).and_then(|tenant| self.all.get(tenant));
        tenant.is_some_and(|hot| hot.is_suspended)
    }

    /// Under what the messages of a chatbot's tenant are counted, and what is allowed; `None` if nothing limits them.
    pub(crate) fn account(&self, chatbot: &Address) -> Option<Account> {
        let tenant = self.owners.get(chatbot)?;
        let quota = self.all.get(tenant)?.quota;
        let limits = Limits {
            per_second: quota.messages_per_second.unwrap_or(u32::MAX),
            per_day: quota.messages_per_day,
            per_month: quota.messages_per_month,
        };
        let is_limited = quota != Quota { chatbots: quota.chatbots, ..Quota::default() };
        // No chatbot's address begins so.
        is_limited.then(|| Account { whose: format!("tenant:{tenant}"), limits })
    }

    pub(crate) fn exists(&self, tenant: &str) -> bool {
        self.all.contains_key(tenant)
    }
}

impl Maap {
    pub(super) fn create_tenant(&mut self, id: String, change: &TenantChange, work: &mut Work<'_>) -> Answer {
        let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if id.is_empty() || id.len() > ID_CHARS_MAX || !id.bytes().all(is_plain) || id.starts_with('-') {
            return invalid("id: 1 to 40 lower-case letters, digits and hyphens");
        }
        if work.view.tenant(&id).is_some() {
            return Answer::Conflict(format!("tenant {id} exists already"));
        }
        if self.managed.tenants.all.len() >= TENANTS_MAX {
            return Answer::Conflict(format!("there are {TENANTS_MAX} tenants already"));
        }
        let (created_at, changed_at) = (work.now, work.now);
        let quota = Quota::default();
        let tenant = Tenant { name: id.clone(), id, is_suspended: false, quota, created_at, changed_at };
        self.put_tenant(tenant, change, work)
    }

    pub(super) fn update_tenant(&mut self, id: &str, change: &TenantChange, work: &mut Work<'_>) -> Answer {
        match work.view.tenant(id).cloned() {
            Some(tenant) => self.put_tenant(Tenant { changed_at: work.now, ..tenant }, change, work),
            None => Answer::NotFound("tenant"),
        }
    }

    fn put_tenant(&mut self, mut tenant: Tenant, change: &TenantChange, work: &mut Work<'_>) -> Answer {
        if let Some(name) = change.name.as_deref().map(str::trim) {
            if name.is_empty() || name.chars().count() > NAME_CHARS_MAX || name.chars().any(char::is_control)
            {
                return invalid("name: 1 to 100 characters");
            }
            tenant.name = name.to_owned();
        }
        tenant.is_suspended = change.suspended.unwrap_or(tenant.is_suspended);
        let quota = &mut tenant.quota;
        if let Some(chatbots) = change.chatbots {
            quota.chatbots = (chatbots > 0).then_some(chatbots);
        }
        if let Some(messages) = change.messages_per_second {
            quota.messages_per_second = (messages > 0).then_some(messages);
        }
        if let Some(messages) = change.messages_per_day {
            quota.messages_per_day = (messages > 0).then_some(messages);
        }
        if let Some(messages) = change.messages_per_month {
            quota.messages_per_month = (messages > 0).then_some(messages);
        }
        self.managed.tenants.put(&tenant);
        self.managed.campaigns.limits_changed(work.now);
        work.view.put_tenant(tenant.clone());
        Answer::Tenant(Box::new(tenant))
    }

    pub(super) fn remove_tenant(&mut self, id: &str, work: &mut Work<'_>) -> Answer {
        if work.view.tenant(id).is_none() {
            return Answer::NotFound("tenant");
        }
        let chatbots = self.managed.tenants.chatbots_of(id);
        if chatbots > 0 {
            return Answer::Conflict(format!(
                "tenant {id} has {chatbots} chatbots; remove or give them away first"
            ));
        }
        work.view.remove_tenant(id);
        // Whoever gets the id next is somebody else, and these keys are not theirs.
        let keys = work.view.api_keys_of(id).to_vec();
        keys.iter().for_each(|key| work.view.remove_api_key(key));
        self.managed.tenants.all.remove(id);
        Answer::Done
    }

    pub(super) fn give_chatbot(
        &mut self,
        chatbot: &Address,
        tenant: Option<String>,
        work: &mut Work<'_>,
    ) -> Answer {
        if work.view.chatbot(chatbot).is_none() {
            return Answer::NotFound("chatbot");
        }
        if self.managed.tenants.owners.get(chatbot) == tenant.as_ref() {
            return Answer::Done;
        }
        if let Some(tenant) = &tenant
            && let Err(why) = self.managed.tenants.has_room(tenant)
        {
            return Answer::Conflict(why);
        }
        match &tenant {
            Some(tenant) => self.managed.tenants.own(chatbot, tenant),
            None => self.managed.tenants.forget(chatbot),
        }
        self.managed.campaigns.limits_changed(work.now);
        work.view.put_owner(chatbot, tenant);
        Answer::Done
    }
}
