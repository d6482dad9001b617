//! Registration (RFC 3261 §10.2, RFC 5626): one binding, refreshed at half its life.

use std::time::Duration;

use rcs::Timestamp;
use sip::{Contact, HeaderName, Response};

use crate::handset::{Credentials, Event, Failure, Handset, Purpose, Random};

/// The services of an RCS handset beside messages and sessions, as the Contact of its registration names them (RCC.07 §2.6.1).
const FEATURES: &str = "+g.3gpp.iari-ref=\"urn%3Aurn-7%3A3gpp-application.ims.iari.rcs.fthttp,\
     urn%3Aurn-7%3A3gpp-application.ims.iari.rcs.geopush,\
     urn%3Aurn-7%3A3gpp-application.ims.iari.rcs.chatbot.sa\";+g.gsma.rcs.botversion=\"#=1,#=2\";+g.gsma.rcs.msgrevoke";

/// What a handset knows of its registration.
#[derive(Debug)]
pub(crate) struct Registration {
    call_id: String,
    from_tag: String,
    cseq: u32,
    pub(crate) credentials: Option<Credentials>,
    pub(crate) refresh_at: Option<Timestamp>,
    is_registered: bool,
}

impl Registration {
    pub(crate) fn new(random: &mut Random, domain: &str) -> Self {
        Self {
            call_id: format!("{}@{domain}", random.tag()),
            from_tag: random.tag(),
            cseq: 0,
            credentials: None,
            refresh_at: None,
            is_registered: false,
        }
    }

    pub(crate) fn next_cseq(&mut self) -> u32 {
        self.cseq += 1;
        self.cseq
    }

    pub(crate) fn lost(&mut self) {
        (self.refresh_at, self.is_registered) = (None, false);
    }
}

impl Handset {
    /// Registers, or refreshes now. Ends in [`Event::Registered`] or [`Event::NotRegistered`].
    pub fn register(&mut self, now: Timestamp) {
        self.register_for(now, self.config.expires_s);
    }

    /// Takes the binding away. Ends in [`Event::Registered`] with 0 seconds.
    pub fn unregister(&mut self, now: Timestamp) {
        self.register_for(now, 0);
    }

    /// Whether the registrar had us when it last answered over this connection.
    pub fn is_registered(&self) -> bool {
        self.registration.is_registered
    }

    fn register_for(&mut self, now: Timestamp, expires_s: u32) {
        let domain = self.config.domain.clone();
        let mut draft = self.draft("REGISTER", format!("sip:{domain}"));
        // RFC 3261 §10.2: one Call-ID for all registrations with one registrar.
        draft.call_id.clone_from(&self.registration.call_id);
        draft.from_tag.clone_from(&self.registration.from_tag);
        draft.cseq = self.registration.next_cseq();
        draft.to = format!("<{}>", self.config.address.sip_uri(&domain));
        let services = &self.config.services;
        let announced = [(services.pager, "msg"), (services.chat, "session"), (services.large, "largemsg")];
        let announced = announced.iter().filter(|(is_there, _)| *is_there);
        let icsi: Vec<String> = announced
            .map(|(_, name)| format!("urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm.{name}"))
            .collect();
        let icsi = icsi.join(",");
        let contact = format!(
            "<sip:{}@{}>;+sip.instance=\"<{}>\";reg-id=1;+g.3gpp.icsi-ref=\"{icsi}\";{FEATURES};\
             expires={expires_s}",
            self.config.address.user(),
            self.contact_place,
            self.config.instance,
        );
        draft.headers = vec![
            (HeaderName::Contact, contact),
            (HeaderName::Supported, "path, gruu, outbound".to_owned()),
            (HeaderName::Expires, expires_s.to_string()),
        ];
        self.request(now, Purpose::Register { expires_s }, draft);
    }

    pub(crate) fn register_answered(&mut self, now: Timestamp, asked_s: u32, response: &Response) {
        let status = response.status();
        if status >= 300 {
            self.registration.lost();
            return self.tell(Event::NotRegistered(Failure::Refused(status)));
        }
        let expires_s = if asked_s == 0 { 0 } else { self.granted(response).unwrap_or(asked_s) };
        self.registration.is_registered = expires_s > 0;
        self.registration.refresh_at =
            (expires_s > 0).then(|| now.plus(Duration::from_secs(u64::from(expires_s / 2).max(1))));
        self.tell(Event::Registered { expires_s });
    }

    /// The lifetime that the registrar gave this device, among all those it lists.
    fn granted(&self, response: &Response) -> Option<u32> {
        let own = |contact: &sip::ContactAddress<'_>| {
            contact
                .instance()
                .is_some_and(|instance| instance.trim_matches(['<', '>']) == self.config.instance)
        };
        response
            .contacts()
            .filter_map(|contact| contact.ok().and_then(Contact::address))
            .find(own)?
            .expires()
            .or_else(|| response.header(HeaderName::Expires)?.parse().ok())
    }
}
