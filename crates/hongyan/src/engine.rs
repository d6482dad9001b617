//! Load, decide, commit: one batch at a time, without threads, clocks or sockets, so that tests can play it.

use rcs::Timestamp;
use sip::{Flow, Message};
use store::{FileId, Store, StoreError, View, Wants};

use message_centre::group::icon;
use message_centre::{Centre, Stats, Task, Work, admin, files};

/// Most due entries that one batch takes on.
const DUE_MAX: usize = 256;
/// Records looked at, now and then, for ones that may be forgotten.
const SWEEP_RECORDS: usize = 2_000;
/// The same for files whose time is over.
const SWEEP_FILES: usize = 2_000;
/// The same for histories with messages that are too old.
const SWEEP_HISTORIES: usize = 2_000;
/// The same for dead letters that are too old.
const SWEEP_DEAD_LETTERS: usize = 2_000;
/// Pause between two such looks.
const SWEEP_EVERY: std::time::Duration = std::time::Duration::from_secs(10);
/// The same while there is much to forget.
const SWEEP_AGAIN: std::time::Duration = std::time::Duration::from_millis(100);
/// For so long spam reports are kept: 90 days.
const SPAM_REPORTS_KEPT: std::time::Duration = std::time::Duration::from_secs(90 * 86_400);
/// Subscribers with mail or watchers, and groups with pending members, that are looked at in one batch after a start.
const WAKE_MAX: usize = 256;
/// Rounds of follow-up tasks within one batch; more would be a loop of ours.
const ROUNDS_MAX: usize = 16;

/// What the network and the API edges put into the inbox.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "nearly all are SIP messages")]
pub enum Input {
    /// A SIP message, parsed at the edge.
    Sip {
        /// Whence it came.
        flow: Flow,
        /// The message.
        message: Message,
    },
    /// A connection is no more.
    FlowClosed(Flow),
    /// An administrator's change of subscribers.
    Admin(admin::Call, Reply<admin::Answer>),
    /// A chatbot's API call, or an administrator's change of chatbots.
    Chatbot(Box<maap::Call>, Reply<maap::Answer>),
    /// How a webhook call ended.
    Pushed(Box<maap::Pushed>),
    /// What the MSRP edge tells.
    Media(message_centre::session::media::Event),
    /// A change of the index of files.
    Files(Box<files::Call>, Reply<files::Answer>),
    /// The picture of a group's icon was made, or not.
    IconMade(Box<icon::Made>),
}

impl Input {
    /// A word for metrics.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Sip { .. } => "sip",
            Self::FlowClosed(_) => "flow_closed",
            Self::Admin(..) => "admin",
            Self::Chatbot(..) => "api",
            Self::Pushed(_) => "pushed",
            Self::Media(_) => "msrp",
            Self::Files(..) => "files",
            Self::IconMade(_) => "icon",
        }
    }
}

/// The way back to whoever made a call. Dropping it unused tells them that nothing came of it.
#[derive(Debug)]
pub struct Reply<T>(Option<tokio::sync::oneshot::Sender<T>>);

impl<T> Reply<T> {
    /// For calls of our own, whose answer nobody waits for.
    pub fn none() -> Self {
        Self(None)
    }

    fn send(self, answer: T) {
        // The caller may have gone away; then nobody needs the answer.
        if let Some(sender) = self.0 {
            let _ = sender.send(answer);
        }
    }
}

impl<T> From<tokio::sync::oneshot::Sender<T>> for Reply<T> {
    fn from(sender: tokio::sync::oneshot::Sender<T>) -> Self {
        Self(Some(sender))
    }
}

