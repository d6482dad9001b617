//! The calls about campaigns: make one, add recipients, steer it, remove it.

use std::collections::HashSet;
use std::time::Duration;

use message_centre::Work;
use rcs::Timestamp;
use rcs::address::Address;
use rcs::local_time::LocalTime;
use serde::{Deserialize, Serialize};
use store::campaign::PAGE;
use store::{
    Campaign, CampaignId, CampaignPage, CampaignState, Plan, Progress, Recipient, TemplateKey, Wants, Window,
};
use utoipa::ToSchema;

use super::hours::DAYS;
use super::templates::NAME_CHARS_MAX;
use super::{Answer, invalid, usual_plan};
use crate::Maap;

/// The most windows of a plan; each counts once more if it goes over midnight.
const WINDOWS_MAX: usize = 14;

/// A campaign to make.
#[derive(Debug, Clone)]
pub struct NewCampaign {
    /// In whose name.
    pub chatbot: Address,
    /// What its owner calls it.
    pub name: String,
    /// The name of the template.
    pub template: String,
    /// When and how fast.
    pub plan: PlanChange,
}

/// Changes of a plan, as JSON has them. An absent member leaves things as they are; an empty text takes a time away.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
#[schema(as = CampaignPlanChange, example = json!({ "perSecond": 50 }))]
pub struct PlanChange {
    /// Not before (RFC 3339).
    pub start_at: Option<String>,
    /// Not from then on (RFC 3339).
    pub end_at: Option<String>,
    /// Only within these, at most 14; none for always.
    pub windows: Option<Vec<WindowText>>,
    /// By whose clocks the windows are meant: `Asia/Shanghai`, or `+08:00`.
    pub time_zone: Option<String>,
    /// Messages a second, at the most: from 1 to what the platform allows.
    #[schema(minimum = 1)]
    pub per_second: Option<u32>,
    /// How long a message waits for its recipient, in seconds; 0 for the platform's default.
    pub validity_seconds: Option<u64>,
}

/// A plan as JSON has it.
#[derive(Debug, Clone, PartialEq, Hash, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CampaignPlan)]
pub struct PlanText {
    /// Not before.
    #[schema(format = DateTime)]
    pub start_at: Option<String>,
    /// Not from then on.
    #[schema(format = DateTime)]
    pub end_at: Option<String>,
    /// Only within these; none for always. Those over midnight are two.
    pub windows: Vec<WindowText>,
    /// By whose clocks the windows are meant: `Asia/Shanghai`, or `+08:00`.
    pub time_zone: String,
    /// Messages a second, at the most.
    #[schema(minimum = 1)]
    pub per_second: u32,
    /// How long a message waits for its recipient, in seconds; null for the platform's default.
    #[schema(minimum = 1)]
    pub validity_seconds: Option<u64>,
}

/// A window as JSON has it.
#[derive(Debug, Clone, Default, PartialEq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CampaignWindow)]
pub struct WindowText {
    /// `mon` to `sun`; absent for all.
    pub days: Option<Vec<String>>,
    /// `09:00`
    #[schema(pattern = "^[0-9]{2}:[0-9]{2}$")]
    pub from: String,
    /// `20:00`; `24:00` is midnight. Earlier than `from`: it ends on the day after.
    #[schema(pattern = "^[0-9]{2}:[0-9]{2}$")]
    pub to: String,
}

/// What is done with a campaign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Steering {
    /// From a draft to running.
    Start,
    /// It waits.
    Pause,
    /// It goes on.
    Resume,
    /// It ends where it is.
    Cancel,
}

impl NewCampaign {
    fn template_key(&self) -> TemplateKey {
        (self.chatbot.clone(), self.template.clone())
    }

    pub(super) fn wants(&self, wants: &mut Wants) {
        wants.chatbot(&self.chatbot);
        wants.template(&self.template_key());
    }
}

/// The rows of an upload: whether each number is there, and the pages that take new ones.
pub(super) fn upload_wants(campaign: CampaignId, recipients: &[Recipient], wants: &mut Wants) {
    wants.campaign(campaign);
    for recipient in recipients {
        wants.campaign_number((campaign, recipient.to.clone()));
    }
}

