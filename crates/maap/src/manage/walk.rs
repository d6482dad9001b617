//! The walk of a running campaign along its recipients: a few at a time, at its rate, within its hours.
//!
//! A campaign is looked at when its time comes, and never twice in one batch. What a look finds to do is a [`Step`]; one that
//! sends carries the recipients along, so that the rows it wants are those that it decides about. The sends and the cursor that
//! moves past them are written in the same batch: after a crash the walk goes on at the first recipient whom nobody has been
//! sent to. In memory there is one page of each running campaign, whatever its size, and no batch has more than some recipients of
//! all of them together.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use chatbot_api::{Content, Outgoing, Template};
use message_centre::{Centre, Work};
use rcs::address::Address;
use rcs::{Timestamp, ids};
use store::campaign::message_id;
use store::{Campaign, CampaignId, CampaignPage, CampaignState, Progress, Recipient, Waiting, Wants};

use super::{campaigns, hours, templates};
use crate::rate::{Exceeded, Span};
use crate::send::{Accepted, media_urls};
use crate::{Maap, Refusal};

/// Most recipients of a step: what one batch takes on beside everything else.
const STEP_MAX: u32 = 64;
/// Steps a second that a slow campaign takes; a fast one takes more.
const STEPS_PER_SECOND: u32 = 10;
/// What all steps of a batch may weigh together, as [`What::weight`] counts: people's messages are in the same batch, and wait for
/// it. Who has no turn has the first in the next.
const BATCH_MAX: usize = 2 * STEP_MAX as usize;
/// How far a campaign may fall behind its rate and catch up again.
const LAG_MAX: Duration = Duration::from_secs(1);

/// What is known of campaigns in memory.
#[derive(Debug, Default)]
pub(crate) struct Campaigns {
    all: BTreeMap<CampaignId, Hot>,
    /// When each is looked at next.
    due: BTreeSet<(Timestamp, CampaignId)>,
}

/// What is known of one campaign.
#[derive(Debug)]
struct Hot {
    chatbot: Address,
    /// As [`Progress::recipients`].
    recipients: u64,
    looked_at: Option<Timestamp>,
    doing: Doing,
}

#[derive(Debug, Default)]
enum Doing {
    /// To be found out from its row.
    #[default]
    Unknown,
    Walking(Box<Walk>),
    /// Its pages from this one down are being removed.
    Removing(u32),
}

/// A campaign under way.
#[derive(Debug)]
struct Walk {
    template: Arc<Template>,
    /// As [`Progress::cursor`].
    cursor: u64,
    page: Option<(u32, Arc<CampaignPage>)>,
    /// Recipients of a step.
    step: usize,
    /// When the step that is due was due by the rate.
    paced_at: Timestamp,
    /// Whether what it may send in a day or a month is used up.
    is_waiting: bool,
}

/// Something to do for a campaign.
#[derive(Debug)]
pub struct Step {
    campaign: CampaignId,
    what: What,
}

#[derive(Debug)]
enum What {
    /// Find out what there is to do.
    Look,
    /// Bring a page.
    Page(u32),
    /// Send to some of the recipients of a page.
    Send(Parcel),
    /// Remove a page.
    Remove(u32),
}

impl What {
    /// What it costs, in recipients that are sent to.
    fn weight(&self) -> usize {
        match self {
            Self::Look => 1,
            Self::Page(_) | Self::Remove(_) => STEP_MAX as usize,
            Self::Send(parcel) => parcel.count,
        }
    }
}

/// Recipients whose turn it is.
#[derive(Debug)]
struct Parcel {
    chatbot: Address,
    template: Arc<Template>,
    page: Arc<CampaignPage>,
    /// The first of them in the page.
    begin: usize,
    /// As many.
    count: usize,
    /// The first of them in the campaign.
    cursor: u64,
}

impl Parcel {
    fn recipients(&self) -> impl Iterator<Item = (u64, &Recipient)> {
        let recipients = self.page.recipients.iter().skip(self.begin).take(self.count);
        (self.cursor..).zip(recipients)
    }
}

