/**
 * The web handset: an RCS client in the browser.
 *
 * - `sip/` speaks SIP over WebSocket through JsSIP; `rcs/` reads and writes what the messages carry and
 *   mirrors the names of the Rust crate; neither knows a view.
 * - `handset/` is one signed-in subscriber: history and outbox in IndexedDB, state as signals.
 * - `ui/` shows those signals and calls methods of `Handset`; it changes nothing itself. Where the user is
 *   comes from the address (`ui/state.ts`).
 *
 * So data flows one way: network → handset → store → signals → views, and taps go the other way by
 * method calls. Text from the network reaches the page as text nodes only.
 */
import { render } from 'preact';
import './styles/tokens.css';
import './styles/base.css';
import './styles/shell.css';
import './styles/conversation.css';
import './styles/card.css';
import './styles/files.css';
import './styles/message.css';
import './styles/sheet.css';
import { App } from './ui/app';
import { start } from './ui/state';

const root = document.getElementById('app');
if (!root) throw new Error('index.html has no #app');
start();
render(<App />, root);