impl Maap {
    pub(super) fn create_campaign(&mut self, new: NewCampaign, work: &mut Work<'_>) -> Answer {
        if work.view.chatbot(&new.chatbot).is_none() {
            return Answer::NotFound("chatbot");
        }
        let Some(template) = work.view.template(&new.template_key()) else {
            return Answer::NotFound("template");
        };
        let name = new.name.trim();
        if name.is_empty() || name.chars().count() > NAME_CHARS_MAX || name.chars().any(char::is_control) {
            return invalid("name: 1 to 64 characters");
        }
        let limits = &self.config.campaigns;
        if self.managed.campaigns.of(&new.chatbot) >= limits.per_chatbot_max {
            return Answer::Conflict(format!(
                "{} has {} campaigns already; remove some",
                new.chatbot, limits.per_chatbot_max
            ));
        }
        let usual = usual_plan(limits.time_zone.clone(), limits.per_second.min(limits.per_second_max));
        let plan = match new.plan.apply(usual, limits.per_second_max) {
            Ok(plan) => plan,
            Err(what) => return invalid(what),
        };
        let campaign = Campaign {
            id: self.ids.next(work.now),
            chatbot: new.chatbot,
            name: name.to_owned(),
            template: new.template,
            source: template.source.clone(),
            plan,
            state: CampaignState::Draft,
            paused_because: None,
            waiting: None,
            created_at: work.now,
            started_at: None,
            ended_at: None,
        };
        work.view.add_campaign(campaign.clone());
        self.managed.campaigns.add(&campaign, 0, work.now);
        Answer::Campaign(Box::new(campaign), Progress::default())
    }

    pub(super) fn add_recipients(
        &mut self,
        id: CampaignId,
        recipients: Vec<Recipient>,
        work: &mut Work<'_>,
    ) -> Answer {
        let Some(campaign) = work.view.campaign(id) else { return Answer::NotFound("campaign") };
        if !campaign.is_open() {
            return Answer::Conflict(format!(
                "the campaign is {}: {}",
                word(campaign.state),
                match campaign.state {
                    CampaignState::Running => "pause it to add recipients",
                    _ => "make another",
                }
            ));
        }
        let mut progress = work.view.campaign_progress(id);
        let before = progress;
        // Nothing of a page is written before all of it can be.
        let mut named = HashSet::with_capacity(recipients.len());
        let is_new = |to: &Address| work.view.campaign_number(&(id, to.clone())).is_none();
        let (fresh, known): (Vec<_>, Vec<_>) =
            recipients.into_iter().partition(|one| is_new(&one.to) && named.insert(one.to.clone()));
        progress.duplicates += known.len() as u64;
        progress.recipients += fresh.len() as u64;
        let most = self.config.campaigns.recipients_max;
        if progress.recipients > most {
            return Answer::Conflict(format!(
                "a campaign has at most {most} recipients, and this one has {}; make another for the rest",
                before.recipients
            ));
        }
        for (place, recipient) in (before.recipients..).zip(&fresh) {
            work.view.put_campaign_number((id, recipient.to.clone()), place);
        }
        self.managed.campaigns.append(id, before.recipients, fresh, work);
        work.view.put_campaign_progress(id, progress);
        Answer::Uploaded {
            added: progress.recipients - before.recipients,
            duplicates: progress.duplicates - before.duplicates,
            recipients: progress.recipients,
        }
    }

    pub(super) fn steer(&mut self, id: CampaignId, steering: Steering, work: &mut Work<'_>) -> Answer {
        let Some(campaign) = work.view.campaign(id) else { return Answer::NotFound("campaign") };
        let progress = work.view.campaign_progress(id);
        let (before, now) = (campaign.state, work.now);
        let after = match (steering, before) {
            (Steering::Start, CampaignState::Draft) if progress.recipients == 0 => {
                return Answer::Conflict("the campaign has no recipients yet".to_owned());
            }
            (Steering::Start, CampaignState::Draft) | (Steering::Resume, CampaignState::Paused) => {
                CampaignState::Running
            }
            (Steering::Pause, CampaignState::Running) => CampaignState::Paused,
            (Steering::Cancel, CampaignState::Draft | CampaignState::Running | CampaignState::Paused) => {
                CampaignState::Cancelled
            }
            // Whoever repeats a call that got lost hears that it is so.
            (Steering::Start | Steering::Resume, CampaignState::Running)
            | (Steering::Pause, CampaignState::Paused)
            | (Steering::Cancel, CampaignState::Cancelled) => before,
            _ => return Answer::Conflict(format!("the campaign is {}", word(before))),
        };
        if after != before {
            work.view.update_campaign(id, |campaign| {
                campaign.state = after;
                campaign.paused_because = None;
                campaign.waiting = None;
                match after {
                    CampaignState::Running => campaign.started_at = campaign.started_at.or(Some(now)),
                    CampaignState::Cancelled => campaign.ended_at = Some(now),
                    _ => {}
                }
            });
            self.managed.campaigns.look_at(id, now);
        }
        shown(id, work)
    }

