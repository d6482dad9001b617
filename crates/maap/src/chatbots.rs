//! Chatbots as administrators make, change and remove them.

use chatbot_api::ctcu::LIMITS;
use message_centre::Work;
use message_centre::notice::{self, Notice};
use message_centre::secret::sha256;
use rcs::Timestamp;
use rcs::address::{Address, AddressKind};
use rcs::bot::{Document as _, Menu, Violation};
use serde_json::Value;
use store::{
    Chatbot, ChatbotStatus, Dialect, Extras, FormerOwner, Profile, ProposalKey, Rules, Standing, Topic,
    Wants, WebhookAuth,
};

use crate::call::{Answer, Change, Credentials, NewChatbot};
use crate::standing::set_status;
use crate::{Maap, Out, Task, dialect};

/// Longest URL of a profile or webhook, in bytes. The interface has 150 for profiles; signed media URLs are longer.
const URL_BYTES_MAX: usize = 1024;

impl NewChatbot {
    /// The address that the chatbot would have; `Err` says what is wrong with the name.
    pub(crate) fn address(&self, maap: &Maap) -> Result<Address, String> {
        chatbot_api::ctcu::address::chatbot(&self.name, &maap.config.numbering)
            .filter(|address| address.kind() == AddressKind::Chatbot && !address.user().is_empty())
            .ok_or_else(|| {
                "name: neither letters, digits, '-', '.', '_' nor the sip: URI of a chatbot".to_owned()
            })
    }

    pub(crate) fn wants(&self, maap: &Maap, wants: &mut Wants) {
        if let Ok(address) = self.address(maap) {
            wants.chatbot(&address);
            wants.usage(&address);
            wants.head(&address);
            wants.dead_letter_count(&address);
            wants.former_owner(&address);
        }
    }
}

impl Maap {
    pub(crate) fn decide_create(&mut self, new: NewChatbot, work: &mut Work<'_>, out: &mut Out) -> Answer {
        if !dialect::is_spoken(new.dialect) {
            return Answer::Invalid("dialect: this version does not speak it".to_owned());
        }
        let address = match new.address(self) {
            Ok(address) => address,
            Err(what) => return Answer::Invalid(what),
        };
        if work.view.chatbot(&address).is_some() {
            return Answer::Exists(address);
        }
        if let Some(Err(why)) = new.tenant.as_deref().map(|tenant| self.managed.tenants.has_room(tenant)) {
            return Answer::Undeliverable(why);
        }
        let former = work.view.former_owner(&address);
        if new.tenant.is_some() && former.is_some_and(|former| former.tenant != new.tenant) {
            // What is left of the one before (messages, users' tokens, campaigns) is none of this tenant's business.
            let why = format!("{address} was somebody else's before; the operator can make it and give it");
            return Answer::Undeliverable(why);
        }
        let is_cleared = work.view.usage(&address).files == 0
            && work.view.head(&address).count == 0
            && work.view.dead_letter_count(&address).count == 0;
        if !is_cleared {
            // Page by page, within moments; whoever gets the name finds nothing of who had it before.
            let why = format!("media and mail of the {address} before are still being removed; try again");
            return Answer::Undeliverable(why);
        }
        let credentials = Credentials {
            chatbot_id: address.clone(),
            // OAuth clients go by the chatbot's own id, by which it is found.
            app_id: match new.dialect {
                Dialect::Fnw11 => address.to_string(),
                _ => self.random.name(),
            },
            app_key: self.random.secret(),
            callback_token: self.random.name(),
        };
        let mut chatbot = Chatbot {
            dialect: new.dialect,
            app_id: credentials.app_id.clone(),
            app_key_sha256: sha256(&credentials.app_key),
            callback_token: credentials.callback_token.clone(),
            webhook: None,
            allow_private_webhook: false,
            callback_checked: false,
            token: None,
            tokens_given: (0, 0),
            // Whom a tenant lets speak, the operator wants to see first, where it wants to see anything.
            status: match new.tenant.is_some() && !self.config.auto_approve {
                true => ChatbotStatus::Draft,
                false => ChatbotStatus::Live,
            },
            profile: Profile { name: address.user().to_owned(), ..Profile::default() },
            created_at: work.now,
            changed_at: work.now,
            webhook_auth: WebhookAuth::default(),
            webhook_probe: false,
            standing: Standing::default(),
            extras: Extras::default(),
            address,
        };
        if let Err(what) = new.data.apply(&mut chatbot, work.now) {
            return Answer::Invalid(what);
        }
        if !dialect::check_waits_for_token(chatbot.dialect) {
            out.next.push(Task::Check(chatbot.address.clone()));
        }
        work.view.put_chatbot(chatbot.clone());
        work.view.put_former_owner(&chatbot.address, None);
        self.forget(&chatbot.address);
        if let Some(tenant) = new.tenant {
            self.managed.tenants.own(&chatbot.address, &tenant);
            work.view.put_owner(&chatbot.address, Some(tenant));
        }
        Answer::Created { chatbot: Box::new(chatbot), credentials }
    }

