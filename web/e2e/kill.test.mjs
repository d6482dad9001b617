/**
 * The platform dies by SIGKILL in mid-conversation and comes back on the same data: nothing that anybody said is lost,
 * nothing is shown twice, and the rail conversation goes on where it was.
 *
 * Starts a platform of its own: HONGYAN names the program.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { watch } from 'node:fs';
import { copyFile, mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ALICE, BOB, bubble, DESKTOP, openNew, say, snap, useWorld, waitForState } from './harness.mjs';

const program = process.env.HONGYAN;
const skip = !program && 'HONGYAN does not name the program';
const PASSWORD = 'killed-and-back';

let directory;
let platform;
const world = useWorld({
  skip,
  start: async () => {
    directory = await mkdtemp(join(tmpdir(), 'hongyan-kill-'));
    platform = await start();
    process.env.HONGYAN_URL = `http://${platform.http}`;
    process.env.HONGYAN_DEMO_PASSWORD = PASSWORD;
  },
  stop: async () => {
    await kill();
    if (process.env.ARTEFACTS)
      await copyFile(join(directory, 'platform.log'), join(process.env.ARTEFACTS, 'kill-platform.log'));
    await rm(directory, { recursive: true, force: true });
  },
});

/** Starts the platform on the same data and, the second time, on the same ports. */
async function start(ports = { http: '127.0.0.1:0', sip: '127.0.0.1:0' }) {
  const ready = join(directory, 'ready');
  await rm(ready, { force: true });
  const watching = new AbortController();
  const appeared = new Promise((resolve) => {
    watch(directory, { signal: watching.signal }, (_, name) => name === 'ready' && resolve());
  });
  const options = [
    '--data',
    join(directory, 'data'),
    '--http',
    ports.http,
    '--sip',
    ports.sip,
    '--ready-file',
    ready,
  ];
  const log = await open(join(directory, 'platform.log'), 'a');
  const child = spawn(program, ['serve', '--demo', ...options], {
    env: { ...process.env, HONGYAN_DEMO__PASSWORD: PASSWORD },
    stdio: ['ignore', log.fd, log.fd],
  });
  const died = once(child, 'exit').then(([code]) => {
    throw new Error(`the platform ended with ${code} before it was ready`);
  });
  await Promise.race([appeared, died]);
  died.catch(() => {});
  watching.abort();
  const bound = JSON.parse(await readFile(ready, 'utf8'));
  return { child, http: bound.http, sip: bound.sip_udp };
}

async function kill() {
  const gone = once(platform.child, 'exit');
  platform.child.kill('SIGKILL');
  await gone;
}

/** The texts of all bubbles of one direction that begin with a word, in order. */
function texts(page, direction, word) {
  return bubble(page, word, direction).evaluateAll(
    (found, pattern) => found.map((one) => one.textContent.match(new RegExp(pattern))[0]),
    `${word} \\d`,
  );
}

test('what is said before, while and after the platform is dead arrives once and in order', {
  skip,
}, async () => {
  const [alice, bob] = await world.handsets([ALICE, BOB], { locale: 'en-GB', viewport: DESKTOP });
  await openNew(alice, BOB);
  await openNew(bob, ALICE);
  await say(alice, 'letter 1');
  await bubble(bob, 'letter 1', 'in').waitFor();
  await bob.close(); // Bob is away: the next one waits in his mailbox.
  await say(alice, 'letter 2');
  await waitForState(alice, 'letter 2', 'sent', 'delivered', 'displayed');

  await kill();
  await say(alice, 'letter 3');
  await waitForState(alice, 'letter 3', 'pending');
  await snap(alice, 'kill-pending');
  platform = await start({ http: platform.http, sip: platform.sip });

  await waitForState(alice, 'letter 3', 'sent', 'delivered', 'displayed');
  const back = await world.handset(alice.context(), BOB);
  await openNew(back, ALICE);
  await say(alice, 'letter 4');
  await bubble(back, 'letter 4', 'in').waitFor();
  assert.deepEqual(await texts(back, 'in', 'letter'), ['letter 1', 'letter 2', 'letter 3', 'letter 4']);
});

test('the rail conversation goes on where it was', { skip }, async () => {
  const [page] = await world.handsets([ALICE], { locale: 'zh-CN', viewport: DESKTOP });
  await openNew(page, '12306');
  const answer = (text) => bubble(page, text, 'in').last().waitFor();
  await say(page, '明天北京到上海');
  await answer('以下是第');

  await kill();
  await say(page, 'G103');
  await waitForState(page, 'G103', 'pending');
  platform = await start({ http: platform.http, sip: platform.sip });

  await answer('请选择席别');
  await say(page, '二等座');
  await answer(/姓名和证件号|请选择乘车人/);
  await snap(page, 'kill-rail-goes-on');
});