    pub(super) fn change_plan(&mut self, id: CampaignId, change: &PlanChange, work: &mut Work<'_>) -> Answer {
        let Some(campaign) = work.view.campaign(id) else { return Answer::NotFound("campaign") };
        if !campaign.is_open() && campaign.state != CampaignState::Running {
            return Answer::Conflict(format!("the campaign is {}", word(campaign.state)));
        }
        let plan = match change.apply(campaign.plan.clone(), self.config.campaigns.per_second_max) {
            Ok(plan) => plan,
            Err(what) => return invalid(what),
        };
        work.view.update_campaign(id, |campaign| campaign.plan = plan);
        self.managed.campaigns.look_at(id, work.now);
        shown(id, work)
    }

    pub(super) fn remove_campaign(&mut self, id: CampaignId, work: &mut Work<'_>) -> Answer {
        let Some(campaign) = work.view.campaign(id) else { return Answer::NotFound("campaign") };
        if campaign.state == CampaignState::Running {
            return Answer::Conflict("the campaign is running: cancel it first".to_owned());
        }
        self.begin_to_remove(id, work);
        Answer::Done
    }

    /// The rows of [`Maap::remove_campaigns_of`].
    pub(crate) fn campaigns_of_wants(&self, chatbot: &Address, wants: &mut Wants) {
        wants.templates_of(chatbot);
        self.managed.campaigns.ids_of(chatbot).into_iter().for_each(|id| wants.campaign(id));
    }

    /// A chatbot is gone, and with it what was to be said in its name: whoever has its name next has nothing of it.
    pub(crate) fn remove_campaigns_of(&mut self, chatbot: &Address, work: &mut Work<'_>) {
        for id in self.managed.campaigns.ids_of(chatbot) {
            self.begin_to_remove(id, work);
        }
        let templates: Vec<TemplateKey> = work.view.templates_of(chatbot).to_vec();
        templates.iter().for_each(|key| work.view.remove_template(key));
    }

    fn begin_to_remove(&mut self, id: CampaignId, work: &mut Work<'_>) {
        work.view.update_campaign(id, |campaign| campaign.state = CampaignState::Removing);
        self.managed.campaigns.look_at(id, work.now);
    }
}

fn shown(id: CampaignId, work: &Work<'_>) -> Answer {
    match work.view.campaign(id) {
        Some(campaign) => Answer::Campaign(Box::new(campaign.clone()), work.view.campaign_progress(id)),
        None => Answer::NotFound("campaign"),
    }
}

fn word(state: CampaignState) -> &'static str {
    match state {
        CampaignState::Draft => "a draft",
        CampaignState::Running => "running",
        CampaignState::Paused => "paused",
        CampaignState::Finished => "finished",
        CampaignState::Cancelled => "cancelled",
        CampaignState::Removing => "being removed",
    }
}

impl PlanChange {
    /// The plan with the changes, or what is wrong with the first that cannot be.
    fn apply(&self, mut plan: Plan, per_second_max: u32) -> Result<Plan, String> {
        if let Some(text) = &self.start_at {
            plan.start_at = time("startAt", text)?;
        }
        if let Some(text) = &self.end_at {
            plan.end_at = time("endAt", text)?;
        }
        if let (Some(start), Some(end)) = (plan.start_at, plan.end_at)
            && end <= start
        {
            return Err("endAt: not after startAt".to_owned());
        }
        if let Some(windows) = &self.windows {
            plan.windows = read_windows(windows)?;
        }
        if let Some(text) = &self.time_zone {
            plan.time_zone = text.trim().parse().map_err(|error| format!("timeZone: {error}"))?;
        }
        if let Some(per_second) = self.per_second {
            if !(1..=per_second_max).contains(&per_second) {
                return Err(format!("perSecond: not from 1 to {per_second_max}"));
            }
            plan.per_second = per_second;
        }
        if let Some(validity) = self.validity_seconds {
            plan.validity_s = (validity > 0).then_some(validity);
        }
        Ok(plan)
    }
}