    /// Changes a chatbot. With `is_reviewed`, what handsets show of it is proposed to the operator instead, as its own program
    /// would propose it; but for a draft, which nobody is shown and which is looked at as a whole before it goes live.
    pub(crate) fn decide_update(
        &mut self,
        address: &Address,
        change: Change,
        is_reviewed: bool,
        work: &mut Work<'_>,
        out: &mut Out,
    ) -> Answer {
        let Some(before) = work.view.chatbot(address).cloned() else { return Answer::NotFound };
        let mut chatbot = before.clone();
        // All of it must be right, or nothing is done.
        if let Err(what) = change.apply(&mut chatbot.clone(), work.now) {
            return Answer::Invalid(what);
        }
        let waits = is_reviewed && !self.config.auto_approve && chatbot.status != ChatbotStatus::Draft;
        let (change, proposals) = if waits { change.parted() } else { (change, Vec::new()) };
        let is_proposed = !proposals.is_empty();
        for (topic, shown) in proposals {
            if let Err(answer) = self.propose(address, topic, shown, work) {
                return answer;
            }
        }
        if let Err(what) = change.apply(&mut chatbot, work.now) {
            return Answer::Invalid(what);
        }
        let is_shown_otherwise = before.profile != chatbot.profile
            || before.extras != chatbot.extras
            || before.standing != chatbot.standing
            || before.status != chatbot.status;
        let is_pushed_otherwise = before.webhook != chatbot.webhook
            || before.allow_private_webhook != chatbot.allow_private_webhook
            || before.webhook_auth != chatbot.webhook_auth
            || before.webhook_probe != chatbot.webhook_probe;
        work.view.put_chatbot(chatbot.clone());
        if is_shown_otherwise {
            notice::tell(address, Notice::InformationChanged, work);
        }
        // What failed until now may go well now: it is not waited for the next try.
        if is_pushed_otherwise || before.status != chatbot.status {
            self.start_over(address);
        }
        if is_pushed_otherwise {
            out.next.push(Task::Check(address.clone()));
        }
        out.next.push(self.woken(address));
        match is_proposed {
            true => Answer::Proposed(Box::new(chatbot)),
            false => Answer::Updated(Box::new(chatbot)),
        }
    }

    pub(crate) fn decide_remove(&mut self, address: &Address, work: &mut Work<'_>, out: &mut Out) -> Answer {
        if work.view.chatbot(address).is_none() {
            return Answer::NotFound;
        }
        work.view.remove_chatbot(address);
        let former =
            FormerOwner { chatbot: address.clone(), tenant: self.managed.tenants.of(address).cloned() };
        work.view.put_former_owner(address, Some(former));
        work.view.put_owner(address, None);
        self.managed.tenants.forget(address);
        work.view.remove_service_account(address);
        let proposals: Vec<ProposalKey> = work.view.proposals_of(address).to_vec();
        proposals.iter().for_each(|key| work.view.remove_proposal(key));
        self.remove_campaigns_of(address, work);
        // Its contacts stay: who has opted out of an address has opted out of whoever speaks from it.
        work.view.put_rules(address, Rules::default());
        self.forget(address);
        work.next.push(message_centre::Task::Clear(address.clone()));
        out.next.push(Task::ClearMedia(address.clone()));
        Answer::Removed
    }
}

