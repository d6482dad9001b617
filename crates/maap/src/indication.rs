//! What chatbots and users indicate beside messages: that they write, that the chatbot has read; and what a user's devices can
//! take, asked for and told by webhook.

use message_centre::{Centre, Work};
use rcs::address::Address;
use rcs::capability::Capabilities;
use rcs::composing::State;
use store::Wants;

use crate::dialect;
use crate::push::Push;
use crate::send::check_testers;
use crate::{Maap, Out, Reason, Refusal};

/// Pushes under way that tell one chatbot of users who write; beyond, it is not told: by then it may have what they wrote.
const TYPING_MAX: usize = 16;

impl Maap {
    /// The rows of [`Maap::decide_composing`].
    pub(crate) fn composing_wants(chatbot: &Address, to: &Address, centre: &Centre, wants: &mut Wants) {
        wants.chatbot(chatbot);
        Self::allowance_wants(chatbot, wants);
        centre.composing_wants(to, wants);
    }

    /// A chatbot writes to a user, or has stopped.
    pub(crate) fn decide_composing(
        &mut self,
        chatbot: &Address,
        to: &Address,
        state: State,
        centre: &mut Centre,
        work: &mut Work<'_>,
    ) -> Result<(), Refusal> {
        check_testers(self.may_act(work.view.chatbot(chatbot))?, std::slice::from_ref(to))?;
        self.take_turns(chatbot, 1, work)?;
        match centre.pass_composing(chatbot, to, state, work) {
            true => Ok(()),
            false => Err(Refusal::of(Reason::NoSuchUser)),
        }
    }

    /// The rows of [`Maap::decide_read`].
    pub(crate) fn read_wants(
        chatbot: &Address,
        user: &Address,
        message_id: &str,
        centre: &Centre,
        wants: &mut Wants,
    ) {
        wants.chatbot(chatbot);
        Self::allowance_wants(chatbot, wants);
        centre.read_wants(&(message_id.to_owned(), user.clone(), chatbot.clone()), wants);
    }

    /// A chatbot has read what a user said.
    pub(crate) fn decide_read(
        &mut self,
        chatbot: &Address,
        user: &Address,
        message_id: &str,
        centre: &mut Centre,
        work: &mut Work<'_>,
    ) -> Result<(), Refusal> {
        self.may_act(work.view.chatbot(chatbot))?;
        self.take_turns(chatbot, 1, work)?;
        match centre.read_by_chatbot(&(message_id.to_owned(), user.clone(), chatbot.clone()), work) {
            true => Ok(()),
            false => Err(Refusal::of(Reason::NoSuchMessage)),
        }
    }

    /// The rows of [`Maap::decide_capabilities`].
    pub(crate) fn capabilities_wants(chatbot: &Address, user: &Address, wants: &mut Wants) {
        wants.chatbot(chatbot);
        Self::allowance_wants(chatbot, wants);
        wants.head(chatbot);
        wants.bindings(user);
    }

    /// A chatbot asks to be told by webhook what a user's devices can take.
    pub(crate) fn decide_capabilities(
        &mut self,
        chatbot: &Address,
        user: &Address,
        request_id: &str,
        centre: &mut Centre,
        work: &mut Work<'_>,
    ) -> Result<(), Refusal> {
        check_testers(self.may_act(work.view.chatbot(chatbot))?, std::slice::from_ref(user))?;
        self.take_turns(chatbot, 1, work)?;
        let mut devices = work.view.bindings(user).into_iter().flat_map(|all| all.live(work.now)).peekable();
        let found = devices
            .peek()
            .is_some()
            .then(|| devices.fold(Capabilities::NONE, |union, device| union.union(&device.capabilities)));
        match centre.tell_capabilities(chatbot, user, request_id, found, work) {
            true => Ok(()),
            false => Err(Refusal::of(Reason::CallLimit)),
        }
    }

    /// The rows of [`Maap::decide_typing`].
    pub(crate) fn typing_wants(chatbot: &Address, user: &Address, wants: &mut Wants) {
        wants.chatbot(chatbot);
        wants.rules(chatbot);
        wants.contact(chatbot, user);
    }

    /// A user writes to a chatbot, or has stopped.
    pub(crate) fn decide_typing(
        &mut self,
        address: &Address,
        user: &Address,
        state: State,
        work: &mut Work<'_>,
        out: &mut Out,
    ) {
        let Some(chatbot) = work.view.chatbot(address).cloned() else { return };
        if self.may_act(Some(&chatbot)).is_err() {
            return;
        }
        let user = self.known_as(address, user, work);
        let fresh = self.fresh(work.now);
        let Some(request) = dialect::typing(&chatbot, &user, state, &fresh) else { return };
        let id = self.push_id();
        let agent = self.agents.entry(address.clone()).or_default();
        if agent.typing.len() < TYPING_MAX && !agent.is_left_alone() {
            agent.typing.insert(id);
            out.pushes.push(Push::new(id, &chatbot, request, self.config.push_timeout));
        }
    }
}
