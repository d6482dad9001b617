//! What administrators manage beside chatbots themselves: templates, campaigns, tenants, keys of the administration API, and
//! the audit log of what was done with them.
//!
//! - `templates.rs`, `campaigns.rs`: what is said to many, and the calls about it; `walk.rs` sends; `hours.rs` says when it may.
//! - `tenants.rs`: who owns chatbots, and what they may use; `keys.rs`: who may administer what.
//! - `audit.rs`: a row for every act, before and after it.
//!
//! Who may make which call is decided at the edge, before the call gets here.

mod audit;
mod campaigns;
mod hours;
mod keys;
mod templates;
mod tenants;
mod walk;

use std::collections::BTreeMap;

use message_centre::Work;
use rcs::address::Address;
use rcs::local_time::LocalTime;
use serde_json::Value;
use store::{
    Act, ApiKey, Campaign, CampaignId, EntryId, Plan, Progress, Recipient, TemplateKey, Tenant, Wants,
};

pub use campaigns::{Limits as CampaignLimits, NewCampaign, PlanChange, PlanText, Steering};
pub(crate) use hours::next_open;
pub use hours::opens_at;
pub use keys::{NewKey, halves as key_halves};
pub use templates::{TEMPLATE_LIMITS, read as read_template};
pub use tenants::TenantChange;
pub use walk::Step;

use crate::Maap;
use tenants::Tenants;
use walk::Campaigns;

/// A call about what is managed.
#[derive(Debug, Clone)]
pub enum Call {
    /// Adds or replaces a template. Answered with [`Answer::Made`] or [`Answer::Done`].
    PutTemplate {
        /// Whose, and which.
        key: TemplateKey,
        /// As JSON.
        source: Value,
    },
    /// Removes a template; campaigns that were made from it go on. Answered with [`Answer::Done`].
    RemoveTemplate(TemplateKey),
    /// A new campaign. Answered with [`Answer::Campaign`].
    CreateCampaign(Box<NewCampaign>),
    /// Recipients for a campaign that does not run. Those who are there already are counted and not taken again. Answered with
    /// [`Answer::Uploaded`].
    AddRecipients {
        /// The campaign.
        campaign: CampaignId,
        /// At most [`store::campaign::PAGE`].
        recipients: Vec<Recipient>,
    },
    /// Starts, pauses, resumes, cancels. Answered with [`Answer::Campaign`].
    Steer(CampaignId, Steering),
    /// Another plan. Answered with [`Answer::Campaign`].
    ChangePlan(CampaignId, Box<PlanChange>),
    /// Removes a campaign that does not run. Answered with [`Answer::Done`]; its rows go page by page.
    RemoveCampaign(CampaignId),
    /// A new tenant. Answered with [`Answer::Tenant`].
    CreateTenant(String, Box<TenantChange>),
    /// Changes what is given. Answered with [`Answer::Tenant`].
    UpdateTenant(String, Box<TenantChange>),
    /// Removes a tenant without chatbots, and its keys. Answered with [`Answer::Done`].
    RemoveTenant(String),
    /// Gives a chatbot to a tenant, or back to the operator. Answered with [`Answer::Done`].
    GiveChatbot(Address, Option<String>),
    /// A new key. Answered with [`Answer::Key`].
    CreateKey(Box<NewKey>),
    /// A new secret for a key; the old one is good for so many seconds more. Answered with [`Answer::Key`].
    RotateKey {
        /// The key's public half.
        id: String,
        /// How long the old secret stays good.
        overlap_s: u64,
    },
    /// Takes a key back. Answered with [`Answer::Done`].
    RevokeKey(String),
    /// An act begins. Its id, time and outcome are filled in. Answered with [`Answer::Begun`].
    BeginAct(Box<Act>),
    /// An act has ended. Answered with [`Answer::Done`].
    EndAct {
        /// [`Answer::Begun`]'s.
        id: EntryId,
        /// HTTP status.
        status: u16,
        /// Whose thing it was done to.
        of_tenant: Option<String>,
        /// To which, if the act does not say it yet.
        target: Option<String>,
    },
    /// Acts that are old enough to be forgotten. Answered with [`Answer::Done`].
    ForgetActs(Vec<EntryId>),
}

/// What came of a [`Call`]; to be told after the commit.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// It is so.
    Done,
    /// It is there now and was not before.
    Made,
    /// The campaign as it is now.
    Campaign(Box<Campaign>, Progress),
    /// What became of a page of recipients.
    Uploaded {
        /// Taken.
        added: u64,
        /// Named before, in this upload or another.
        duplicates: u64,
        /// In the campaign now.
        recipients: u64,
    },
    /// The tenant as it is now.
    Tenant(Box<Tenant>),
    /// The key as it is now, and the only time that it is shown as a whole.
    Key(Box<ApiKey>, String),
    /// The act's id.
    Begun(EntryId),
    /// There is no such thing (HTTP 404): which.
    NotFound(&'static str),
    /// It cannot be done as things are (HTTP 409): why.
    Conflict(String),
    /// What was asked for cannot be (HTTP 400): what is wrong, by JSON path.
    Invalid(Vec<String>),
}