impl Change {
    /// Makes the changes, or says what is wrong with the first that cannot be.
    pub(crate) fn apply(&self, chatbot: &mut Chatbot, now: Timestamp) -> Result<(), String> {
        if let Some(webhook) = &self.webhook {
            let webhook = match webhook.trim().trim_end_matches('/') {
                "" => None,
                url => Some(webhook_url(url).map_err(|what| format!("webhook: {what}"))?.to_owned()),
            };
            if webhook != chatbot.webhook {
                (chatbot.webhook, chatbot.callback_checked) = (webhook, false);
            }
        }
        chatbot.allow_private_webhook = self.allow_private_webhook.unwrap_or(chatbot.allow_private_webhook);
        if let Some(status) = self.status {
            set_status(chatbot, status);
        }
        self.apply_standing(&mut chatbot.standing)?;
        self.apply_extras(&mut chatbot.extras)?;
        chatbot.webhook_auth = self.webhook_auth.unwrap_or(chatbot.webhook_auth);
        chatbot.webhook_probe = self.webhook_probe.unwrap_or(chatbot.webhook_probe);
        let profile = &mut chatbot.profile;
        profile.verified = self.verified.unwrap_or(profile.verified);
        if let Some(name) = &self.display_name {
            let name = text("displayName", name, 100)?;
            profile.name = name.unwrap_or_else(|| chatbot.address.user().to_owned());
        }
        for (name, given, kept) in [
            ("icon", &self.icon, &mut profile.icon),
            ("backgroundImage", &self.background_image, &mut profile.background_image),
        ] {
            set(kept, given, |url| of_url(name, url, true))?;
        }
        set(&mut profile.website, &self.website, |url| of_url("website", url, false))?;
        set(&mut profile.terms, &self.terms, |url| of_url("terms", url, false))?;
        set(&mut profile.colour, &self.colour, colour)?;
        set(&mut profile.description, &self.description, |given| text("description", given, 500))?;
        set(&mut profile.provider, &self.provider, |given| text("provider", given, 100))?;
        set(&mut profile.callback_number, &self.callback_number, |given| number("callbackNumber", given))?;
        set(&mut profile.email, &self.email, email)?;
        set(&mut profile.category, &self.category, |given| text("category", given, 50))?;
        if let Some(categories) = &self.categories {
            let (first, more) = read_categories(categories)?;
            (profile.category, chatbot.extras.more_categories) = (first, more);
        }
        if let Some(given) = &self.menu {
            profile.menu = menu(given)?;
        }
        chatbot.changed_at = now;
        Ok(())
    }
}

impl Change {
    /// What handsets do not show, and what they do, by topic, as proposals have it.
    fn parted(self) -> (Self, Vec<(Topic, Value)>) {
        let own = Self {
            webhook: self.webhook.clone(),
            allow_private_webhook: self.allow_private_webhook,
            status: self.status,
            webhook_auth: self.webhook_auth,
            webhook_probe: self.webhook_probe,
            verified: self.verified,
            verified_by: self.verified_by.clone(),
            verified_until: self.verified_until.clone(),
            ..Self::default()
        };
        let menu = Self { menu: self.menu.clone(), ..Self::default() };
        let data = Self {
            webhook: None,
            allow_private_webhook: None,
            status: None,
            webhook_auth: None,
            webhook_probe: None,
            verified: None,
            verified_by: None,
            verified_until: None,
            menu: None,
            ..self
        };
        let proposals = [(Topic::Data, data), (Topic::Menu, menu)];
        let named = proposals.into_iter().filter(|(_, change)| *change != Self::default());
        (own, named.map(|(topic, change)| (topic, change.members())).collect())
    }

    /// The members that say something, as JSON.
    fn members(&self) -> Value {
        let mut members = serde_json::to_value(self).expect("texts and numbers can be written as JSON");
        if let Some(members) = members.as_object_mut() {
            members.retain(|_, value| !value.is_null());
        }
        members
    }

    fn apply_standing(&self, standing: &mut Standing) -> Result<(), String> {
        set(&mut standing.verified_by, &self.verified_by, |given| text("verifiedBy", given, 100))?;
        if let Some(until) = &self.verified_until {
            standing.verified_until = match until.trim() {
                "" => None,
                until => {
                    let until = Timestamp::parse_rfc3339(until);
                    Some(until.map_err(|_| "verifiedUntil: no time as 2027-01-31T12:00:00Z".to_owned())?)
                }
            };
        }
        Ok(())
    }

    fn apply_extras(&self, extras: &mut Extras) -> Result<(), String> {
        set(&mut extras.address, &self.address, |given| text("address", given, 200))?;
        set(&mut extras.autograph, &self.autograph, |given| text("autograph", given, 50))?;
        set(&mut extras.css_style, &self.css_style, |url| of_url("cssStyle", url, true))?;
        set(&mut extras.sms_number, &self.sms_number, |given| number("smsNumber", given))?;
        for (name, given, kept, most) in [
            ("latitude", self.latitude, &mut extras.latitude, 90.0),
            ("longitude", self.longitude, &mut extras.longitude, 180.0),
        ] {
            match given {
                Some(degrees) if degrees.abs() <= most => *kept = Some(degrees),
                Some(degrees) => return Err(format!("{name}: {degrees} is not within ±{most}")),
                None => {}
            }
        }
        Ok(())
    }
}

/// The first category and the others.
fn read_categories(given: &[String]) -> Result<(Option<String>, Vec<String>), String> {
    const CATEGORIES_MAX: usize = 15;
    const CATEGORY_BYTES_MAX: usize = 50;
    if given.len() > CATEGORIES_MAX {
        return Err(format!("categories: {} > {CATEGORIES_MAX}", given.len()));
    }
    let mut categories = Vec::new();
    for category in given {
        if category.len() > CATEGORY_BYTES_MAX {
            return Err(format!("categories: {} > {CATEGORY_BYTES_MAX} bytes", category.len()));
        }
        categories.extend(text("categories", category, CATEGORY_BYTES_MAX)?);
    }
    let mut categories = categories.into_iter();
    Ok((categories.next(), categories.collect()))
}