/// What leaves after the commit, beside the bytes that [`Engine::poll_transmit`] gives.
#[derive(Debug, Default)]
pub struct Effects {
    /// Connections to close.
    pub close: Vec<Flow>,
    /// Spooled bodies that nobody needs.
    pub discarded: Vec<String>,
    /// Webhook calls to make.
    pub pushes: Vec<maap::Push>,
    /// Files whose bytes may go.
    pub files_gone: Vec<FileId>,
    /// Pictures to make icons of.
    pub icons: Vec<icon::Wanted>,
    /// What happened in the message centre, counted.
    pub stats: Stats,
    /// What happened on the chatbot platform, counted.
    pub platform: maap::Stats,
    /// How many inputs the batch had.
    pub inputs: usize,
    /// Whether anything was written.
    pub is_committed: bool,
    /// Whether a campaign is further than before, or another in what people look at.
    pub has_campaign_news: bool,
}

/// Something to decide, and who waits for the answer.
enum Todo {
    Centre(Task),
    Admin(admin::Call, Reply<admin::Answer>),
    Maap(maap::Task, Reply<maap::Answer>),
    Files(Box<files::Call>, Reply<files::Answer>),
}

/// An answer that waits for the commit.
enum Answered {
    Admin(admin::Answer, Reply<admin::Answer>),
    Maap(maap::Answer, Reply<maap::Answer>),
    Files(files::Answer, Reply<files::Answer>),
}

impl Answered {
    fn send(self) {
        match self {
            Self::Admin(answer, reply) => reply.send(answer),
            Self::Maap(answer, reply) => reply.send(answer),
            Self::Files(answer, reply) => reply.send(answer),
        }
    }
}

/// The message centre and the chatbot platform over one store.
pub struct Engine {
    centre: Centre,
    maap: maap::Maap,
    store: Store,
    /// Tasks for the next batch.
    next: Vec<Todo>,
    /// Who is watched, members to be invited and subscribers with mail, to be looked at after the start: the last first.
    waking: Vec<Task>,
    /// When the next entry is due, as far as is known.
    due_at: Option<Timestamp>,
    sweep_at: Timestamp,
    sweep_cursor: Option<Vec<u8>>,
    files_cursor: Option<Vec<u8>>,
    letters_cursor: Option<Vec<u8>>,
    media_cursor: Option<Vec<u8>>,
    histories_cursor: Option<Vec<u8>>,
}