impl Campaigns {
    /// A campaign that is there, with its recipients; it is looked at at once.
    pub(crate) fn add(&mut self, campaign: &Campaign, recipients: u64, now: Timestamp) {
        let hot =
            Hot { chatbot: campaign.chatbot.clone(), recipients, looked_at: None, doing: Doing::default() };
        self.all.insert(campaign.id, hot);
        self.look_at(campaign.id, now);
    }

    /// How many campaigns a chatbot has.
    pub(crate) fn of(&self, chatbot: &Address) -> usize {
        self.all.values().filter(|hot| hot.chatbot == *chatbot).count()
    }

    /// The page to which the next recipient comes, if it holds some already.
    pub(crate) fn open_page(&self, id: CampaignId) -> Option<u32> {
        let (page, filled) = Progress::page_of(self.all.get(&id)?.recipients);
        (filled > 0).then_some(page)
    }

    /// Puts fresh recipients behind the `before` that are there.
    pub(crate) fn append(&mut self, id: CampaignId, before: u64, fresh: Vec<Recipient>, work: &mut Work<'_>) {
        if let Some(hot) = self.all.get_mut(&id) {
            hot.recipients = before + fresh.len() as u64;
        }
        let open = |page| work.view.campaign_page((id, page)).map(|page| page.recipients.clone());
        for (number, page) in campaigns::pages(before, fresh, |page| open(page).unwrap_or_default()) {
            work.view.put_campaign_page((id, number), page);
        }
    }

    /// Its row has changed: what there is to do is found out anew at `at`.
    pub(crate) fn look_at(&mut self, id: CampaignId, at: Timestamp) {
        if let Some(hot) = self.all.get_mut(&id) {
            hot.doing = Doing::Unknown;
        }
        self.wake(id, Some(at));
    }

    fn wake(&mut self, id: CampaignId, at: Option<Timestamp>) {
        let Some(hot) = self.all.get_mut(&id) else { return };
        if let Some(before) = std::mem::replace(&mut hot.looked_at, at) {
            self.due.remove(&(before, id));
        }
        self.due.extend(at.map(|at| (at, id)));
    }

    fn forget(&mut self, id: CampaignId) {
        self.wake(id, None);
        self.all.remove(&id);
    }

    /// When the next campaign is to be looked at.
    pub(crate) fn wake_at(&self) -> Option<Timestamp> {
        self.due.first().map(|(at, _)| *at)
    }

    /// The steps whose time has come, one for each campaign at the most, and no more than a batch may have.
    pub(crate) fn tick(&mut self, now: Timestamp) -> Vec<Step> {
        let (mut steps, mut weight) = (Vec::new(), 0);
        while let Some((_, campaign)) = self.due.first().copied().filter(|(at, _)| *at <= now) {
            if weight >= BATCH_MAX {
                break;
            }
            self.wake(campaign, None);
            let Some(what) = self.all.get(&campaign).map(Hot::step) else { continue };
            weight += what.weight();
            steps.push(Step { campaign, what });
        }
        steps
    }

    /// What may be sent has changed: who waits for another day or month tries again.
    pub(crate) fn limits_changed(&mut self, now: Timestamp) {
        let is_waiting = |hot: &Hot| matches!(&hot.doing, Doing::Walking(walk) if walk.is_waiting);
        let waiting: Vec<CampaignId> =
            self.all.iter().filter(|(_, hot)| is_waiting(hot)).map(|(id, _)| *id).collect();
        waiting.into_iter().for_each(|id| self.wake(id, Some(now)));
    }

    /// The campaigns of a chatbot.
    pub(crate) fn ids_of(&self, chatbot: &Address) -> Vec<CampaignId> {
        self.all.iter().filter(|(_, hot)| hot.chatbot == *chatbot).map(|(id, _)| *id).collect()
    }
}

