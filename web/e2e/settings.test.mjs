/** The user's own things: name, people, connection, notifications, what is kept, and who is unwanted. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { promisify } from 'node:util';
import {
  ALICE,
  BOB,
  bubble,
  CAROL,
  openListed,
  openMenu,
  openNew,
  passesAxe,
  row,
  say,
  snap,
  useWorld,
  waitForCount,
  waitForState,
} from './harness.mjs';

const world = useWorld();

const mark = randomUUID().slice(0, 8);
const needsServer = () => world.mock && 'needs a real server';

for (const colorScheme of ['light', 'dark']) {
  test(`the settings say who and how, and pass axe (${colorScheme})`, async () => {
    const [alice] = await world.handsets([ALICE], { colorScheme });
    await alice.getByTestId('settings').click();
    await alice.getByTestId('registration').filter({ hasText: 'Signed in' }).waitFor();
    await alice.getByText(/\d, this one included/).waitFor();
    await snap(alice, `settings-${colorScheme}`);
    await passesAxe(alice);
  });
}

test('a name of one’s own reaches others as a claim, until they choose a name', async () => {
  const [alice, bob] = await world.handsets([ALICE, BOB], { apart: true });
  await alice.getByTestId('settings').click();
  await alice.getByTestId('own-name').fill('Han “Meimei”');
  await alice.keyboard.press('Escape');
  await openNew(alice, BOB);
  await say(alice, `guess who ${mark}`);
  const listed = row(bob, `tel:${ALICE}`);
  await listed.filter({ hasText: '+86 138 0000 0001' }).filter({ hasText: '~Han “Meimei”' }).waitFor();

  await openListed(bob, `tel:${ALICE}`);
  await bob.getByTestId('profile').click();
  await bob.getByText('Calls themselves “Han “Meimei””').waitFor();
  await snap(bob, 'person-profile');
  await passesAxe(bob);
  await bob.getByTestId('contact-name').fill('Meimei from work');
  await bob.getByTestId('contact-name').press('Enter');
  await bob.getByTestId('profile').filter({ hasText: 'Meimei from work' }).waitFor();
  await waitForCount(bob.getByText('~Han'), 0);
  await bob.reload();
  await bob.getByTestId('profile').filter({ hasText: 'Meimei from work' }).waitFor();
});

test('a message is told of while nobody looks', async () => {
  const [bob] = await world.handsets([BOB], { permissions: ['notifications'] });
  await bob.getByTestId('settings').click();
  await bob.getByRole('switch', { name: 'Notifications' }).click();
  await bob.waitForFunction(() => localStorage.getItem('hongyan.notifications') === 'on');
  await bob.keyboard.press('Escape');
  await bob.evaluate(() => {
    window.told = [];
    window.Notification = class {
      static permission = 'granted';
      constructor(title, { body }) {
        window.told.push(`${title}: ${body}`);
      }
      close() {}
    };
    // As in a tab in the background.
    document.hasFocus = () => false;
    window.dispatchEvent(new Event('blur'));
  });
  const [alice] = await world.handsets([ALICE]);
  await openNew(alice, BOB);
  await say(alice, `psst ${mark}`);
  await bob.waitForFunction((mark) => window.told.some((line) => line.endsWith(`psst ${mark}`)), mark);
});

test('a conversation is deleted, then everything', async () => {
  const [alice] = await world.handsets([ALICE]);
  await openNew(alice, BOB);
  const text = `soon forgotten ${mark}`;
  await say(alice, text);
  await waitForState(alice, text, 'sent', 'delivered', 'displayed');
  await alice.getByTestId('profile').click();
  await alice.getByTestId('delete-conversation').click();
  await alice.getByTestId('consent').click();
  await row(alice, `tel:${BOB}`).waitFor({ state: 'detached' });

  await openNew(alice, CAROL);
  await say(alice, text);
  await waitForState(alice, text, 'sent', 'delivered', 'displayed');
  await alice.getByRole('button', { name: 'Back', exact: true }).click();
  await alice.getByTestId('settings').click();
  await alice.getByTestId('clear-data').click();
  await snap(alice, 'settings-clear');
  await alice.getByTestId('consent').click();
  await alice.getByRole('button', { name: 'Sign in' }).waitFor();
  const again = await world.handset(alice.context(), ALICE);
  await again.getByText('No messages yet').waitFor();
});

test('whoever is blocked is not heard until the block is lifted', async (t) => {
  if (needsServer()) return t.skip(needsServer());
  const [alice, bob] = await world.handsets([ALICE, BOB], { apart: true });
  await openNew(bob, ALICE);
  await bob.getByTestId('profile').click();
  await bob.getByTestId('block').click();
  await bob.getByTestId('consent').click();
  await bob.getByText('You have blocked them').waitFor();
  await snap(bob, 'blocked');
  await passesAxe(bob);
  await openNew(alice, BOB);
  await say(alice, `let me in ${mark}`);
  await waitForState(alice, `let me in ${mark}`, 'sent', 'delivered');
  await bob.getByTestId('unblock').click();
  await bob.getByTestId('composer').waitFor();
  await say(alice, `thank you ${mark}`);
  await bubble(bob, `thank you ${mark}`, 'in').waitFor();
  assert.equal(await bubble(bob, `let me in ${mark}`, 'in').count(), 0);
});

test('a message nobody wanted is reported, its author is blocked, and the operator hears of it', async (t) => {
  if (needsServer()) return t.skip(needsServer());
  const [alice, bob] = await world.handsets([ALICE, BOB], { apart: true });
  const text = `you have won ${mark}`;
  await openNew(alice, BOB);
  await say(alice, text);
  await openListed(bob, `tel:${ALICE}`);
  await bubble(bob, text, 'in').waitFor();
  const id = await bubble(bob, text, 'in').getAttribute('data-message-id');

  await openMenu(bob, text, 'in');
  await bob.getByTestId('message-spam').click();
  await bob.getByLabel('Fraud').check();
  await bob.getByTestId('spam-text').fill(`asks for money ${mark}`);
  await snap(bob, 'spam');
  await passesAxe(bob);
  await bob.getByTestId('send-spam-report').click();
  await bob.getByText('You have blocked them').waitFor();
  const { stdout } = await promisify(execFile)(process.env.HONGYAN, [
    ...['spam', '--json', '--data', process.env.HONGYAN_DATA],
  ]);
  const report = JSON.parse(stdout).find(({ text }) => text === `asks for money ${mark}`);
  assert.deepEqual([report.about, report.kind, report.messageIds], [`tel:${ALICE}`, 'fraud', [id]]);

  await bob.getByTestId('unblock').click();
  await bob.getByTestId('composer').waitFor();
  await bob.getByTestId('profile').click();
  await bob.getByTestId('report-spam').click();
  await bob.getByRole('switch', { name: 'Block' }).uncheck();
  // The notice goes by itself.
  const told = bob.getByText('Reported, thank you').waitFor();
  await bob.getByTestId('send-spam-report').click();
  await told;
  await bob.getByTestId('composer').waitFor();
});

test('a message is taken back as long as nobody has it', async (t) => {
  if (needsServer()) return t.skip(needsServer());
  const [alice, carol] = await world.handsets([ALICE, CAROL], { apart: true });
  const carolsBrowser = carol.context();
  await carol.close();
  await openNew(alice, CAROL);
  const text = `on second thoughts ${mark}`;
  await say(alice, text);
  await waitForState(alice, text, 'sent');
  await openMenu(alice, text, 'out');
  await alice.getByTestId('message-revoke').click();
  await bubble(alice, 'You took this message back', 'out').waitFor();
  await snap(alice, 'revoked');
  await passesAxe(alice);
  const back = await world.handset(carolsBrowser, CAROL);
  await say(alice, `instead ${mark}`);
  await row(back, `tel:${ALICE}`)
    .filter({ hasText: `instead ${mark}` })
    .waitFor();
  await openListed(back, `tel:${ALICE}`);
  assert.equal(await bubble(back, text, 'in').count(), 0);
});
