/** Two subscribers in two tabs of one browser talk to each other. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, test } from 'node:test';
import {
  ALICE,
  BOB,
  bubble,
  CAROL,
  DESKTOP,
  openListed,
  openNew,
  row,
  say,
  snap,
  useWorld,
  waitForState,
} from './harness.mjs';

const world = useWorld();
after(() => {
  assert.deepEqual(
    world.mock?.answers.filter((status) => status !== 200) ?? [],
    [],
    'handsets take every message with one 200',
  );
});

/** Texts of one run are told apart from those of others on the same server. */
const mark = randomUUID().slice(0, 8);

test('two handsets in two tabs chat, with ticks, unread counts and composing', async () => {
  const [alice, bob] = await world.handsets([ALICE, BOB]);
  assert.ok(!alice.url().includes(world.password), 'the password has left the address bar');

  await openNew(alice, BOB);
  await say(alice, `hello ${mark}`);
  await waitForState(alice, `hello ${mark}`, 'delivered', 'displayed');

  const listed = row(bob, `tel:${ALICE}`);
  await listed.filter({ hasText: `hello ${mark}` }).waitFor();
  await listed.getByText(/\d+ unread/).waitFor();
  await snap(bob, 'chat-list-unread');
  assert.equal(await bubble(alice, `hello ${mark}`, 'out').getAttribute('data-state'), 'delivered');

  await openListed(bob, `tel:${ALICE}`);
  await bubble(bob, `hello ${mark}`, 'in').waitFor();
  await waitForState(alice, `hello ${mark}`, 'displayed');

  const composing = alice.getByTestId('composing').waitFor();
  await bob.getByTestId('composer').pressSequentially('hi');
  await composing;
  await snap(alice, 'chat-composing');
  await say(bob, `hi there ${mark}`);
  await bubble(alice, `hi there ${mark}`, 'in').waitFor();
  await alice.getByTestId('composing').waitFor({ state: 'detached' });
  await waitForState(bob, `hi there ${mark}`, 'displayed');
  await snap(alice, 'chat-alice');
  await snap(bob, 'chat-bob');
});

test('a message to somebody who is away waits and arrives when they return', async () => {
  const [alice, carol] = await world.handsets([ALICE, CAROL]);
  await carol.close();
  await openNew(alice, CAROL);
  const text = `are you there ${mark}`;
  await say(alice, text);
  await waitForState(alice, text, 'sent');

  const back = await world.handset(alice.context(), CAROL);
  await row(back, `tel:${ALICE}`).filter({ hasText: text }).waitFor();
  await waitForState(alice, text, 'delivered');
  await openListed(back, `tel:${ALICE}`);
  await waitForState(alice, text, 'displayed');
});

test('what is written offline goes out after reconnecting, once', async () => {
  const [alice, bob] = await world.handsets([ALICE, BOB], { apart: true });
  await openNew(alice, BOB);
  await alice.context().setOffline(true);
  await alice.getByTestId('connection').waitFor();
  const text = `from the tunnel ${mark}`;
  await say(alice, text);
  await waitForState(alice, text, 'pending');
  await snap(alice, 'chat-offline');
  await alice.context().setOffline(false);
  await waitForState(alice, text, 'delivered', 'displayed');
  await openListed(bob, `tel:${ALICE}`);
  await bubble(bob, text, 'in').waitFor();
  assert.equal(await bubble(bob, text, 'in').count(), 1);
});

test('history is there after a reload, for this account only', async () => {
  const [alice] = await world.handsets([ALICE], { viewport: DESKTOP });
  await openNew(alice, BOB);
  const text = `remember ${mark}`;
  await say(alice, text);
  await waitForState(alice, text, 'sent', 'delivered', 'displayed');
  await alice.reload();
  await bubble(alice, text, 'out').waitFor();

  const carol = await world.handset(alice.context(), CAROL);
  await carol.getByTestId('settings').waitFor();
  assert.equal(await row(carol, `tel:${BOB}`).filter({ hasText: text }).count(), 0);
});

test('a number that nobody has is shown as failed, and can be tried again', async () => {
  const [alice] = await world.handsets([ALICE]);
  await openNew(alice, '+8613899999999');
  const text = `nobody ${mark}`;
  await say(alice, text);
  await waitForState(alice, text, 'failed');
  await snap(alice, 'chat-failed');
  await alice.getByTestId('retry').last().click();
  await waitForState(alice, text, 'failed');
});

test('a wrong password is refused in words', async () => {
  const page = await world.tab(await world.context());
  await page.getByLabel('Phone number').fill(ALICE);
  await page.getByLabel('Password', { exact: true }).fill('not the password');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('alert').filter({ hasText: 'not right' }).waitFor();
  await snap(page, 'sign-in-refused');
});

test('signing out leaves the sign-in page and nothing else', async () => {
  const [alice] = await world.handsets([ALICE]);
  await alice.getByTestId('settings').click();
  await alice.getByRole('button', { name: 'Sign out' }).click();
  await alice.getByRole('button', { name: 'Sign in' }).waitFor();
  await alice.reload();
  await alice.getByRole('button', { name: 'Sign in' }).waitFor();
});

test('two tabs of one account show the same', async () => {
  const [one, two, bob] = await world.handsets([ALICE, ALICE, BOB]);
  await openNew(one, BOB);
  await openNew(two, BOB);
  const text = `seen twice ${mark}`;
  await say(one, text);
  await bubble(two, text, 'out').waitFor();
  await openListed(bob, `tel:${ALICE}`);
  await say(bob, `answer ${mark}`);
  for (const tab of [one, two]) {
    await bubble(tab, `answer ${mark}`, 'in').waitFor();
    assert.equal(await bubble(tab, `answer ${mark}`, 'in').count(), 1);
    await waitForState(tab, text, 'displayed');
  }
});