impl Hot {
    fn step(&self) -> What {
        let walk = match &self.doing {
            Doing::Unknown => return What::Look,
            Doing::Removing(page) => return What::Remove(*page),
            Doing::Walking(walk) => walk,
        };
        let (number, begin) = Progress::page_of(walk.cursor);
        match &walk.page {
            Some((known, page)) if *known == number => What::Send(Parcel {
                chatbot: self.chatbot.clone(),
                template: walk.template.clone(),
                page: page.clone(),
                begin,
                count: page.recipients.len().saturating_sub(begin).min(walk.step),
                cursor: walk.cursor,
            }),
            _ => What::Page(number),
        }
    }
}

impl Maap {
    /// The rows of [`Maap::decide_step`].
    pub(crate) fn step_wants(&self, step: &Step, centre: &Centre, wants: &mut Wants) {
        wants.campaign(step.campaign);
        match &step.what {
            What::Look => {}
            What::Page(page) | What::Remove(page) => wants.campaign_page((step.campaign, *page)),
            What::Send(parcel) => {
                wants.chatbot(&parcel.chatbot);
                self.allowances_wants(&parcel.chatbot, wants);
                for (place, recipient) in parcel.recipients() {
                    let id = message_id(step.campaign, place);
                    centre.submit_wants(&parcel.chatbot, &recipient.to, &id, wants);
                    wants.contact(&parcel.chatbot, &recipient.to);
                    if !parcel.template.is_text()
                        && let Ok(filled) =
                            parcel.template.fill(&recipient.values, templates::TEMPLATE_LIMITS)
                    {
                        self.media_wants(&parcel.chatbot, &filled.content, wants);
                    }
                }
            }
        }
    }

    pub(crate) fn decide_step(&mut self, step: Step, centre: &mut Centre, work: &mut Work<'_>) {
        let id = step.campaign;
        let Some(campaign) = work.view.campaign(id).cloned() else {
            return self.managed.campaigns.forget(id);
        };
        match (campaign.state, step.what) {
            (CampaignState::Running, What::Send(parcel)) => {
                self.send_parcel(&campaign, &parcel, centre, work)
            }
            (CampaignState::Running, What::Page(page)) => self.bring_page(id, page, work),
            (CampaignState::Removing, What::Remove(page)) => self.remove_page(id, page, work),
            (CampaignState::Running, _) => self.begin_walk(&campaign, work),
            (CampaignState::Removing, _) => self.begin_removal(id, work),
            (CampaignState::Paused, _) => {}
            (CampaignState::Draft | CampaignState::Finished | CampaignState::Cancelled, _) => {
                let since = campaign.ended_at.unwrap_or(campaign.created_at);
                let goes_at = since.plus(self.config.campaigns.keep);
                if goes_at <= work.now {
                    work.view.update_campaign(id, |campaign| campaign.state = CampaignState::Removing);
                    self.begin_removal(id, work);
                } else {
                    self.managed.campaigns.look_at(id, goes_at);
                }
            }
        }
    }

    /// A campaign is found running: after a start, a call, or when its hours begin.
    fn begin_walk(&mut self, campaign: &Campaign, work: &mut Work<'_>) {
        let progress = work.view.campaign_progress(campaign.id);
        if progress.cursor >= progress.recipients {
            return self.finish(campaign.id, work);
        }
        let Some(opens) = hours::opens_at(&campaign.plan, work.now) else {
            return self.finish(campaign.id, work);
        };
        if opens > work.now {
            return self.managed.campaigns.look_at(campaign.id, opens);
        }
        let template = Arc::new(templates::read(&campaign.source));
        let Some(hot) = self.managed.campaigns.all.get_mut(&campaign.id) else { return };
        let step = step_of(campaign.plan.per_second);
        let walk = Walk {
            template,
            cursor: progress.cursor,
            page: None,
            step,
            paced_at: work.now,
            is_waiting: false,
        };
        hot.doing = Doing::Walking(Box::new(walk));
        self.managed.campaigns.wake(campaign.id, Some(work.now));
    }