impl From<&Plan> for PlanText {
    fn from(plan: &Plan) -> Self {
        Self {
            start_at: plan.start_at.map(|at| at.rfc3339()),
            end_at: plan.end_at.map(|at| at.rfc3339()),
            windows: plan.windows.iter().map(WindowText::from).collect(),
            time_zone: plan.time_zone.to_string(),
            per_second: plan.per_second,
            validity_seconds: plan.validity_s,
        }
    }
}

impl From<&Window> for WindowText {
    fn from(window: &Window) -> Self {
        let clock = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
        let days = DAYS.iter().enumerate().filter(|(bit, _)| window.days >> bit & 1 == 1);
        Self {
            days: Some(days.map(|(_, day)| (*day).to_owned()).collect()),
            from: clock(window.from_min),
            to: clock(window.to_min),
        }
    }
}

fn time(name: &str, text: &str) -> Result<Option<Timestamp>, String> {
    match text.trim() {
        "" => Ok(None),
        text => Timestamp::parse_rfc3339(text).map(Some).map_err(|error| format!("{name}: {error}")),
    }
}

/// `09:30` in minutes; `24:00` is the end of the day.
fn minute_of_day(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let two = |text: &str| {
        let is_two = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<u16>().ok().filter(|_| is_two)
    };
    let (hour, minute) = (two(hour)?, two(minute)?);
    (minute < 60 && 60 * hour + minute <= 1_440).then_some(60 * hour + minute)
}

fn read_windows(texts: &[WindowText]) -> Result<Vec<Window>, String> {
    if texts.len() > WINDOWS_MAX {
        return Err(format!("windows: {} > {WINDOWS_MAX}", texts.len()));
    }
    let mut windows = Vec::with_capacity(texts.len());
    for (index, text) in texts.iter().enumerate() {
        let clock = |name: &str, text: &str| {
            minute_of_day(text).ok_or_else(|| format!("windows[{index}].{name}: not as 09:00, up to 24:00"))
        };
        let (from_min, to_min) = (clock("from", &text.from)?, clock("to", &text.to)?);
        if from_min == to_min || from_min == 1_440 {
            return Err(format!("windows[{index}]: it is empty"));
        }
        let days = match &text.days {
            None => 0x7f,
            Some(days) => days.iter().try_fold(0, |bits, day| {
                let bit = DAYS.iter().position(|known| known.eq_ignore_ascii_case(day));
                let bit = bit.ok_or_else(|| format!("windows[{index}].days: not of {}", DAYS.join(", ")))?;
                Ok::<u8, String>(bits | 1 << bit)
            })?,
        };
        if days == 0 {
            return Err(format!("windows[{index}].days: none"));
        }
        if from_min < to_min {
            windows.push(Window { days, from_min, to_min });
            continue;
        }
        windows.push(Window { days, from_min, to_min: 1_440 });
        if to_min > 0 {
            let next_days = (days << 1 | days >> 6) & 0x7f;
            windows.push(Window { days: next_days, from_min: 0, to_min });
        }
    }
    Ok(windows)
}

/// What an operator may set of campaigns.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Campaigns of one chatbot, ended ones included.
    pub per_chatbot_max: usize,
    /// Recipients of one campaign.
    pub recipients_max: u64,
    /// Messages a second of a campaign that does not say.
    pub per_second: u32,
    /// The most that one may say.
    pub per_second_max: u32,
    /// By whose clocks windows are meant when the campaign does not say.
    pub time_zone: LocalTime,
    /// How long an ended campaign, or a draft that is never started, is kept.
    pub keep: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            per_chatbot_max: 1_000,
            recipients_max: 5_000_000,
            per_second: 50,
            per_second_max: 2_000,
            time_zone: LocalTime::china(),
            keep: Duration::from_secs(90 * 86_400),
        }
    }
}

