/** What can be done with a message: answering, reacting, looking closely, copying, deleting, finding again. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import {
  ALICE,
  BOB,
  bubble,
  bubbleRow,
  DESKTOP,
  eventually,
  openListed,
  openMenu,
  openNew,
  passesAxe,
  say,
  snap,
  useWorld,
  waitForCount,
  waitForState,
} from './harness.mjs';

const world = useWorld();

const mark = randomUUID().slice(0, 8);

for (const colorScheme of ['light', 'dark']) {
  test(`a reply quotes what it answers, and reactions come and go (${colorScheme})`, async () => {
    const [alice, bob] = await world.handsets([ALICE, BOB], { colorScheme });
    const question = `dinner at eight? ${mark} ${colorScheme}`;
    await openNew(alice, BOB);
    await say(alice, question);
    await openListed(bob, `tel:${ALICE}`);
    await bubble(bob, question, 'in').waitFor();

    await openMenu(bob, question, 'in');
    await bob.getByRole('button', { name: 'React with 👍' }).waitFor();
    await snap(bob, `message-menu-${colorScheme}`);
    await passesAxe(bob);
    await bob.getByTestId('message-reply').click();
    await bob.getByTestId('reply-bar').filter({ hasText: question }).waitFor();
    await snap(bob, `message-replying-${colorScheme}`);
    await say(bob, `gladly ${mark}`);
    await bob.getByTestId('reply-bar').waitFor({ state: 'detached' });
    const reply = bubble(alice, `gladly ${mark}`, 'in');
    await reply.getByTestId('quote').filter({ hasText: question }).waitFor();
    await reply.getByTestId('quote').filter({ hasText: 'You' }).waitFor();

    await openMenu(bob, question, 'in');
    await bob.getByRole('button', { name: 'React with ❤️' }).click();
    const onAlice = bubbleRow(alice, question, 'out');
    await onAlice.getByTestId('reaction').filter({ hasText: '❤️' }).waitFor();
    await openMenu(bob, question, 'in');
    await bob.getByRole('button', { name: 'More emoji' }).click();
    await bob.getByRole('button', { name: 'React with 🎉' }).click();
    await onAlice.getByTestId('reaction').filter({ hasText: '🎉' }).waitFor();
    // One mark for each person.
    await waitForCount(onAlice.getByTestId('reaction'), 1);
    await openMenu(alice, question, 'out');
    await alice.getByRole('button', { name: 'More emoji' }).click();
    await alice.getByRole('button', { name: 'React with 🎉' }).click();
    await onAlice.getByRole('button', { name: /🎉 by .*0002, You|🎉 by You/ }).waitFor();
    await snap(alice, `message-reactions-${colorScheme}`);
    await passesAxe(alice);
    const onBob = bubbleRow(bob, question, 'in');
    await onBob.getByTestId('reaction').filter({ hasText: '2' }).waitFor();
    // A tap takes the own one back.
    await onBob.getByTestId('reaction').click();
    await onAlice.getByTestId('reaction').filter({ hasNotText: '2' }).waitFor();
    await alice.reload();
    await onAlice.getByTestId('reaction').waitFor();
  });
}

test('a message tells its ids and its way, is copied, and is deleted here only', async () => {
  const [alice, bob] = await world.handsets([ALICE, BOB], {
    permissions: ['clipboard-read', 'clipboard-write'],
  });
  await openNew(alice, BOB);
  const text = `remember me ${mark}`;
  await say(alice, text);
  await openListed(bob, `tel:${ALICE}`);
  await waitForState(alice, text, 'displayed');
  const id = await bubble(alice, text, 'out').getAttribute('data-message-id');

  await openMenu(alice, text, 'out');
  await alice.getByTestId('message-copy').click();
  await eventually(
    () => alice.evaluate(() => navigator.clipboard.readText()),
    (copied) => copied === text,
    'the clipboard',
  );
  await openMenu(alice, text, 'out');
  await alice.getByTestId('message-details').click();
  const details = alice.getByTestId('details');
  await details.getByText(id).waitFor();
  for (const step of ['Sent', 'Delivered', 'Read'])
    await details.getByRole('listitem').filter({ hasText: step }).waitFor();
  await snap(alice, 'message-details');
  await passesAxe(alice);
  await alice.keyboard.press('Escape');

  await openMenu(alice, text, 'out');
  await alice.getByTestId('message-delete').click();
  await bubble(alice, text, 'out').waitFor({ state: 'detached' });
  await alice.reload();
  await alice.getByTestId('composer').waitFor();
  assert.equal(await bubble(alice, text, 'out').count(), 0);
  await bubble(bob, text, 'in').waitFor();
});

test('a finger that stays on a message opens its menu', async () => {
  const [alice] = await world.handsets([ALICE], { hasTouch: true, isMobile: true });
  await openNew(alice, BOB);
  const text = `press and hold ${mark}`;
  await say(alice, text);
  // Its tick comes and the log scrolls: a finger meets it when it has come to rest.
  await waitForState(alice, text, 'sent', 'delivered', 'displayed');
  await bubble(alice, text, 'out').tap({ trial: true });
  const box = await bubble(alice, text, 'out').boundingBox();
  const at = { x: box.x + 20, y: box.y + 15 };
  const session = await alice.context().newCDPSession(alice);
  await session.send('Input.dispatchTouchEvent', { type: 'touchStart', touchPoints: [at] });
  await alice.getByTestId('message-copy').waitFor();
  await session.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] });
});

test('words are found in all conversations and in one, and lead to where they were said', async () => {
  const [alice] = await world.handsets([ALICE], { viewport: DESKTOP });
  await openNew(alice, BOB);
  const word = `needle${mark}`;
  await say(alice, `the first ${word} of two`);
  for (let i = 0; i < 24; i++) await say(alice, `straw ${i} ${mark}`);
  await say(alice, `the second ${word.toUpperCase()} here`);
  await bubble(alice, 'the second', 'out').waitFor();

  await alice.getByTestId('search').fill(word);
  const hits = alice.getByTestId('hit');
  await waitForCount(hits, 2);
  await snap(alice, 'search-all');
  await passesAxe(alice);
  await hits.nth(1).click();
  const first = bubble(alice, 'the first', 'out');
  await first.locator('mark').filter({ hasText: word }).waitFor();
  await eventually(
    () => first.evaluate((element) => element.getBoundingClientRect()),
    ({ top, bottom }) => top > 0 && bottom < DESKTOP.height,
    'the hit on screen',
  );
  await alice.getByTestId('search').fill('');

  await alice.getByTestId('find-open').click();
  await alice.getByTestId('find').fill(word);
  await alice.getByText('1 of 2').waitFor();
  await bubble(alice, 'the second', 'out').locator('mark').waitFor();
  await alice.getByTestId('find').press('Enter');
  await alice.getByText('2 of 2').waitFor();
  await first.locator('mark').waitFor();
  await snap(alice, 'search-one');
  await passesAxe(alice);
  await alice.getByTestId('find').press('Escape');
  await alice.getByTestId('find').waitFor({ state: 'detached' });
  await alice.getByTestId('search').fill('nowhere-to-be-found');
  await alice.getByText('No message found').waitFor();
});