/// What management knows in memory.
#[derive(Debug, Default)]
pub(crate) struct Managed {
    pub(crate) campaigns: Campaigns,
    pub(crate) tenants: Tenants,
}

/// What a start reads from the store.
#[derive(Debug, Default)]
pub struct Resumed {
    /// All campaigns, and how far each is.
    pub campaigns: Vec<(Campaign, Progress)>,
    /// All tenants.
    pub tenants: Vec<Tenant>,
    /// Whose the chatbots are.
    pub owners: BTreeMap<Address, String>,
}

impl Resumed {
    /// Reads it.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn read(store: &store::Store) -> Result<Self, store::StoreError> {
        let owners = store.owners()?.into_iter().map(|owner| (owner.chatbot, owner.tenant));
        let campaigns = store.campaigns()?.into_iter();
        let campaigns = campaigns.map(|campaign| Ok((store.campaign_progress(campaign.id)?.0, campaign)));
        let campaigns: Result<Vec<_>, store::StoreError> =
            campaigns.map(|found| found.map(|(progress, campaign)| (campaign, progress))).collect();
        Ok(Self { campaigns: campaigns?, tenants: store.tenants()?, owners: owners.collect() })
    }
}

impl Call {
    pub(crate) fn wants(&self, managed: &Managed, wants: &mut Wants) {
        match self {
            Self::PutTemplate { key, .. } => {
                wants.chatbot(&key.0);
                wants.template(key);
                wants.templates_of(&key.0);
            }
            Self::RemoveTemplate(key) => wants.template(key),
            Self::CreateCampaign(new) => new.wants(wants),
            Self::AddRecipients { campaign, recipients } => {
                campaigns::upload_wants(*campaign, recipients, wants);
                // What is in the last page is written again with what comes to it.
                let open = managed.campaigns.open_page(*campaign);
                open.into_iter().for_each(|page| wants.campaign_page((*campaign, page)));
            }
            Self::Steer(id, _) | Self::ChangePlan(id, _) | Self::RemoveCampaign(id) => wants.campaign(*id),
            Self::CreateTenant(id, _) | Self::UpdateTenant(id, _) => wants.tenant(id),
            Self::RemoveTenant(id) => {
                wants.tenant(id);
                wants.api_keys_of(id);
            }
            Self::GiveChatbot(chatbot, _) => wants.chatbot(chatbot),
            Self::CreateKey(_) => {}
            Self::RotateKey { id, .. } | Self::RevokeKey(id) => wants.api_key(id),
            Self::BeginAct(_) | Self::ForgetActs(_) => {}
            Self::EndAct { id, .. } => wants.act(*id),
        }
    }
}

impl Maap {
    /// After a start: campaigns that are under way go on, and quotas hold.
    pub fn resume(&mut self, resumed: Resumed, now: rcs::Timestamp) {
        self.managed.tenants = Tenants::new(resumed.tenants, resumed.owners);
        for (campaign, progress) in resumed.campaigns {
            self.managed.campaigns.add(&campaign, progress.recipients, now);
        }
    }

    pub(crate) fn decide_manage(&mut self, call: Call, work: &mut Work<'_>) -> Answer {
        match call {
            Call::PutTemplate { key, source } => templates::put(key, source, work),
            Call::RemoveTemplate(key) => templates::remove(&key, work),
            Call::CreateCampaign(new) => self.create_campaign(*new, work),
            Call::AddRecipients { campaign, recipients } => self.add_recipients(campaign, recipients, work),
            Call::Steer(id, steering) => self.steer(id, steering, work),
            Call::ChangePlan(id, change) => self.change_plan(id, &change, work),
            Call::RemoveCampaign(id) => self.remove_campaign(id, work),
            Call::CreateTenant(id, change) => self.create_tenant(id, &change, work),
            Call::UpdateTenant(id, change) => self.update_tenant(&id, &change, work),
            Call::RemoveTenant(id) => self.remove_tenant(&id, work),
            Call::GiveChatbot(chatbot, tenant) => self.give_chatbot(&chatbot, tenant, work),
            Call::CreateKey(new) => self.create_key(*new, work),
            Call::RotateKey { id, overlap_s } => self.rotate_key(&id, overlap_s, work),
            Call::RevokeKey(id) => keys::revoke(&id, work),
            Call::BeginAct(act) => self.begin_act(*act, work),
            Call::EndAct { id, status, of_tenant, target } => {
                audit::end(id, status, (of_tenant, target), work)
            }
            Call::ForgetActs(ids) => audit::forget(&ids, work),
        }
    }
}

/// A plan with nothing said.
pub(crate) fn usual_plan(time_zone: LocalTime, per_second: u32) -> Plan {
    Plan { start_at: None, end_at: None, windows: Vec::new(), time_zone, per_second, validity_s: None }
}

fn invalid(what: impl Into<String>) -> Answer {
    Answer::Invalid(vec![what.into()])
}
