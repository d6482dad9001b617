/**
 * `/docs/`: the HTTP interfaces for reading, from `/openapi.json`. A page of our own because the usual viewers load from elsewhere,
 * or are larger than all the rest of the web.
 */
import { signal } from '@preact/signals';
import { type JSX, render } from 'preact';
import '../styles/tokens.css';
import '../styles/pages.css';
import {
  type Call,
  curl,
  exampleOf,
  groups,
  type Media,
  matches,
  members,
  type OpenApi,
  type Schema,
  typeOf,
} from './document';

const document_ = signal<OpenApi | undefined>(undefined);
const failed = signal('');
const words = signal('');

async function load(): Promise<void> {
  try {
    const answer = await fetch('/openapi.json');
    if (!answer.ok) throw new Error(`/openapi.json: ${answer.status}`);
    document_.value = (await answer.json()) as OpenApi;
    // What the address names is there only now.
    if (location.hash) document.getElementById(location.hash.slice(1))?.scrollIntoView();
  } catch (error) {
    failed.value = String(error);
  }
}

function Page(): JSX.Element {
  const api = document_.value;
  if (!api) return <p class="page-notice">{failed.value || '…'}</p>;
  const shown = groups(api)
    .map((group) => ({ ...group, calls: group.calls.filter((call) => matches(call, words.value)) }))
    .filter((group) => group.calls.length > 0);
  return (
    <div class="docs">
      <nav class="docs-nav" aria-label="Calls">
        <a class="docs-brand" href="/">
          鸿雁 {api.info.title} <small>{api.info.version}</small>
        </a>
        <input
          type="search"
          aria-label="Find a call"
          placeholder="Find a call"
          value={words.value}
          onInput={(event) => {
            words.value = event.currentTarget.value;
          }}
        />
        {shown.map((group) => (
          <details key={group.name} open>
            <summary>{group.name}</summary>
            <ul>
              {group.calls.map((call) => (
                <li key={call.operation.operationId}>
                  <a href={`#${call.operation.operationId}`}>
                    <Method name={call.method} />
                    <span>
                      <Words text={firstSentence(call.operation.summary ?? call.path)} />
                    </span>
                  </a>
                </li>
              ))}
            </ul>
          </details>
        ))}
        <p>
          <a href="/openapi.json">openapi.json</a> · <a href="/tools/card/">card checker</a>
        </p>
      </nav>
      <main class="docs-main">
        <h1>The HTTP interfaces of Hongyan</h1>
        <Paragraphs text={api.info.description ?? ''} />
        {shown.map((group) => (
          <section key={group.name}>
            <h2>{group.name}</h2>
            <Paragraphs text={group.description} />
            {group.calls.map((call) => (
              <CallView key={call.operation.operationId} api={api} call={call} />
            ))}
          </section>
        ))}
        {shown.length === 0 && <p>No call has all of these words.</p>}
      </main>
    </div>
  );
}

function CallView({ api, call }: { api: OpenApi; call: Call }): JSX.Element {
  const { operation } = call;
  const needs = operation.security?.flatMap((one) => Object.keys(one)) ?? [];
  return (
    <article class="docs-call" id={operation.operationId} data-testid="call">
      <h3>
        <Words text={operation.summary ?? ''} />
      </h3>
      <p class="docs-path">
        <Method name={call.method} />
        <code>{call.path}</code>
        {needs.map((need) => (
          <span key={need} class="docs-need">
            {NEEDS[need] ?? need}
          </span>
        ))}
      </p>
      <Paragraphs text={operation.description ?? ''} />
      {operation.parameters && operation.parameters.length > 0 && (
        <table>
          <caption>Parameters</caption>
          <tbody>
            {operation.parameters.map((parameter) => (
              <tr key={parameter.name}>
                <th scope="row">
                  <code>{parameter.name}</code>
                </th>
                <td>
                  {parameter.in}
                  {parameter.required ? '' : ', optional'}, {typeOf(api, parameter.schema ?? {})}
                </td>
                <td>
                  <Words text={parameter.description ?? ''} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {operation.requestBody && (
        <>
          <h4>Body</h4>
          <Paragraphs text={operation.requestBody.description ?? ''} />
          <Contents api={api} content={operation.requestBody.content} />
        </>
      )}
      <h4>Answers</h4>
      {Object.entries(operation.responses).map(([status, answer]) => (
        <details key={status} class="docs-answer" open={status.startsWith('2')}>
          <summary>
            <b class={`is-${status[0]}`}>{status}</b> <Words text={answer.description ?? ''} />
          </summary>
          <Contents api={api} content={answer.content ?? {}} />
        </details>
      ))}
      <details class="docs-answer">
        <summary>As a command</summary>
        <pre>{curl(api, call, location.origin)}</pre>
      </details>
    </article>
  );
}

const NEEDS: Readonly<Record<string, string>> = {
  admin: 'admin token',
  subscriber: 'subscriber, Digest',
  accessToken: 'access token',
};

function Contents({ api, content }: { api: OpenApi; content: Readonly<Record<string, Media>> }): JSX.Element {
  return (
    <>
      {Object.entries(content).map(([type, media]) => {
        const example = exampleOf(api, media);
        return (
          <div key={type}>
            <p class="docs-type">
              <code>{type}</code> {media.schema && typeOf(api, media.schema)}
            </p>
            {media.schema && <Members api={api} schema={media.schema} depth={0} />}
            {example !== undefined && <pre>{JSON.stringify(example, null, 2)}</pre>}
          </div>
        );
      })}
    </>
  );
}

/** The members of an object, and of the objects within. */
function Members({
  api,
  schema,
  depth,
}: {
  api: OpenApi;
  schema: Schema;
  depth: number;
}): JSX.Element | null {
  const inner = [schema.type].flat().includes('array') && schema.items ? schema.items : schema;
  const found = members(api, inner);
  if (found.length === 0 || depth > 4) return null;
  return (
    <ul class="docs-members">
      {found.map((member) => (
        <li key={member.name}>
          <code>{member.name}</code>{' '}
          <span class="docs-type">
            {typeOf(api, member.schema)}
            {member.required ? '' : ', optional'}
          </span>{' '}
          <Words text={member.schema.description ?? ''} />
          <Members api={api} schema={member.schema} depth={depth + 1} />
        </li>
      ))}
    </ul>
  );
}

function Method({ name }: { name: string }): JSX.Element {
  return <b class={`docs-method is-${name}`}>{name.toUpperCase()}</b>;
}

/** A line of a docstring, with `code` in it. */
function Words({ text }: { text: string }): JSX.Element {
  return <>{text.split('`').map((piece, i) => (i % 2 === 1 ? <code key={i}>{piece}</code> : piece))}</>;
}

/** Enough to find a call by. */
function firstSentence(text: string): string {
  return /^.*?[.:;](?=\s)/.exec(text)?.[0].replace(/[:;]$/, '.') ?? text;
}

/** Docstrings: paragraphs with `code` in them. */
function Paragraphs({ text }: { text: string }): JSX.Element {
  return (
    <>
      {text
        .split(/\n\s*\n/)
        .filter((paragraph) => paragraph.trim() !== '')
        .map((paragraph) => (
          <p key={paragraph}>
            <Words text={paragraph} />
          </p>
        ))}
    </>
  );
}

const root = document.getElementById('app');
if (!root) throw new Error('docs/index.html has no #app');
render(<Page />, root);
void load();
