/** `/tools/card/`: a card as the handset shows it, beside everything that the checker says about it. */
import { computed, effect, signal } from '@preact/signals';
import { type JSX, render } from 'preact';
import '../styles/tokens.css';
import '../styles/base.css';
import '../styles/conversation.css';
import '../styles/card.css';
import '../styles/message.css';
import '../styles/pages.css';
import { parseBotMessage } from '../rcs/bot/card';
import { readSuggestions } from '../rcs/bot/suggestion';
import { CardView } from '../ui/card';
import { CarouselView } from '../ui/carousel';
import { Chips } from '../ui/chips';

interface Finding {
  readonly severity: 'error' | 'warning';
  readonly dialects: readonly string[];
  readonly path: string;
  readonly rule: string;
  readonly detail: string;
  readonly reason: string;
  readonly fix: string;
  readonly line: number;
  readonly column: number;
}

interface Report {
  readonly form: string | null;
  readonly findings: readonly Finding[];
  readonly dialects: readonly { readonly dialect: string; readonly accepted: boolean }[];
  readonly fallback: {
    readonly text: string;
    readonly encoding: string;
    readonly characters: number;
    readonly segments: number;
  } | null;
  readonly content: {
    readonly message?: unknown;
    readonly suggestions?: unknown;
    readonly text?: string;
  };
}

const EXAMPLE = `{
  "message": {
    "generalPurposeCard": {
      "layout": { "cardOrientation": "VERTICAL" },
      "content": {
        "title": "G1 北京南 → 上海虹桥",
        "description": "09:00 – 13:28 · 二等座 ¥553",
        "suggestions": [
          { "reply": { "displayText": "订二等座", "postback": { "data": "buy:G1:2" } } }
        ]
      }
    }
  }
}`;

/** After the last key, before the platform is asked. */
const PAUSE_MS = 300;
const NAMES: Readonly<Record<string, string>> = {
  ctcu: 'China Telecom, China Unicom',
  cm: 'China Mobile',
  rbm: 'RBM',
  fnw11: 'FNW.11',
};

const text = signal(EXAMPLE);
const report = signal<Report | undefined>(undefined);
const failed = signal('');
const tapped = signal('');
const shown = computed(() => {
  const message = report.value?.content.message;
  return message === undefined ? undefined : parseBotMessage(JSON.stringify({ message }));
});

let asked: AbortController | undefined;

async function check(body: string): Promise<void> {
  asked?.abort();
  asked = new AbortController();
  const aborted = asked.signal;
  try {
    const answer = await fetch('/tools/v1/cards/check', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
      signal: aborted,
    });
    if (!answer.ok) throw new Error(`the platform answered ${answer.status}`);
    report.value = (await answer.json()) as Report;
    failed.value = '';
  } catch (error) {
    if (!aborted.aborted) failed.value = String(error);
  }
}

effect(() => {
  const body = text.value;
  const pause = setTimeout(() => void check(body), PAUSE_MS);
  return () => clearTimeout(pause);
});

function Page(): JSX.Element {
  return (
    <main class="checker">
      <header>
        <h1>Card checker</h1>
        <p>
          Paste a card, a carousel, chips, a menu, or a whole send call. Nothing is kept. The same in a
          terminal: <code>hongyan card check FILE</code>. <a href="/docs/#postToolsV1CardsCheck">The call</a>.
        </p>
      </header>
      <textarea
        id="json"
        aria-label="JSON"
        spellcheck={false}
        value={text.value}
        onInput={(event) => {
          text.value = event.currentTarget.value;
        }}
      />
      <section class="checker-phone" aria-labelledby="shown">
        <h2 id="shown">As a handset shows it</h2>
        <Preview />
        {tapped.value && <p role="status">Tapped: {tapped.value}</p>}
      </section>
      <section class="checker-report" aria-labelledby="findings" aria-live="polite">
        <h2 id="findings">What there is to say</h2>
        {failed.value && <p class="page-notice">{failed.value}</p>}
        {report.value && <ReportView report={report.value} />}
      </section>
    </main>
  );
}

function Preview(): JSX.Element {
  const tap = (suggestion: { readonly displayText: string }) => {
    tapped.value = suggestion.displayText;
  };
  const content = report.value?.content;
  const card = shown.value;
  const chips = Array.isArray(content?.suggestions) ? readSuggestions(content.suggestions, 11) : [];
  return (
    <>
      {content?.text && <p class="checker-bubble">{content.text}</p>}
      {card?.kind === 'card' && <CardView card={card} onTap={tap} />}
      {card?.kind === 'carousel' && <CarouselView carousel={card} onTap={tap} />}
      <Chips suggestions={chips} onTap={tap} />
    </>
  );
}

function ReportView({ report }: { report: Report }): JSX.Element {
  return (
    <>
      <ul class="checker-dialects">
        {report.dialects.map(({ dialect, accepted }) => (
          <li key={dialect} class={accepted ? 'is-good' : 'is-bad'}>
            {accepted ? '✓' : '✗'} {NAMES[dialect] ?? dialect}
          </li>
        ))}
      </ul>
      {report.findings.length === 0 && <p data-testid="good">Nothing to say against it.</p>}
      <ol class="checker-findings">
        {report.findings.map((finding) => (
          <li
            key={`${finding.path} ${finding.rule} ${finding.detail}`}
            class={`is-${finding.severity}`}
            data-testid="finding"
          >
            <button type="button" onClick={() => select(finding)}>
              {finding.line}:{finding.column}
            </button>{' '}
            <b>{finding.severity}</b>
            {finding.dialects.length > 0 &&
              ` for ${finding.dialects.map((name) => NAMES[name] ?? name).join('; ')}`}
            : <code>{finding.path}</code> {finding.detail} <small>[{finding.rule}]</small>
            <p>{finding.reason}</p>
            <p>
              <b>{finding.fix}</b>
            </p>
          </li>
        ))}
      </ol>
      {report.fallback && (
        <>
          <h2>As SMS</h2>
          <p>
            {report.fallback.segments === 1 ? '1 segment' : `${report.fallback.segments} segments`},{' '}
            {report.fallback.encoding}, {report.fallback.characters} characters
          </p>
          <pre>{report.fallback.text}</pre>
        </>
      )}
    </>
  );
}

/** Puts the cursor where a finding is. */
function select(finding: Finding): void {
  const area = document.getElementById('json');
  if (!(area instanceof HTMLTextAreaElement)) return;
  const lines = area.value.split('\n');
  const before = lines.slice(0, finding.line - 1).reduce((sum, line) => sum + line.length + 1, 0);
  // Columns count characters, a text area counts UTF-16 units.
  const within = [...(lines[finding.line - 1] ?? '')].slice(0, finding.column - 1).join('').length;
  area.focus();
  area.setSelectionRange(before + within, before + (lines[finding.line - 1] ?? '').length);
}

const root = document.getElementById('app');
if (!root) throw new Error('tools/card/index.html has no #app');
render(<Page />, root);