/// Puts what `read` makes of a given text; leaves things as they are when none is given.
fn set(
    kept: &mut Option<String>,
    given: &Option<String>,
    read: impl Fn(&str) -> Result<Option<String>, String>,
) -> Result<(), String> {
    if let Some(given) = given {
        *kept = read(given)?;
    }
    Ok(())
}

/// A text of one paragraph; empty for none.
fn text(name: &str, given: &str, chars_max: usize) -> Result<Option<String>, String> {
    let given = given.trim();
    let chars = given.chars().count();
    if chars > chars_max {
        return Err(format!("{name}: {chars} > {chars_max} characters"));
    }
    if given.chars().any(|c| c.is_control() && c != '\n') {
        return Err(format!("{name}: control characters"));
    }
    Ok((!given.is_empty()).then(|| given.to_owned()))
}

fn of_url(name: &str, given: &str, may_be_ours: bool) -> Result<Option<String>, String> {
    match given.trim() {
        "" => Ok(None),
        url => web_url(url, may_be_ours)
            .map(|url| Some(url.to_owned()))
            .map_err(|what| format!("{name}: {what}")),
    }
}

/// A URL under which the paths of pushes can be put.
fn webhook_url(url: &str) -> Result<&str, &'static str> {
    match url.contains(['?', '#']) {
        true => Err("a query or fragment in the URL"),
        false => web_url(url, false),
    }
}

/// An http or https URL that names a host and no user; or a path on our own host, if `may_be_ours`.
fn web_url(url: &str, may_be_ours: bool) -> Result<&str, &'static str> {
    if url.len() > URL_BYTES_MAX {
        return Err("longer than 1024 bytes");
    }
    let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte);
    if !url.bytes().all(is_plain) {
        return Err("characters that no URL has; percent-encode them");
    }
    if may_be_ours && url.starts_with('/') && !url.starts_with("//") {
        return Ok(url);
    }
    let (scheme, rest) = url.split_once("://").ok_or("no http or https URL")?;
    if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
        return Err("no http or https URL");
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        return Err("a user name or password in the URL");
    }
    if authority.is_empty() || authority.starts_with(':') {
        return Err("no host");
    }
    Ok(url)
}

fn colour(given: &str) -> Result<Option<String>, String> {
    let given = given.trim();
    let is_colour = |digits: &str| digits.len() == 6 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    match given {
        "" => Ok(None),
        _ if given.strip_prefix('#').is_some_and(is_colour) => Ok(Some(given.to_ascii_uppercase())),
        _ => Err("colour: not #RRGGBB".to_owned()),
    }
}

fn number(name: &str, given: &str) -> Result<Option<String>, String> {
    let given = text(name, given, 21)?;
    let is_number =
        |number: &String| number.bytes().all(|byte| byte.is_ascii_digit() || b"+-() *#".contains(&byte));
    match given {
        Some(number) if !is_number(&number) => Err(format!("{name}: no telephone number")),
        given => Ok(given),
    }
}

fn email(given: &str) -> Result<Option<String>, String> {
    let given = text("email", given, 50)?;
    let is_email = |email: &String| {
        email.split_once('@').is_some_and(|(user, host)| !user.is_empty() && !host.is_empty())
            && email.bytes().all(|byte| byte.is_ascii_graphic())
    };
    match given {
        Some(email) if !is_email(&email) => Err("email: no e-mail address".to_owned()),
        given => Ok(given),
    }
}

/// The persistent menu as it is stored; none if it is empty.
fn menu(given: &Value) -> Result<Option<String>, String> {
    let none = |value: &Value| {
        value.as_object().is_some_and(serde_json::Map::is_empty)
            || value["menu"]["entries"] == Value::Array(Vec::new())
    };
    let given = match given {
        Value::String(text) if text.trim().is_empty() => return Ok(None),
        Value::String(text) => {
            rcs::bot::read_json(text.as_bytes()).map_err(|error| format!("menu: {error}"))?
        }
        given => given.clone(),
    };
    if none(&given) {
        return Ok(None);
    }
    let menu = Menu::from_value(given).map_err(|violations| join(&violations))?;
    let violations = menu.validate(&LIMITS);
    if !violations.is_empty() {
        return Err(join(&violations));
    }
    let json = String::from_utf8(menu.to_json()).expect("JSON is UTF-8");
    Ok(Some(json))
}

fn join(violations: &[Violation]) -> String {
    let all: Vec<String> = violations.iter().map(Violation::to_string).collect();
    all.join("; ")
}