impl Engine {
    /// An engine that picks up what the store has: everything that is due, and every chatbot's mailbox.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn new(
        mut centre: Centre,
        mut maap: maap::Maap,
        store: Store,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        maap.resume(maap::manage::Resumed::read(&store)?, now);
        let chatbots = store.chatbots()?;
        let next = chatbots.keys().map(|chatbot| Todo::Maap(maap.woken(chatbot), Reply::none())).collect();
        centre.keep_history_of(&store.histories()?);
        let mut owners = store.owners_of_mail()?;
        owners.extend(store.owners_of_dead_letters()?);
        owners.retain(|owner| !chatbots.contains_key(owner));
        let mut waking: Vec<Task> = owners.into_iter().filter_map(message_centre::wake).collect();
        waking.extend(store.groups()?.iter().filter_map(message_centre::group::wake));
        waking.extend(store.watched()?.into_iter().map(message_centre::events::wake));
        Ok(Self {
            centre,
            maap,
            store,
            next,
            waking,
            due_at: Some(Timestamp::EPOCH),
            sweep_at: now,
            sweep_cursor: None,
            files_cursor: None,
            letters_cursor: None,
            media_cursor: None,
            histories_cursor: None,
        })
    }

    /// Takes a batch of inputs, decides everything that follows from them, commits, and answers callers.
    ///
    /// # Errors
    /// If the store fails. Nothing of the batch may then be told to anybody, and memory is ahead of the disk: stop.
    pub fn run(
        &mut self,
        now: Timestamp,
        inputs: impl IntoIterator<Item = Input>,
    ) -> Result<Effects, StoreError> {
        let mut todo = std::mem::take(&mut self.next);
        let mut tasks = Vec::new();
        let mut count = 0;
        for input in inputs {
            count += 1;
            match input {
                Input::Sip { flow, message } => self.centre.receive(now, flow, message, &mut tasks),
                Input::FlowClosed(flow) => self.centre.flow_closed(now, flow, &mut tasks),
                Input::Admin(call, reply) => todo.push(Todo::Admin(call, reply)),
                Input::Chatbot(call, reply) => todo.push(Todo::Maap(maap::Task::Call(call), reply)),
                Input::Media(event) => self.centre.receive_media(now, event, &mut tasks),
                Input::IconMade(made) => tasks.push(Task::IconMade(made)),
                Input::Files(call, reply) => todo.push(Todo::Files(call, reply)),
                Input::Pushed(pushed) => todo.push(Todo::Maap(maap::Task::Pushed(pushed), Reply::none())),
            }
        }
        self.centre.tick(now, &mut tasks);
        let woken = self.waking.len().saturating_sub(WAKE_MAX);
        tasks.extend(self.waking.drain(woken..).rev());
        self.look_for_due(now, &mut tasks)?;
        todo.extend(tasks.into_iter().map(Todo::Centre));
        let mut tasks = Vec::new();
        self.maap.tick(now, &mut tasks);
        todo.extend(tasks.into_iter().map(|task| Todo::Maap(task, Reply::none())));

        let mut view = View::default();
        let mut work = Work::new(now, &mut view);
        let mut out = maap::Out::default();
        let mut answers = Vec::new();
        for _ in 0..ROUNDS_MAX {
            if todo.is_empty() {
                break;
            }
            self.load(&todo, work.view)?;
            for one in todo.drain(..) {
                self.decide(one, &mut work, &mut out, &mut answers);
            }
            todo.extend(work.then.drain(..).map(Todo::Centre));
            todo.extend(
                work.heard
                    .drain(..)
                    .map(|heard| Todo::Maap(maap::Task::Heard(Box::new(heard)), Reply::none())),
            );
        }
        let Work { next, close, stats, mut woken, typing, files_gone, icons, mut discarded, .. } = work;
        let is_committed = view.is_changed();
        if is_committed {
            self.store.commit(&view)?;
            self.due_at = self.due_at.into_iter().chain(view.earliest_due()).min();
        }
        discarded.extend(view.released().map(str::to_owned));
        woken.sort_unstable();
        woken.dedup();
        self.next.extend(todo);
        self.next.extend(next.into_iter().map(Todo::Centre));
        self.next.extend(out.next.into_iter().map(|task| Todo::Maap(task, Reply::none())));
        for chatbot in &woken {
            self.next.push(Todo::Maap(self.maap.woken(chatbot), Reply::none()));
        }
        for (chatbot, user, state) in typing {
            self.next.push(Todo::Maap(maap::Maap::typing(chatbot, user, state), Reply::none()));
        }
        answers.into_iter().for_each(Answered::send);
        Ok(Effects {
            close,
            discarded,
            pushes: out.pushes,
            files_gone,
            icons,
            stats,
            platform: out.stats,
            inputs: count,
            is_committed,
            has_campaign_news: view.has_campaign_news(),
        })
    }

    /// What the MSRP edge is to do next; to be asked before [`Engine::poll_transmit`].
    pub fn poll_media(&mut self) -> Option<message_centre::session::media::Command> {
        self.centre.poll_media()
    }

    /// The next bytes for the network.
    pub fn poll_transmit(&mut self) -> Option<(Flow, bytes::Bytes)> {
        self.centre.poll_transmit()
    }

    /// Whether a batch without inputs has something to do now.
    pub fn has_more(&self) -> bool {
        !self.next.is_empty() || !self.waking.is_empty()
    }

    /// When to run a batch at the latest, even without inputs.
    pub fn wake_at(&self) -> Timestamp {
        let wakes = self.centre.wake_at().into_iter().chain(self.maap.wake_at()).chain(self.due_at);
        wakes.fold(self.sweep_at, Timestamp::min)
    }

    /// Ends what is under way: senders who wait are answered, their messages kept. Run batches until nothing is left.
    pub fn stop(&mut self, now: Timestamp) {
        self.next.extend(self.centre.stop(now).into_iter().map(Todo::Centre));
    }

    fn load(&self, todo: &[Todo], view: &mut View) -> Result<(), StoreError> {
        let mut wants = Wants::default();
        for one in todo {
            match one {
                Todo::Centre(task) => self.centre.wants(task, &mut wants),
                Todo::Admin(call, _) => self.centre.admin_wants(call, &mut wants),
                Todo::Maap(task, _) => self.maap.wants(&self.centre, task, &mut wants),
                Todo::Files(call, _) => self.centre.file_wants(call, &mut wants),
            }
        }
        self.store.load(wants, view)
    }

    fn decide(&mut self, todo: Todo, work: &mut Work<'_>, out: &mut maap::Out, answers: &mut Vec<Answered>) {
        match todo {
            Todo::Centre(task) => self.centre.decide(task, work),
            Todo::Admin(call, reply) => {
                answers.push(Answered::Admin(self.centre.decide_admin(call, work), reply))
            }
            Todo::Files(call, reply) => {
                answers.push(Answered::Files(self.centre.decide_file(*call, work), reply));
            }
            Todo::Maap(task, reply) => {
                if let Some(answer) = self.maap.decide(task, &mut self.centre, work, out) {
                    answers.push(Answered::Maap(answer, reply));
                }
            }
        }
    }

    /// Tasks for entries whose time has come, for records that may be forgotten, and for files and histories that may go.
    fn look_for_due(&mut self, now: Timestamp, tasks: &mut Vec<Task>) -> Result<(), StoreError> {
        if let Some(from) = self.due_at.filter(|at| *at <= now) {
            let (due, next) = self.store.due(from, now, DUE_MAX)?;
            tasks.extend(due.into_iter().map(Task::Due));
            self.due_at = next;
        }
        if self.sweep_at <= now {
            let (old, cursor) = self.store.sweep(now, self.sweep_cursor.take(), SWEEP_RECORDS)?;
            let found = !old.is_empty();
            if found {
                tasks.push(Task::Forget(old));
            }
            self.sweep_cursor = cursor;
            let oldest = Timestamp::EPOCH.plus(now.since(Timestamp::EPOCH).saturating_sub(SPAM_REPORTS_KEPT));
            let old = self.store.old_spam_reports(oldest, SWEEP_RECORDS)?;
            if !old.is_empty() {
                tasks.push(Task::ForgetSpam(old));
            }
            let oldest = now.minus(self.maap.config().audit_keep);
            let old = self.store.old_acts(oldest, SWEEP_RECORDS)?;
            if !old.is_empty() {
                let call = maap::Call::Manage(Box::new(maap::manage::Call::ForgetActs(old)));
                self.next.push(Todo::Maap(maap::Task::Call(Box::new(call)), Reply::none()));
            }
            let (expired, cursor) = self.store.expired_files(now, self.files_cursor.take(), SWEEP_FILES)?;
            let found_files = !expired.is_empty();
            if found_files {
                tasks.push(Task::ExpireFiles(expired));
            }
            self.files_cursor = cursor;
            let begins = self.centre.dead_letters_begin(now);
            let cursor = self.letters_cursor.take();
            let (old, cursor) = self.store.old_dead_letters(begins, cursor, SWEEP_DEAD_LETTERS)?;
            if !old.is_empty() {
                tasks.push(Task::ForgetDeadLetters(old));
            }
            self.letters_cursor = cursor;
            let (expired, cursor) = self.store.expired_media(now, self.media_cursor.take(), SWEEP_FILES)?;
            if !expired.is_empty() {
                self.next.push(Todo::Maap(maap::Task::ExpireMedia(expired), Reply::none()));
            }
            self.media_cursor = cursor;
            let begins = self.centre.history_begins(now);
            let cursor = self.histories_cursor.take();
            let (old, cursor) = self.store.old_histories(begins, cursor, SWEEP_HISTORIES)?;
            tasks.extend(old.into_iter().map(|owner| Task::TrimHistory(owner, false)));
            self.histories_cursor = cursor;
            let is_behind =
                (found && self.sweep_cursor.is_some()) || (found_files && self.files_cursor.is_some());
            self.sweep_at = now.plus(if is_behind { SWEEP_AGAIN } else { SWEEP_EVERY });
        }
        Ok(())
    }
}