    fn bring_page(&mut self, id: CampaignId, number: u32, work: &mut Work<'_>) {
        let page = work.view.campaign_page((id, number)).cloned().unwrap_or_default();
        if let Some(hot) = self.managed.campaigns.all.get_mut(&id)
            && let Doing::Walking(walk) = &mut hot.doing
        {
            walk.page = Some((number, Arc::new(page)));
            let due = walk.paced_at;
            self.managed.campaigns.wake(id, Some(due));
        }
    }

    /// Sends to the recipients whose turn it is, and moves the cursor past them.
    fn send_parcel(
        &mut self,
        campaign: &Campaign,
        parcel: &Parcel,
        centre: &mut Centre,
        work: &mut Work<'_>,
    ) {
        let mut progress = work.view.campaign_progress(campaign.id);
        if progress.cursor != parcel.cursor {
            // It was stopped and started again since; its row is looked at anew.
            return;
        }
        if hours::opens_at(&campaign.plan, work.now) != Some(work.now) {
            return self.managed.campaigns.look_at(campaign.id, work.now);
        }
        let Some(chatbot) = work.view.chatbot(&campaign.chatbot) else {
            return self.hold(campaign.id, "the chatbot is gone".to_owned(), work);
        };
        if let Err(refusal) = self.may_act(Some(chatbot)) {
            return self.hold(campaign.id, refusal.detail, work);
        }
        if parcel.count == 0 {
            return self.hold(campaign.id, "a page of its recipients is missing".to_owned(), work);
        }
        if let Err(refusal) = self.check_media_of(campaign, parcel, work) {
            return self.hold(campaign.id, refusal.detail, work);
        }
        let accounts = self.accounts(&campaign.chatbot, work);
        let room = match self.room_for_campaign(&accounts, parcel.count as u64, work) {
            Ok(room) => room,
            Err(exceeded) => return self.wait(campaign, &exceeded, work),
        };
        let sent_before = progress.sent;
        for (place, recipient) in parcel.recipients().take(room as usize) {
            match self.send_to(campaign, place, recipient, &parcel.template, centre, work) {
                Accepted::Sent | Accepted::Repeated => progress.sent += 1,
                Accepted::Skipped(_) => {
                    progress.skipped += 1;
                    work.view.note_skipped(campaign.id, &campaign.chatbot, place);
                }
                Accepted::Refused(_) | Accepted::Away => progress.refused += 1,
            }
        }
        self.spend(&accounts, room, progress.sent - sent_before, work);
        if campaign.waiting.is_some() {
            work.view.update_campaign(campaign.id, |campaign| campaign.waiting = None);
        }
        progress.cursor += room;
        work.view.put_campaign_progress(campaign.id, progress);
        if progress.cursor >= progress.recipients {
            return self.finish(campaign.id, work);
        }
        let wait = pause(room, campaign.plan.per_second);
        if let Some(hot) = self.managed.campaigns.all.get_mut(&campaign.id)
            && let Doing::Walking(walk) = &mut hot.doing
        {
            walk.cursor = progress.cursor;
            walk.is_waiting = false;
            walk.paced_at = walk.paced_at.plus(wait).max(work.now.minus(LAG_MAX));
            let due = walk.paced_at;
            self.managed.campaigns.wake(campaign.id, Some(due));
        }
    }

    /// What it may send is used up: it goes on when there is more. Where that is long, its row says so.
    fn wait(&mut self, campaign: &Campaign, exceeded: &Exceeded, work: &mut Work<'_>) {
        let Exceeded { span, limit, retry_at } = exceeded;
        self.managed.campaigns.wake(campaign.id, Some(*retry_at));
        if *span == Span::Second {
            return;
        }
        if let Some(hot) = self.managed.campaigns.all.get_mut(&campaign.id)
            && let Doing::Walking(walk) = &mut hot.doing
        {
            walk.is_waiting = true;
        }
        let because = format!("the {limit} messages of the {} are used up", span.as_str());
        let waiting = Some(Waiting { until: *retry_at, because });
        if campaign.waiting != waiting {
            work.view.update_campaign(campaign.id, |campaign| campaign.waiting = waiting);
        }
    }