/// The pages that `fresh` recipients fill, after `before` others: the last page there is, if it is not full, and those after
/// it. `page` brings that last page.
pub(super) fn pages(
    before: u64,
    fresh: Vec<Recipient>,
    page: impl FnOnce(u32) -> Vec<Recipient>,
) -> Vec<(u32, CampaignPage)> {
    let (mut number, filled) = Progress::page_of(before);
    let mut recipients = if filled > 0 && !fresh.is_empty() { page(number) } else { Vec::new() };
    let mut pages = Vec::new();
    for recipient in fresh {
        recipients.push(recipient);
        if recipients.len() as u64 == PAGE {
            pages.push((number, CampaignPage { recipients: std::mem::take(&mut recipients) }));
            number += 1;
        }
    }
    if !recipients.is_empty() {
        pages.push((number, CampaignPage { recipients }));
    }
    pages
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn apply(change: Value) -> Result<Value, String> {
        let change: PlanChange = serde_json::from_value(change).unwrap();
        let plan = change.apply(usual_plan(LocalTime::hours_east(8), 50), 100)?;
        Ok(json!(PlanText::from(&plan)))
    }

    #[test]
    fn a_plan_is_read_and_written() {
        let plan = apply(json!({
            "startAt": "2026-11-25T09:00:00+08:00",
            "windows": [{ "from": "09:00", "to": "24:00", "days": ["mon", "Sun"] }, { "from": "22:30", "to": "06:00", "days": ["sun"] }],
            "timeZone": "-05:30",
            "perSecond": 7,
        }));
        assert_eq!(
            plan.unwrap(),
            json!({
                "startAt": "2026-11-25T01:00:00.000Z", "endAt": null,
                "windows": [
                    { "days": ["mon", "sun"], "from": "09:00", "to": "24:00" },
                    { "days": ["sun"], "from": "22:30", "to": "24:00" },
                    { "days": ["mon"], "from": "00:00", "to": "06:00" },
                ],
                "timeZone": "-05:30", "perSecond": 7, "validitySeconds": null,
            })
        );
    }

    #[test]
    fn a_plan_that_cannot_be_says_why() {
        for (change, expected) in [
            (json!({ "startAt": "soon" }), "startAt: \"soon\" is not a date and time"),
            (
                json!({ "startAt": "2026-11-25T09:00:00Z", "endAt": "2026-11-25T09:00:00Z" }),
                "endAt: not after startAt",
            ),
            (
                json!({ "timeZone": "CST" }),
                "timeZone: \"CST\" is not a time zone such as Asia/Shanghai, nor a distance from UTC such as +08:00",
            ),
            (json!({ "perSecond": 0 }), "perSecond: not from 1 to 100"),
            (
                json!({ "windows": [{ "from": "9:00", "to": "20:00" }] }),
                "windows[0].from: not as 09:00, up to 24:00",
            ),
            (json!({ "windows": [{ "from": "09:00", "to": "09:00" }] }), "windows[0]: it is empty"),
            (
                json!({ "windows": [{ "from": "09:00", "to": "10:00", "days": ["mo"] }] }),
                "windows[0].days: not of mon, tue, wed, thu, fri, sat, sun",
            ),
            (json!({ "windows": [{ "from": "09:00", "to": "10:00", "days": [] }] }), "windows[0].days: none"),
        ] {
            assert_eq!(apply(change).unwrap_err(), expected);
        }
    }

    #[test]
    fn recipients_fill_page_after_page() {
        let recipient = |at: u64| Recipient {
            to: Address::subscriber(&format!("+86138{at:08}")).unwrap(),
            values: Vec::new(),
        };
        let of = |range: std::ops::Range<u64>| range.map(recipient).collect::<Vec<_>>();
        let filled = pages(PAGE - 2, of(PAGE - 2..2 * PAGE + 1), |page| {
            assert_eq!(page, 0);
            of(0..PAGE - 2)
        });
        let expected = [(0, of(0..PAGE)), (1, of(PAGE..2 * PAGE)), (2, of(2 * PAGE..2 * PAGE + 1))];
        assert_eq!(filled, expected.map(|(number, recipients)| (number, CampaignPage { recipients })));
        assert_eq!(pages(PAGE, of(PAGE..PAGE + 1), |_| panic!("the page is full")).len(), 1);
        assert!(pages(3, Vec::new(), |_| panic!("nothing is added")).is_empty());
    }
}