    /// The media that all recipients are shown must be there: otherwise it is the campaign that cannot go on, and not a message
    /// that cannot be sent.
    fn check_media_of(&self, campaign: &Campaign, parcel: &Parcel, work: &Work<'_>) -> Result<(), Refusal> {
        let template = &parcel.template;
        let Some((_, first)) = parcel.recipients().next().filter(|_| !template.is_text()) else {
            return Ok(());
        };
        let Ok(filled) = template.fill(&first.values, templates::TEMPLATE_LIMITS) else { return Ok(()) };
        let mut urls = media_urls(&filled.content);
        urls.retain(|url| campaign.source.contains(url));
        self.check_urls(&campaign.chatbot, urls, work)
    }

    fn send_to(
        &mut self,
        campaign: &Campaign,
        place: u64,
        recipient: &Recipient,
        template: &Template,
        centre: &mut Centre,
        work: &mut Work<'_>,
    ) -> Accepted {
        let filled = template.fill(&recipient.values, templates::TEMPLATE_LIMITS);
        let is_whole = filled.is_ok();
        let (content, sms) =
            filled.map_or_else(|_| (Content::text(""), None), |filled| (filled.content, filled.sms));
        let message = Outgoing {
            simpler: None,
            message_id: message_id(campaign.id, place),
            to: vec![recipient.to.clone()],
            content,
            conversation_id: ids::conversation_between(&campaign.chatbot, &recipient.to),
            contribution_id: self.random.uuid(),
            in_reply_to: None,
            traffic: template.traffic.clone(),
            // Its counters and outcomes say it, and a chatbot's program would drown in them.
            wanted: Default::default(),
            sms,
            store: true,
            validity: campaign.plan.validity_s.map(Duration::from_secs),
        };
        let message =
            if is_whole { Ok(&message) } else { Err((&message, "the template cannot be filled for it")) };
        self.accept_of_campaign(&campaign.chatbot, message, centre, work)
    }

    /// The platform pauses a campaign, and says why.
    fn hold(&mut self, id: CampaignId, why: String, work: &mut Work<'_>) {
        work.view.update_campaign(id, |campaign| {
            campaign.state = CampaignState::Paused;
            campaign.paused_because = Some(why);
            campaign.waiting = None;
        });
        self.managed.campaigns.look_at(id, work.now);
    }

    fn finish(&mut self, id: CampaignId, work: &mut Work<'_>) {
        let now = work.now;
        work.view.update_campaign(id, |campaign| {
            campaign.state = CampaignState::Finished;
            campaign.ended_at = Some(now);
            campaign.waiting = None;
        });
        self.managed.campaigns.look_at(id, now);
    }

    fn begin_removal(&mut self, id: CampaignId, work: &mut Work<'_>) {
        let pages = work.view.campaign_progress(id).pages();
        match pages.checked_sub(1) {
            None => self.removed(id, work),
            Some(last) => {
                if let Some(hot) = self.managed.campaigns.all.get_mut(&id) {
                    hot.doing = Doing::Removing(last);
                }
                self.managed.campaigns.wake(id, Some(work.now));
            }
        }
    }

    fn remove_page(&mut self, id: CampaignId, page: u32, work: &mut Work<'_>) {
        work.view.remove_campaign_page((id, page));
        let mut progress = work.view.campaign_progress(id);
        progress.recipients = u64::from(page) * store::campaign::PAGE;
        work.view.put_campaign_progress(id, progress);
        self.begin_removal(id, work);
    }

    fn removed(&mut self, id: CampaignId, work: &mut Work<'_>) {
        work.view.remove_campaign(id);
        self.managed.campaigns.forget(id);
    }
}

/// How many recipients a step of a campaign of this rate has.
fn step_of(per_second: u32) -> usize {
    (per_second / STEPS_PER_SECOND).clamp(1, STEP_MAX) as usize
}

/// How long so many messages take at a rate; rounded up, so that the rate is kept.
fn pause(count: u64, per_second: u32) -> Duration {
    Duration::from_millis((1_000 * count).div_ceil(u64::from(per_second.max(1))))
}
